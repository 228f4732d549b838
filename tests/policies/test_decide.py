"""The pure decision, by tables."""

from typing import Any

import pytest

from policies.decide import NO_RULE_PERMITS, PERMIT, REQUIRE, Condition, Decision, Limit, Rule, Usage, WantedCall, decide
from policies.facts import CATALOGUE
from policies.verdicts import Verdict
from tickets.identity import Level

REFUND = WantedCall("create_refund", True, {})
READ = WantedCall("get_order", False, {})
FACTS: dict[str, Any] = {
    **dict.fromkeys(CATALOGUE),
    "tool.kind": "write",
    "identity.level": "proven",
    "session.confirmed": True,
    "order.is_own": True,
    "order.status": "delivered",
    "order.days_since_delivery": 12,
    "order.remaining": {"amount": 6400, "currency": "EUR"},
    "refund.amount": {"amount": 6400, "currency": "EUR"},
    "refund.fits": True,
}


def permit(code: str = "P-1", *when: Condition, tools: tuple[str, ...] = ("create_refund",)) -> Rule:
    return Rule(code, PERMIT, "Small refunds", tools, when)


def require(condition: Condition, otherwise: Verdict, code: str = "R-1", when: tuple[Condition, ...] = ()) -> Rule:
    return Rule(code, REQUIRE, f"Requires {condition.fact}", ("create_refund",), when, (condition,), otherwise, message=f"{code} says so")


OWN = Condition("order.is_own", "==", True)
NOT_MET = Condition("order.is_own", "==", False)


def refund(*rules: Rule, limits: Any = (), facts: dict[str, Any] = FACTS) -> Decision:
    return decide(REFUND, facts, rules, limits)


def test_the_verdicts_are_ordered_by_strictness():
    assert sorted(Verdict) == [Verdict.ALLOW, Verdict.ASK, Verdict.NEED_CONFIRMATION, Verdict.NEED_IDENTITY, Verdict.DENY]
    assert [Verdict.of(verdict.code) for verdict in Verdict] == list(Verdict)


@pytest.mark.parametrize("strict", [verdict for verdict in Verdict if verdict is not Verdict.ALLOW])
@pytest.mark.parametrize("mild", list(Verdict))
def test_the_strictest_voice_wins(mild: Verdict, strict: Verdict):
    rules = [permit(), require(NOT_MET, mild, "R-1"), require(NOT_MET, strict, "R-2")]
    decision = refund(*rules)
    assert decision.verdict == max(mild, strict)
    assert {voice.code for voice in decision.deciding} == {f"R-{n}" for n, v in ((1, mild), (2, strict)) if v == decision.verdict}


def test_a_permitted_write_that_meets_every_requirement_is_allowed_and_says_why():
    decision = refund(permit(), require(OWN, Verdict.DENY))
    assert (decision.verdict, decision.why) == (Verdict.ALLOW, "Small refunds")
    assert [voice.as_json()["verdict"] for voice in decision.voices] == ["allow", "satisfied"]


def test_a_write_nobody_permits_is_asked():
    assert refund().verdict is Verdict.ASK
    assert refund().why == NO_RULE_PERMITS
    assert refund(require(OWN, Verdict.DENY)).verdict is Verdict.ASK
    assert refund(permit(tools=("cancel_order",))).verdict is Verdict.ASK
    assert refund(permit("P-1", NOT_MET)).verdict is Verdict.ASK


def test_only_a_permit_permits():
    """Even a requirement whose `otherwise` were allow, which no form lets through, opens nothing."""
    assert refund(require(NOT_MET, Verdict.ALLOW)).verdict is Verdict.ASK


def test_a_read_needs_no_permit_but_obeys_requirements():
    assert decide(READ, FACTS, []).verdict is Verdict.ALLOW
    rule = Rule("R-1", REQUIRE, "Own orders only", ("*",), (), (NOT_MET,), Verdict.NEED_IDENTITY)
    assert decide(READ, FACTS, [rule]).verdict is Verdict.NEED_IDENTITY


def test_what_decided_is_told_in_the_rules_own_words():
    decision = refund(permit(), require(NOT_MET, Verdict.ASK, "R-7"))
    assert decision.why == "R-7 says so"
    assert decision.as_json()["voices"][1]["facts"] == {"order.is_own": True}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (Condition("order.days_since_delivery", "<=", 60), True),
        (Condition("order.days_since_delivery", "<", 12), False),
        (Condition("order.days_since_delivery", ">=", 12), True),
        (Condition("order.days_since_delivery", ">", 12), False),
        (Condition("order.status", "in", ["delivered", "shipped"]), True),
        (Condition("order.status", "not in", ["delivered", "shipped"]), False),
        (Condition("order.status", "!=", "paid"), True),
        (Condition("identity.level", "==", "proven"), True),
        (Condition("refund.amount", "<=", {"EUR": 10_000}), True),
        (Condition("refund.amount", "<=", {"EUR": 6_399}), False),
        (Condition("refund.amount", "<=", {"EUR": 6_399, "GBP": 99_999}), False),
        (Condition("refund.amount", "<=", than="order.remaining"), True),
        (Condition("refund.amount", ">", than="order.remaining"), False),
    ],
)
def test_a_condition_compares_as_it_reads(condition: Condition, holds: bool):
    assert condition.holds(FACTS) is holds


