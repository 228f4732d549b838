"""Events as sentences: pure, so a table is enough."""

import pytest
from django.utils.html import strip_tags

from supportdesk.console.telling import Cast, Happened, line
from supportdesk.console.words import act, fact

CAST = Cast(
    agent="Alder",
    customer="Ida",
    teammates={1: "Mira", 2: "Jonas"},
    queues={7: "Warranty"},
    calls={"c": "refund €64.00 on order N-20377"},
    became={"c": "refund €50.00 on order N-20377"},
    reasons={"9": "Not <covered>"},
    at_once=frozenset({"8"}),
)
ABOUT = {"call": "c", "approval": "9"}
TABLE = [
    (Happened("ticket.opened", "customer", 5), "Opened by Ida"),
    (Happened("ticket.assigned", "teammate", 1, {"assignee": 2}), "Mira assigned it to Jonas"),
    (Happened("ticket.assigned", "teammate", 1, {"assignee": 1}), "Mira assigned it to themselves"),
    (Happened("ticket.assigned", "teammate", 1, {"assignee": None}), "Mira assigned it to nobody"),
    (Happened("ticket.escalated", "ai", None, {"reason": "no_answer"}), "Alder passed it to the teammates: No answer in the help centre"),
    (Happened("ticket.taken_over", "teammate", 1, {"from": "ai"}), "Mira took over from Alder"),
    (Happened("ticket.taken_over", "teammate", 1, {"from": "human"}), "Mira took it"),
    (Happened("ticket.handed_back", "teammate", 1), "Mira handed it back to Alder"),
    (Happened("ticket.resolved", "ai"), "Alder resolved it"),
    (Happened("ticket.resolved", "system"), "Resolved"),
    (Happened("ticket.reopened", "customer", 5), "Ida wrote again, so it is open again"),
    (Happened("ticket.reopened", "teammate", 1), "Mira reopened it"),
    (Happened("ticket.routed", "teammate", 1, {"queue": 7, "priority": 3}), "Mira moved it to Warranty, priority High"),
    (Happened("identity.proven", "customer", 5), "Identity proved by email code"),
    (Happened("call.proposed", "ai", None, {}, {"call": "c"}), "Alder proposed: refund €64.00 on order N-20377"),
    (Happened("call.confirmed", "customer", 5, {}, {"call": "c"}), "Ida confirmed: refund €64.00 on order N-20377"),
    (Happened("call.declined", "customer", 5, {}, {"call": "c"}), "Ida declined: refund €64.00 on order N-20377"),
    (Happened("call.succeeded", "system", None, {}, {"call": "c"}), "Done: refund €64.00 on order N-20377"),
    (Happened("call.unknown", "system", None, {}, {"call": "c"}), "Outcome unknown: refund €64.00 on order N-20377. A person decides."),
    (Happened("approval.asked", "ai", None, {}, ABOUT), "Waits for a decision: refund €64.00 on order N-20377"),
    (Happened("approval.approved", "teammate", 1, {}, ABOUT), "Mira approved: refund €64.00 on order N-20377"),
    (
        Happened("approval.edited", "teammate", 1, {}, ABOUT),
        "Mira changed “refund €64.00 on order N-20377” to “refund €50.00 on order N-20377”",
    ),
    (Happened("approval.rejected", "teammate", 1, {}, ABOUT), "Mira rejected: refund €64.00 on order N-20377 (Not &lt;covered&gt;)"),
    (Happened("approval.expired", "system", None, {}, ABOUT), "Nobody decided in time: refund €64.00 on order N-20377"),
    (Happened("approval.void", "system", None, {}, ABOUT), "No decision any more, something changed: refund €64.00 on order N-20377"),
]


@pytest.mark.parametrize(("event", "words"), TABLE, ids=[f"{event.code}-{number}" for number, (event, _words) in enumerate(TABLE)])
def test_an_event_is_told_as_a_sentence(event: Happened, words: str) -> None:
    told = line(event, CAST)
    assert told is not None
    assert strip_tags(told.text) == words


@pytest.mark.parametrize("code", ["message.received", "note.added", "chat.session_opened", "never.heard_of", "call.never", "call.proposed"])
def test_what_the_thread_does_not_tell_is_left_out(code: str) -> None:
    assert line(Happened(code), CAST) is None


def test_an_edit_that_is_approved_at_once_asked_nobody() -> None:
    about = {"call": "c", "approval": "8"}
    assert line(Happened("approval.asked", "teammate", 1, {}, about), CAST) is None
    assert line(Happened("approval.approved", "teammate", 1, {}, about), CAST) is not None
    assert line(Happened("call.approved", "teammate", 1, {}, about), CAST) is None


def test_names_cannot_smuggle_markup() -> None:
    told = line(Happened("ticket.opened", "customer", 5), Cast("Alder", "<img src=x>"))
    assert told is not None
    assert "<img" not in told.text


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("create_refund", {"order_number": "N-1", "amount": 6400, "currency": "EUR"}, "refund €64.00 on order N-1"),
        ("create_refund", {"order_number": "N-1", "amount": None}, "refund all that is left on order N-1"),
        ("cancel_order", {"order_number": "N-2"}, "cancel order N-2"),
        ("cancel_subscription", {"subscription_id": "S-301"}, "end subscription S-301"),
        ("water_plants", {}, "water plants"),
    ],
)
def test_a_call_is_named_by_its_act_and_amount(tool: str, arguments: dict[str, object], words: str) -> None:
    assert act(tool, arguments) == words


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("order.days_since_delivery", 12, "days since delivery: 12"),
        ("refund.amount", {"amount": 6400, "currency": "EUR"}, "the amount to refund: €64.00"),
        ("session.confirmed", False, "the customer confirmed exactly this: no"),
        ("order.status", None, "the order's status: not known"),
    ],
)
def test_a_fact_is_a_sentence_with_its_value(name: str, value: object, words: str) -> None:
    assert fact(name, value) == words
