"""Rules and limits as sentences, and conditions as the lines an editor types."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.decide import PERMIT, REQUIRE, Limit, Rule
from policies.facts import CATALOGUE
from policies.forms import money_written, read, read_money, written
from policies.models import conditions
from policies.verdicts import Verdict
from policies.words import limit_sentence, sentence


def rule(kind: str, tools: str, when: str = "", condition: str = "", otherwise: Verdict = Verdict.ASK) -> Rule:
    return Rule("R-1", kind, "Any", tuple(tools.split()), tuple(conditions(read(when))), tuple(conditions(read(condition))), otherwise)


@pytest.mark.parametrize(
    ("said", "spoken"),
    [
        (
            rule(REQUIRE, "create_refund", condition="refund.amount <= 100.00 EUR\norder.days_since_delivery <= 60"),
            "Refunds up to €100.00 within 60 days of delivery; otherwise a teammate is asked.",
        ),
        (
            rule(PERMIT, "create_refund", when="order.is_own is yes\nrefund.amount <= 100 EUR, 90 GBP"),
            "Refunds on the customer's own order up to €100.00 (£90.00) are allowed.",
        ),
        (
            rule(PERMIT, "cancel_order change_address", when="order.status in paid, pending"),
            "Order cancellations and address changes while the order is paid or pending are allowed.",
        ),
        (rule(PERMIT, "*"), "Everything is allowed."),
        (
            rule(REQUIRE, "create_refund", condition="identity.level is proven", otherwise=Verdict.NEED_IDENTITY),
            "Refunds only by customers whose identity is proven; otherwise the customer is asked to prove who they are.",
        ),
        (
            rule(REQUIRE, "create_refund", "refund.amount > 50 EUR", "session.confirmed is yes", Verdict.NEED_CONFIRMATION),
            "Refunds above €50.00: only once the customer confirmed exactly this; otherwise the customer is asked to confirm.",
        ),
        (
            rule(REQUIRE, "cancel_order", condition="order.status not in shipped, delivered", otherwise=Verdict.DENY),
            "Order cancellations only while the order is not shipped or delivered; otherwise it is denied.",
        ),
        (
            rule(REQUIRE, "create_refund", condition="refund.amount <= order.remaining", otherwise=Verdict.DENY),
            "Refunds up to what is left to refund on the order; otherwise it is denied.",
        ),
        (
            rule(REQUIRE, "create_refund", condition="call.done_before is no"),
            "Refunds only the first time on this ticket; otherwise a teammate is asked.",
        ),
        (
            rule(PERMIT, "mend_tent", when="order.days_since_placed >= 3"),
            "Mend_tent where days since the order was placed is at least 3 are allowed.",
        ),
    ],
)
def test_a_rule_reads_as_a_support_lead_would_say_it(said: Rule, spoken: str):
    assert sentence(said) == spoken


@pytest.mark.parametrize(
    ("limit", "spoken"),
    [
        (
            Limit("L", "t", ("create_refund",), "customer", 30, {"EUR": 20_000}),
            "At most €200.00 of refunds per customer in 30 days; beyond that a teammate is asked.",
        ),
        (
            Limit("L", "t", ("create_refund",), "tenant", 1, {"EUR": 500_000, "JPY": 400_000}, 20),
            "At most €5,000.00 (JP¥400,000) of refunds and 20 of them in the whole workspace in a day; beyond that a teammate is asked.",
        ),
        (
            Limit("L", "t", ("cancel_order",), "order", 90, {}, 1, Verdict.DENY),
            "At most 1 order cancellation per order in 90 days; beyond that it is denied.",
        ),
    ],
)
def test_a_limit_reads_as_a_support_lead_would_say_it(limit: Limit, spoken: str):
    assert limit_sentence(limit) == spoken


TEXTS = st.text(max_size=12) | st.sampled_from(["paid", "yes", "12", "order.status", "a, b", '"', "not in x", "true"])
MONEY = st.dictionaries(st.sampled_from(["EUR", "GBP", "JPY", "KWD"]), st.integers(0, 10**9), min_size=1)


@st.composite
def sound_rows(draw: st.DrawFn) -> dict[str, object]:
    fact = CATALOGUE[draw(st.sampled_from(list(CATALOGUE)))]
    value = {"text": TEXTS, "number": st.integers(-5, 10**6), "yesno": st.booleans(), "money": MONEY}[fact.kind]
    if fact.kind in ("text", "number") and draw(st.booleans()):
        return {"fact": fact.name, "op": draw(st.sampled_from(["in", "not in"])), "value": draw(st.lists(value, min_size=1, max_size=3))}
    op = draw(st.sampled_from(["==", "!="] if fact.kind in ("text", "yesno") else ["==", "!=", "<", "<=", ">", ">="]))
    if draw(st.integers(0, 4)) == 0:
        return {
            "fact": fact.name,
            "op": op,
            "than": draw(st.sampled_from([each.name for each in CATALOGUE.values() if each.kind == fact.kind])),
        }
    return {"fact": fact.name, "op": op, "value": draw(value)}


@settings(max_examples=300, deadline=None)
@given(st.lists(sound_rows(), max_size=3))
def test_what_is_written_reads_back_as_what_was_stored(rows: list[dict[str, object]]):
    assert read(written(rows)) == rows
    for row, condition in zip(rows, conditions(rows), strict=True):
        assert condition.problems() == [], row


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_whatever_is_typed_is_read_or_refused_with_its_line(text: str):
    said = []
    try:
        read(text)
    except ValidationError as error:
        said = error.messages
    assert all(each.startswith(("Line ", "This begins like JSON")) for each in said)


@pytest.mark.parametrize("stored", [None, 5, {"a": 1}, [1], [{"fact": "x"}], [{"fact": "refund.amount", "op": "<", "value": {"XXQ": 1}}]])
def test_what_is_no_condition_is_shown_as_the_json_it_is(stored: object):
    assert written(stored).startswith(("[", "{", "null", "5"))


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("100 EUR", {"EUR": 10_000}), ("0.05 eur", {"EUR": 5}), ("1000 JPY", {"JPY": 1000}), ("1.005 KWD, 2 EUR", {"KWD": 1005, "EUR": 200})],
)
def test_amounts_are_typed_in_money_and_stored_in_minor_units(typed: str, stored: dict[str, int]):
    assert read_money(typed) == stored
    assert read_money(money_written(stored)) == stored


@pytest.mark.parametrize(
    "typed", ["", "100", "EUR", "1.5 JPY", "-1 EUR", "1e3 EUR", "100,00 EUR", "1 EUR, 2 EUR", "１２ EUR", "NaN EUR", "5 XYZ"]
)
def test_what_is_no_amount_is_refused(typed: str):
    with pytest.raises(ValueError, match=r"amount|currency|decimals|twice"):
        read_money(typed)