@pytest.mark.parametrize("op", ["==", "!=", "<=", "<", ">=", ">"])
def test_money_in_another_currency_never_holds(op: str):
    facts = {**FACTS, "refund.amount": {"amount": 1, "currency": "GBP"}}
    assert Condition("refund.amount", op, {"EUR": 10_000}).holds(facts) is False
    assert Condition("refund.amount", op, than="order.remaining").holds(facts) is False


@pytest.mark.parametrize("op", ["==", "!=", "<=", "<", ">=", ">", "in", "not in"])
def test_a_fact_nobody_could_determine_never_holds(op: str):
    facts = {**FACTS, "order.status": None}
    value = ["paid"] if "in" in op else "paid"
    assert Condition("order.status", op, value).holds(facts) is False
    assert Condition("identity.level", "!=", than="order.status").holds(facts) is False


@pytest.mark.parametrize(
    "condition",
    [
        Condition("order.colour", "==", "red"),
        Condition("order.status", "==", than="order.colour"),
        Condition("order.status", "~", "paid"),
        Condition("order.days_since_delivery", "<=", "60"),
        Condition("order.days_since_delivery", "!=", "60"),
        Condition("order.days_since_delivery", "==", True),
        Condition("order.is_own", "!=", 0),
        Condition("order.is_own", "==", "yes"),
        Condition("order.status", "in", "delivered or paid"),
        Condition("order.status", "not in", [1]),
        Condition("refund.amount", "<=", 10_000),
        Condition("refund.amount", "!=", "€100"),
        Condition("refund.amount", "in", {"EUR": [6400]}),
        Condition("order.status", "!=", than="order.remaining"),
        Condition("order.days_since_delivery", "!=", {"EUR": 12}),
    ],
)
@pytest.mark.parametrize("place", ["when", "condition"])
def test_what_cannot_be_evaluated_is_denied_and_alarms(condition: Condition, place: str):
    broken: Any = {place: (condition,)}
    rule = Rule("R-1", REQUIRE, "Broken", ("create_refund",), **broken)
    decision = refund(permit(), rule)
    assert (decision.verdict, decision.is_broken) == (Verdict.DENY, True)
    assert decision.why.startswith("A rule could not be evaluated")


def test_a_missing_fact_is_denied_even_behind_a_condition_that_fails():
    facts = {name: value for name, value in FACTS.items() if name != "order.days_since_delivery"}
    rule = Rule("P-1", PERMIT, "Two conditions", ("create_refund",), (NOT_MET, Condition("order.days_since_delivery", "<=", 60)))
    assert refund(rule, facts=facts).is_broken


def test_malformed_money_is_denied_not_raised():
    facts = {**FACTS, "refund.amount": {"amount": 5}}
    assert refund(permit("P-1", Condition("refund.amount", "<=", {"EUR": 100})), facts=facts).is_broken


def test_a_broken_rule_about_another_tool_changes_nothing():
    other = Rule("R-9", REQUIRE, "Broken", ("cancel_order",), (), (Condition("order.colour", "==", "red"),))
    assert refund(permit(), other).verdict is Verdict.ALLOW


def test_facts_may_be_string_enums():
    facts = {**FACTS, "identity.level": Level.PROVEN}
    assert Condition("identity.level", "==", "proven").holds(facts)


def limit(**fields: Any) -> Limit:
    return Limit(
        **{"code": "L-1", "title": "Refunds per customer", "tools": ("create_refund",), "scope": "customer", "window_days": 30, **fields}
    )


@pytest.mark.parametrize(
    ("cap", "used", "verdict"),
    [
        ({"amount": {"EUR": 20_000}}, Usage(0, 0, "EUR"), Verdict.ALLOW),
        ({"amount": {"EUR": 20_000}}, Usage(13_600, 3, "EUR"), Verdict.ALLOW),
        ({"amount": {"EUR": 20_000}}, Usage(13_601, 3, "EUR"), Verdict.ASK),
        ({"amount": {"GBP": 20_000}}, Usage(0, 0, "EUR"), Verdict.ASK),
        ({"count": 2}, Usage(0, 1), Verdict.ALLOW),
        ({"count": 2}, Usage(0, 2), Verdict.ASK),
        ({"count": 0}, Usage(0, 0), Verdict.ASK),
        ({"count": 5, "amount": {"EUR": 100}}, Usage(0, 0, "EUR"), Verdict.ASK),
        ({"count": 1, "amount": {"EUR": 100_000}}, Usage(0, 1, "EUR"), Verdict.ASK),
        ({"count": 1, "otherwise": Verdict.DENY}, Usage(0, 1), Verdict.DENY),
        ({"tools": ("cancel_order",), "count": 0}, Usage(0, 9), Verdict.ALLOW),
    ],
)
def test_a_limit_counts_amount_and_number(cap: dict[str, Any], used: Usage, verdict: Verdict):
    decision = refund(permit(), limits=[(limit(**cap), used)])
    assert decision.verdict is verdict
    if verdict is not Verdict.ALLOW:
        assert decision.why == "Refunds per customer is reached."


def test_a_limit_on_amount_without_an_amount_is_reached():
    facts = {**FACTS, "refund.amount": None}
    assert refund(permit(), limits=[(limit(amount={"EUR": 20_000}), Usage(0, 0))], facts=facts).verdict is Verdict.ASK


def test_a_satisfied_limit_does_not_permit():
    assert refund(limits=[(limit(count=5), Usage(0, 0))]).verdict is Verdict.ASK
