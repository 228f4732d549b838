"""What an editor is told about a rule or limit that could not work."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from policies.models import Limit, Policy, Rule

OWN = {"fact": "order.is_own", "op": "==", "value": True}
PERMIT = {"kind": "permit", "tools": ["create_refund"]}
REQUIRE = {"kind": "require", "tools": ["create_refund"], "condition": [OWN]}


def said(row: Rule | Limit) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as caught:
        row.clean()
    return caught.value.message_dict


@pytest.mark.parametrize("fields", [PERMIT, REQUIRE, {**PERMIT, "when": [OWN], "tools": ["*"]}])
def test_a_sound_rule_passes(fields: dict[str, Any]):
    Rule(code="R-1", title="Fine", **fields).clean()


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({**PERMIT, "tools": []}, "tools", "Write a list of tool names"),
        ({**PERMIT, "tools": "create_refund"}, "tools", "Write a list of tool names"),
        ({**PERMIT, "tools": [""]}, "tools", "Write a list of tool names"),
        ({**PERMIT, "kind": "forbid"}, "kind", "A rule permits or requires."),
        ({**PERMIT, "when": {"fact": "order.is_own"}}, "when", "Write a list like"),
        ({**PERMIT, "when": ["order.is_own"]}, "when", "Write a list like"),
        ({**PERMIT, "when": [{"fact": "order.is_own"}]}, "when", "Write a list like"),
        ({**PERMIT, "when": None}, "when", "Write a list like"),
        (
            {**PERMIT, "when": [{"fact": "order.colour", "op": "==", "value": "red"}]},
            "when",
            "There is no fact “order.colour”. Use one of: ",
        ),
        ({**PERMIT, "when": [{"fact": "order.is_own", "op": "=", "value": True}]}, "when", "“=” is no comparison"),
        ({**PERMIT, "when": [{"fact": "order.is_own", "op": "==", "value": "yes"}]}, "when", "Write true or false."),
        (
            {**PERMIT, "when": [{"fact": "order.status", "op": "<", "value": "paid"}]},
            "when",
            "“<” does not fit “order.status”, which is text",
        ),
        ({**PERMIT, "when": [{"fact": "order.status", "op": "in", "value": "paid"}]}, "when", "does not fit “order.status”"),
        ({**PERMIT, "when": [{"fact": "order.status", "op": "in", "value": []}]}, "when", "does not fit “order.status”"),
        ({**PERMIT, "when": [{"fact": "refund.amount", "op": "<=", "value": 100}]}, "when", 'Write {"EUR": 10000} for €100.00.'),
        ({**PERMIT, "when": [{"fact": "refund.amount", "op": "<=", "value": {"eur": 100}}]}, "when", "does not fit “refund.amount”"),
        ({**PERMIT, "when": [{"fact": "refund.amount", "op": "<=", "value": {"EUR": 1.5}}]}, "when", "does not fit “refund.amount”"),
        ({**PERMIT, "when": [{"fact": "refund.amount", "op": "in", "value": [{"EUR": 1}]}]}, "when", "“in” does not fit “refund.amount”"),
        ({**PERMIT, "when": [{"fact": "order.days_since_delivery", "op": "<=", "value": True}]}, "when", "Write a whole number"),
        ({**PERMIT, "when": [{"fact": "refund.amount", "op": "<=", "than": "order.status"}]}, "when", "they do not compare"),
        ({**PERMIT, "when": [{"fact": "refund.amount", "op": "<=", "than": "order.total"}]}, "when", "There is no fact “order.total”."),
        ({**PERMIT, "condition": [OWN]}, "condition", "put it under “when”"),
        ({**REQUIRE, "condition": []}, "condition", "needs at least one condition"),
        ({**REQUIRE, "otherwise": "allow"}, "otherwise", "one of these speaks: ask, need_confirmation, need_identity, deny."),
    ],
)
def test_an_unsound_rule_is_named_with_its_field(fields: dict[str, Any], field: str, words: str):
    errors = said(Rule(code="R-1", title="Unsound", **fields))
    assert list(errors) == [field]
    assert words in errors[field][0]


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"amount": {}}, "__all__", "Give an amount, a count, or both."),
        ({"amount": {"EUR": -1}}, "amount", "Write minor units by currency"),
        ({"amount": {"EUR": 1.5}}, "amount", "Write minor units by currency"),
        ({"amount": {"EUR": True}}, "amount", "Write minor units by currency"),
        ({"amount": {"euro": 5}}, "amount", "Write minor units by currency"),
        ({"amount": [1]}, "amount", "Write minor units by currency"),
        ({"tools": ["*"]}, "tools", "Name each tool"),
        ({"tools": []}, "tools", "Name each tool"),
        ({"scope": "planet"}, "scope", "order, customer, tenant"),
        ({"window_days": 0}, "window_days", "at least one day"),
        ({"otherwise": "allow"}, "otherwise", "one of these speaks"),
    ],
)
def test_an_unsound_limit_is_named_with_its_field(fields: dict[str, Any], field: str, words: str):
    sound = {"code": "L-1", "title": "Refunds", "tools": ["create_refund"], "scope": "customer", "amount": {"EUR": 20_000}}
    Limit(policy=Policy(), **sound).clean()
    errors = said(Limit(**{**sound, **fields}))
    assert list(errors) == [field]
    assert words in errors[field][0]
