"""Somebody else's order and one that does not exist: the same words, the same trace, the same rows, for the proven and for anybody."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from agents.actions.models import ToolCall
from agents.runtime.models import Step
from supportdesk.core.models import Event
from tests.agents.desk import Chat, Desk
from tickets.models import Author

pytestmark = pytest.mark.usefixtures("promises")

OWEN = "owen@mail.example"
HIS, FOREIGN, MISSING = "N-20488", "N-20377", "N-29999"
WISHES = {
    "look up": "Where is my order {number}?",
    "refund": "Please refund 1.00 EUR of order {number}, a part was worn.",
    "refund all": "I want my money back for {number}",
    "cancel": "Please cancel order {number}.",
    "address": "Please send order {number} to 12 High Street, Bristol BS1 4DJ, UK instead.",
    "refund state": "Has my refund for {number} been paid?",
    "look up, German": "Wo ist meine Bestellung {number}?",
    "cancel, Spanish": "Quiero cancelar el pedido {number}.",
    "refund, Arabic": "أريد استرداد المبلغ عن الطلب {number}",
}
TIMES = re.compile(r"\d{4}-\d\d-\d\dT[\d:.+]+")


def asked(desk: Desk, text: str, number: str, *, proven: bool) -> tuple[list[str], list[Any], list[Any], list[Any]]:
    """(words, steps, ledger rows, events) that one wish leads to, without the number, ids and times."""
    chat = desk.proven(OWEN) if proven else desk.chat()
    before = max(Event.objects.values_list("id", flat=True), default=0)
    seen = len(chat.messages()) if proven else 0
    chat.says(text.format(number=number))
    mask = _masker(number, chat)
    words = [mask([row.kind, row.body, row.data, row.citations]) for row in chat.messages()[seen:] if row.author != Author.CUSTOMER]
    steps = [mask([step.kind, step.name, step.input, step.output]) for step in Step.objects.filter(run__in=chat.runs).order_by("id")]
    calls = [
        mask([call.tool, call.state, call.verdict, call.arguments, call.target, call.facts, call.card, call.result, call.decision])
        for call in ToolCall.objects.filter(ticket=chat.ticket).order_by("created_at")
    ]
    events = [mask([event.code, event.changed]) for event in Event.objects.filter(id__gt=before).order_by("id")]
    return words, steps, calls, events


def _masker(number: str, chat: Chat) -> Callable[[Any], str]:
    ids = [str(call.pk) for call in ToolCall.objects.filter(ticket=chat.ticket)]

    def mask(value: Any) -> str:
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str).replace(number, "N-…")
        for each in ids:
            text = text.replace(each, "call")
        return TIMES.sub("then", text)

    return mask


@pytest.mark.parametrize("proven", [True, False], ids=["proven", "unproven"])
@pytest.mark.parametrize("wish", WISHES)
def test_a_strangers_order_and_none_at_all_are_the_same_to_whoever_asks(desk: Desk, wish: str, proven: bool) -> None:
    foreign = asked(desk, WISHES[wish], FOREIGN, proven=proven)
    missing = asked(desk, WISHES[wish], MISSING, proven=proven)
    for one, other in zip(foreign, missing, strict=True):
        assert one == other
    assert foreign[0]
    assert foreign[1]


@pytest.mark.parametrize("wish", WISHES)
def test_ones_own_order_is_told_apart_so_the_comparison_can_fail(desk: Desk, wish: str) -> None:
    mine = asked(desk, WISHES[wish], HIS, proven=True)
    missing = asked(desk, WISHES[wish], MISSING, proven=True)
    assert mine[0] != missing[0]
    assert mine[1] != missing[1]


@pytest.mark.parametrize("number", [FOREIGN, MISSING])
def test_no_fact_of_a_strangers_order_reaches_the_ledger(desk: Desk, number: str) -> None:
    chat = desk.proven(OWEN)
    for text in WISHES.values():
        chat.says(text.format(number=number))
    for call in ToolCall.objects.filter(ticket=chat.ticket):
        assert not {name for name in call.facts if name.startswith(("order.", "refund."))}
    for word in ("Ridge", "boots", "6400", "64.00", "4402", "Wien"):
        assert word not in chat.shown
