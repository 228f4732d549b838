"""Whatever the rules and the facts: a requirement more never loosens, a permit less never loosens."""

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from policies.decide import OPS, PERMIT, REQUIRE, Condition, Limit, Rule, Usage, WantedCall, decide
from policies.facts import CATALOGUE
from policies.verdicts import Verdict

TOOLS = ("create_refund", "cancel_order", "get_order")
CODES = ("EUR", "GBP", "JPY")
TABLE = st.dictionaries(st.sampled_from(CODES), st.integers(0, 50), min_size=1)
MONEY = st.fixed_dictionaries({"amount": st.integers(0, 50), "currency": st.sampled_from(CODES)})
OF_KIND: dict[str, st.SearchStrategy[Any]] = {
    "text": st.sampled_from(["paid", "delivered", "none", "proven"]),
    "number": st.integers(0, 90),
    "yesno": st.booleans(),
    "money": MONEY,
}
SOME_FACTS = ("order.is_own", "order.status", "order.days_since_delivery", "refund.amount", "order.remaining", "session.confirmed")
FACTS = st.fixed_dictionaries({name: st.none() | OF_KIND[CATALOGUE[name].kind] for name in SOME_FACTS})
# Mostly what fits, now and then anything at all: broken rules must not loosen either.
VALUES = st.one_of(OF_KIND["text"], OF_KIND["number"], OF_KIND["yesno"], TABLE, st.none(), st.lists(OF_KIND["text"], max_size=2))


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    name = draw(st.sampled_from((*SOME_FACTS, *SOME_FACTS, "order.colour")))
    kind = CATALOGUE[name].kind if name in CATALOGUE else "text"
    fitting = TABLE if kind == "money" else OF_KIND[kind]
    than = draw(st.sampled_from(("", "", "", "order.remaining", "order.status")))
    return Condition(name, draw(st.sampled_from(OPS)), draw(st.one_of(fitting, fitting, VALUES)), than)


@st.composite
def rules(draw: st.DrawFn, kind: str = "") -> Rule:
    return Rule(
        code=f"R-{draw(st.integers(1, 99))}",
        kind=kind or draw(st.sampled_from((PERMIT, REQUIRE))),
        title="any",
        tools=draw(st.sampled_from((("*",), TOOLS[:1], TOOLS[:2], TOOLS))),
        when=tuple(draw(st.lists(conditions(), max_size=2))),
        condition=tuple(draw(st.lists(conditions(), max_size=2))),
        otherwise=draw(st.sampled_from(list(Verdict))),
    )


@st.composite
def limits(draw: st.DrawFn) -> tuple[Limit, Usage]:
    cap = Limit(
        "L",
        "any",
        TOOLS[:1],
        "order",
        30,
        draw(st.just({}) | TABLE),
        draw(st.none() | st.integers(0, 3)),
        draw(st.sampled_from(list(Verdict))),
    )
    return cap, Usage(draw(st.integers(0, 50)), draw(st.integers(0, 3)))


CALLS = st.builds(lambda tool: WantedCall(tool, tool != "get_order", {}), st.sampled_from(TOOLS))
MANY = st.lists(rules(), max_size=5)
CAPS = st.lists(limits(), max_size=2)


@settings(max_examples=200, deadline=None)
@given(call=CALLS, facts=FACTS, some=MANY, caps=CAPS, one_more=rules(kind=REQUIRE), at=st.integers(0, 5))
@example(
    call=WantedCall("create_refund", True, {}),
    facts=dict.fromkeys(SOME_FACTS),
    some=[],
    caps=[],
    one_more=Rule("R-1", REQUIRE, "allows", ("*",), (), (Condition("order.is_own", "==", True),), Verdict.ALLOW),
    at=0,
)
def test_adding_a_requirement_never_loosens(
    call: WantedCall, facts: Any, some: list[Rule], caps: list[tuple[Limit, Usage]], one_more: Rule, at: int
):
    assert decide(call, facts, [*some[:at], one_more, *some[at:]], caps).verdict >= decide(call, facts, some, caps).verdict


@settings(max_examples=200, deadline=None)
@given(call=CALLS, facts=FACTS, some=MANY, caps=CAPS, one_less=rules(kind=PERMIT))
def test_removing_a_permit_never_loosens(call: WantedCall, facts: Any, some: list[Rule], caps: list[tuple[Limit, Usage]], one_less: Rule):
    before = decide(call, facts, [one_less, *some], caps)
    # A permit that cannot be evaluated denies everything it is about; taking that one away is a repair.
    if not before.is_broken:
        assert decide(call, facts, some, caps).verdict >= before.verdict


@settings(max_examples=100, deadline=None)
@given(call=CALLS, facts=FACTS, some=MANY, caps=CAPS, one_more=limits())
def test_adding_a_limit_never_loosens(
    call: WantedCall, facts: Any, some: list[Rule], caps: list[tuple[Limit, Usage]], one_more: tuple[Limit, Usage]
):
    assert decide(call, facts, some, [*caps, one_more]).verdict >= decide(call, facts, some, caps).verdict


@settings(max_examples=150, deadline=None)
@given(call=CALLS, facts=FACTS, some=MANY, caps=CAPS)
def test_a_decision_always_comes_out_and_an_allowed_write_was_permitted(
    call: WantedCall, facts: Any, some: list[Rule], caps: list[tuple[Limit, Usage]]
):
    decision = decide(call, facts, some, caps)
    if call.is_write and decision.verdict is Verdict.ALLOW:
        assert any(voice.kind == PERMIT for voice in decision.voices)
    if decision.is_broken:
        assert decision.verdict is Verdict.DENY
