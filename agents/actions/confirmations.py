"""The customer's yes or no: exactly one answer per shown card, bound to the hash of what was shown."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from agents.actions.ledger import current_hash
from agents.actions.models import Confirmation, State, ToolCall
from supportdesk.core.events import Actor, record
from supportdesk.core.faults import fault_point
from supportdesk.core.jobs import enqueue
from tickets.errors import Refusal
from tickets.models import Author, Handler, Kind
from tickets.writing import append, locked


class Void(Refusal):
    """What was shown is not what would be done, or it is too late to answer."""

    code = "void"


class AlreadyAnswered(Refusal):
    """The card was answered before."""

    code = "already_answered"


def answer(*, ticket_id: int, call_id: str, shown_hash: str, yes: bool) -> ToolCall:
    """Record the customer's answer once; a yes lets the executor run the call after deciding it again.

    Raises:
        Void: unknown, changed, expired, or a person has the ticket now.
        AlreadyAnswered: the card has its answer.
    """
    with transaction.atomic():
        call = _answer(ticket_id, call_id, shown_hash, yes)
    fault_point("customer_answered")
    return call


def _answer(ticket_id: int, call_id: str, shown_hash: str, yes: bool) -> ToolCall:
    ticket = locked(ticket_id)
    try:
        call = ToolCall.objects.select_for_update(of=("self",)).filter(pk=call_id, ticket=ticket, is_write=True).first()
    except (ValidationError, ValueError):
        call = None
    if call is None:
        raise Void(_("This is no longer open. Ask again if you still want it."))
    asked = Confirmation.objects.filter(call=call).order_by("-id").first()
    if asked is None or asked.answer or call.state != State.NEEDS_CONFIRMATION:
        raise AlreadyAnswered(_("This was answered already."))
    now = timezone.now()
    if asked.expires_at <= now or asked.shown_hash != shown_hash or shown_hash != current_hash(call):
        raise Void(_("Something changed since this was shown. Nothing was done. Ask again if you still want it."))
    if ticket.handler != Handler.AI:
        raise Void(_("A person is taking care of this now. Nothing was done."))
    by = Actor("customer", ticket.customer_id)
    if not Confirmation.objects.filter(pk=asked.pk, answer="").update(answer="yes" if yes else "no", answered_at=now):
        raise AlreadyAnswered(_("This was answered already."))
    if yes:
        call.state = State.APPROVED
        call.save(update_fields=["state"])
        record("call.confirmed", by=by, ticket_id=ticket.pk, call=call.pk)
        enqueue("actions.execute", call_id=str(call.pk))
        return call
    call.state, call.settled_at = State.CANCELLED, now
    call.save(update_fields=["state", "settled_at"])
    record("call.declined", by=by, ticket_id=ticket.pk, call=call.pk)
    append(ticket, author=Author.SYSTEM, kind=Kind.NEWS, body="declined", data={"code": "declined", "call": str(call.pk)})
    return call
