"""Opening the two questions a call may wait for: the customer's yes, and a teammate's decision. Both are bound to the call's hash."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from agents.actions.ledger import approval_hash, current_hash
from agents.actions.models import Approval, Confirmation, ToolCall
from policies.decide import Decision
from policies.verdicts import Verdict
from supportdesk.core.events import AI, SYSTEM_ACTOR, record, teammate
from supportdesk.core.jobs import enqueue
from tickets.models import Handler

CONFIRMATION_MINUTES = 30
# What asks when no rule of the policy does: nothing permits the write.
NOBODY_PERMITS = "no-permit"


def ask_customer(call: ToolCall) -> Confirmation:
    """Ask for the customer's yes to exactly what the call's card shows; an older question about the same call is taken back."""
    Confirmation.objects.filter(call=call, answer="").delete()
    asked: Confirmation = Confirmation.objects.create(
        call=call, shown_hash=current_hash(call), expires_at=timezone.now() + timedelta(minutes=CONFIRMATION_MINUTES)
    )
    return asked


def ask_teammate(call: ToolCall, decision: Decision) -> Approval:
    """Ask a teammate, in the transaction that makes the call wait; nobody answers for APPROVAL_MINUTES: it expires."""
    minutes = settings.APPROVAL_MINUTES
    approval: Approval = Approval.objects.create(
        call=call,
        ticket_id=call.ticket_id,
        shown_hash=approval_hash(call),
        voices=asking(decision),
        expires_at=timezone.now() + timedelta(minutes=minutes),
    )
    by = teammate(call.requested_by) if call.requested_by else AI if call.run_id else SYSTEM_ACTOR
    record("approval.asked", by=by, ticket_id=call.ticket_id, approval=approval.pk, call=call.pk)
    enqueue("actions.expire_approval", after=minutes * 60, approval_id=approval.pk)
    return approval


def asking(decision: Decision) -> list[str]:
    """The codes of the rules and limits that ask a teammate; empty when the verdict is another."""
    if decision.verdict is not Verdict.ASK:
        return []
    return sorted({voice.code for voice in decision.deciding}) or [NOBODY_PERMITS]


def answered(call: ToolCall) -> frozenset[str]:
    """The codes a teammate's approval of the call as it stands now has answered."""
    held = Approval.objects.filter(call=call, decision=Approval.Decision.APPROVE, shown_hash=approval_hash(call))
    return frozenset(code for voices in held.values_list("voices", flat=True) for code in voices)


def is_confirmed(call: ToolCall) -> bool:
    """Whether the customer said yes to the call as it stands now, or to the larger amount a teammate made smaller."""
    if Confirmation.objects.filter(call=call, answer="yes", shown_hash=current_hash(call)).exists():
        return True
    before = call.edited_from
    return before is not None and only_lowers(before, call) and is_confirmed(before)


def only_lowers(before: ToolCall, after: ToolCall) -> bool:
    """Whether `after` is `before` with a smaller amount and nothing else changed, on the same version of the same thing."""
    rest = [{name: value for name, value in call.arguments.items() if name not in ("amount", "reason")} for call in (before, after)]
    same = (before.tool, before.target, before.target_version, before.currency) == (
        after.tool,
        after.target,
        after.target_version,
        after.currency,
    )
    return same and rest[0] == rest[1] and before.amount is not None and after.amount is not None and 0 < after.amount <= before.amount


def was_approved(call: ToolCall, *, with_the_ticket: bool = False) -> bool:
    """Whether a teammate approved it; `with_the_ticket`: while a teammate had the ticket, so that it is that teammate's own act."""
    held = Approval.objects.filter(call=call, decision=Approval.Decision.APPROVE)
    return (held.filter(handler=Handler.HUMAN) if with_the_ticket else held).exists()
