"""Calls, cards and proofs as the agent leaves them behind; all inside `acting_for`."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from agents.actions.ledger import current_hash
from agents.actions.models import Confirmation, State, ToolCall
from tickets.models import Author, Kind, Message, Ticket
from tickets.writing import append, locked

CARD = {
    "title": "Refund €64.00?",
    "yes": "Yes, refund €64.00",
    "no": "No, leave it",
    "facts": [["Order", "N-20377"], ["To", "Card ending 4402"]],
}


def ai_says(ticket: Ticket, body: str, kind: Kind = Kind.TEXT, **fields: Any) -> Message:
    """A message of the agent."""
    return append(locked(ticket.pk), author=Author.AI, kind=kind, body=body, **fields)


def news(ticket: Ticket, body: str = "", **data: Any) -> Message:
    """An event the customer sees."""
    return append(locked(ticket.pk), author=Author.SYSTEM, kind=Kind.NEWS, body=body, data=data)


def wanted_refund(ticket: Ticket, state: State = State.NEEDS_CONFIRMATION, amount: int = 6400) -> ToolCall:
    """A refund the agent wants."""
    call: ToolCall = ToolCall.objects.create(
        ticket=ticket,
        tool="create_refund",
        is_write=True,
        arguments={"order_number": "N-20377", "amount": amount, "currency": "EUR", "reason": "returned"},
        arguments_hash=f"hash-{amount}",
        state=state,
        verdict="need_confirmation",
        target="N-20377",
        amount=amount,
        currency="EUR",
        card=CARD,
    )
    return call


def shown(call: ToolCall, answer: str = "") -> Message:
    """The card that asks for the customer's yes to the call."""
    shown_hash = current_hash(call)
    Confirmation.objects.create(call=call, shown_hash=shown_hash, answer=answer, expires_at=timezone.now() + timedelta(hours=1))
    return ai_says(
        call.ticket, "Please check before I do this:", Kind.CONFIRM, data={"call": str(call.pk), "hash": shown_hash, "card": CARD}
    )
