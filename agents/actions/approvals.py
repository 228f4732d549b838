"""A teammate's decision on a call that waits: approve, edit or reject, exactly once, bound to what was shown.

The decision answers only the voices that asked. The executor decides again before anything happens, so an approval never outruns
the policy. Whoever wants a call may not approve it; a teammate who makes an amount smaller may, one who changes anything else asks
another teammate.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from agents.actions import facts, ledger
from agents.actions.asking import ask_customer, ask_teammate, is_confirmed, only_lowers
from agents.actions.authority import Authority, NotConnected, policy_in_force
from agents.actions.facts import Seen
from agents.actions.gateway import decide_now, leave_row
from agents.actions.models import OPEN_STATES, Approval, State, ToolCall
from agents.actions.shop import Unavailable
from agents.actions.tools import TOOLS, BadArguments, Tool
from policies.decide import Decision
from policies.verdicts import Verdict
from supportdesk.core.events import SYSTEM_ACTOR, Actor, record, teammate
from supportdesk.core.faults import fault_point
from supportdesk.core.jobs import Retry, enqueue
from supportdesk.core.models import Membership
from supportdesk.core.permissions import may
from tickets.errors import Refusal, Unacceptable
from tickets.models import Author, Customer, Handler, Kind
from tickets.writing import append, locked

Choice = Approval.Decision
EVENTS = {
    Choice.APPROVE: "approval.approved",
    Choice.EDIT: "approval.edited",
    Choice.REJECT: "approval.rejected",
    Choice.EXPIRE: "approval.expired",
    Choice.VOID: "approval.void",
}
MAX_REASON, MAX_SAY = 200, 1000


class AlreadyDecided(Refusal):
    """Somebody decided it, or it ended by itself; the text says who, what and when."""

    code = "already_decided"


class OwnRequest(Refusal):
    """Whoever asked for it cannot approve it."""

    code = "own_request"


class NotAllowed(Refusal):
    """The teammate's role does not decide approvals."""

    code = "not_allowed"


class Outdated(Refusal):
    """What was shown is not what would be done, or it is too late."""

    code = "outdated"


@dataclass(frozen=True)
class Edited:
    """The call an edit became, how it was decided, and whether the editor's own approval answered it."""

    call: ToolCall
    decision: Decision
    is_approved: bool


@dataclass(frozen=True)
class Preview:
    """What an edit would come to: approved, asks_customer, asks_another or refused."""

    outcome: str
    decision: Decision
    why: str


@dataclass(frozen=True)
class _Wish:
    """An edit looked up: the tool, what was seen, with whose authority, and what it would come to."""

    tool: Tool
    seen: Seen
    authority: Authority
    lowers: bool


def approve(*, approval_id: int, by: Membership, shown_hash: str) -> ToolCall:
    """Let the call run as it was shown; the executor decides it once more before it does.

    Raises:
        AlreadyDecided, OwnRequest, NotAllowed: the decision is not this teammate's (any more).
        Outdated: the hash, the policy or the ticket changed since, or the time is over.
        Approval.DoesNotExist: none that the teammate may see.
    """
    with transaction.atomic():
        approval = _held(approval_id, by)
        call = approval.call
        if _is_again(approval, by, Choice.APPROVE):
            return call
        _check_open(approval)
        _check_requester(approval, by)
        _check_shown(approval, shown_hash)
        changed = _is_other_policy(call)
        if changed:
            _decide(approval, Choice.VOID, reason="The policy changed since this was asked.")
        else:
            _decide(approval, Choice.APPROVE, by=by)
        # Under another policy the executor finds no approval that counts: it decides anew, and asks again if it must.
        _move(call, State.APPROVED)
        enqueue("actions.execute", call_id=str(call.pk))
    fault_point("approval_decided")
    if changed:
        raise Outdated(_("The policy changed since this was asked. It is decided anew now; look again in a moment."))
    return call


def reject(*, approval_id: int, by: Membership, reason: str, say: str = "") -> ToolCall:
    """Decline the call; `reason` is for teammates, `say` for the customer, who is told by whoever has the ticket.

    Raises:
        AlreadyDecided, NotAllowed, Outdated: as for `approve`.
        Unacceptable: without a reason, or with too long a text.
        Approval.DoesNotExist: none that the teammate may see.
    """
    reason, say = " ".join(reason.split()), say.strip()
    if not reason:
        raise Unacceptable(_("Say why you reject it; your teammates read it, the customer does not."))
    if len(reason) > MAX_REASON or len(say) > MAX_SAY or "\x00" in reason + say:
        most = {"reason": MAX_REASON, "say": MAX_SAY}
        raise Unacceptable(_("At most %(reason)s characters of reason and %(say)s for the customer.") % most)
    with transaction.atomic():
        approval = _held(approval_id, by)
        call = approval.call
        if _is_again(approval, by, Choice.REJECT):
            return call
        _check_open(approval)
        _decide(approval, Choice.REJECT, by=by, reason=reason, say=say)
        _move(call, State.REJECTED, {"message": say})
        append(approval.ticket, author=Author.SYSTEM, kind=Kind.NEWS, body="rejected", data={"code": "rejected", "call": str(call.pk)})
        enqueue("runtime.start_run", ticket_id=call.ticket_id, trigger="call_settled", call_id=str(call.pk))
    fault_point("approval_decided")
    return call


def edit(*, approval_id: int, by: Membership, shown_hash: str, arguments: Mapping[str, Any]) -> Edited:
    """Put another call in place of the one that waits, and decide it anew; unchanged arguments stay as they were.

    A smaller amount of the same is answered by the editor's own approval. Anything else is the editor's wish: the customer
    confirms it, or another teammate decides, as the policy says.

    Raises:
        AlreadyDecided, OwnRequest, NotAllowed, Outdated: as for `approve`.
        Unacceptable: arguments that do not fit, change nothing, or that the policy denies; the approval stays open.
        Approval.DoesNotExist: none that the teammate may see.
    """
    wish = _wish(_seen_by(approval_id, by), arguments)
    with transaction.atomic():
        approval = _held(approval_id, by)
        before = approval.call
        if _is_again(approval, by, Choice.EDIT):
            edited: ToolCall = before.edits.latest("created_at")
            return Edited(edited, Decision(Verdict.of(edited.verdict), ""), edited.state not in (State.WAITING, State.NEEDS_CONFIRMATION))
        _check_open(approval)
        if wish.lowers:
            _check_requester(approval, by)
        _check_shown(approval, shown_hash)
        if wish.authority.customer is not None:
            Customer.objects.select_for_update().get(pk=wish.authority.customer.pk)
        hashed = ledger.arguments_hash(wish.tool.name, wish.seen.arguments)
        twins = ToolCall.objects.filter(ticket_id=before.ticket_id, tool=before.tool, arguments_hash=hashed, state__in=OPEN_STATES)
        if twins.exclude(pk=before.pk).exists():
            raise Unacceptable(_("The same is under way on this ticket already."))
        decision, outcome = _foresee(wish, before)
        if outcome == "refused":
            raise Unacceptable(decision.why)
        if outcome == "asks_customer" and approval.ticket.handler != Handler.AI:
            raise Unacceptable(_("The customer has to confirm this change: hand the ticket back to the agent first."))
        _decide(approval, Choice.EDIT, by=by)
        _move(before, State.CANCELLED, {"message": "A teammate changed it.", "code": "edited"})
        call = _replace(wish, before, decision, outcome, by)
    fault_point("approval_decided")
    return Edited(call, decision, outcome == "approved")


def preview(*, approval_id: int, by: Membership, arguments: Mapping[str, Any]) -> Preview:
    """What an edit with these arguments would come to now; nothing is written.

    Raises:
        NotAllowed, Unacceptable, Approval.DoesNotExist: as for `edit`.
    """
    approval = _seen_by(approval_id, by)
    wish = _wish(approval, arguments)
    decision, outcome = _foresee(wish, approval.call)
    if outcome == "approved" and wish.lowers and approval.call.requested_by_id == by.pk:
        outcome = "asks_another"
    return Preview(outcome, decision, decision.why)


@transaction.atomic
def expire(approval_id: int) -> None:
    """Job: nobody decided in time. The call ends undone, and the ticket goes to a person.

    Raises:
        Retry: it is not time yet.
    """
    ticket_id = Approval.objects.filter(pk=approval_id).values_list("ticket_id", flat=True).first()
    if ticket_id is None:
        return
    locked(ticket_id)
    approval = Approval.objects.select_related("call").get(pk=approval_id)
    if approval.decision:
        return
    if (left := (approval.expires_at - timezone.now()).total_seconds()) > 0:
        raise Retry(left)
    _decide(approval, Choice.EXPIRE)
    _move(approval.call, State.CANCELLED, {"message": "Nobody decided in time.", "code": "expired"})
    enqueue("runtime.start_run", ticket_id=ticket_id, trigger="approval_expired", call_id=str(approval.call_id))


def _seen_by(approval_id: int, by: Membership) -> Approval:
    if not may(by, "approval.decide"):
        raise NotAllowed(_("Your role (%(role)s) does not decide approvals.") % {"role": by.get_role_display()})
    approval: Approval = Approval.objects.visible_to(by).joined().get(pk=approval_id)
    return approval


def _held(approval_id: int, by: Membership) -> Approval:
    """The approval as it is now, its ticket locked: deciders take turns here."""
    ticket = locked(_seen_by(approval_id, by).ticket_id)
    approval: Approval = Approval.objects.joined().get(pk=approval_id)
    approval.ticket = ticket
    return approval


def _is_again(approval: Approval, by: Membership, choice: Choice) -> bool:
    """Whether this teammate pressed the same button twice."""
    return approval.decision == choice and approval.decided_by_id == by.pk


def _check_open(approval: Approval) -> None:
    if approval.decision:
        raise AlreadyDecided(decided_text(approval))
    if approval.expires_at <= timezone.now():
        raise Outdated(_("The time to decide is over. The ticket goes to a person."))
    if not approval.ticket.is_open:
        raise Outdated(_("This ticket is resolved. Reopen it first."))
    if approval.call.state != State.WAITING:
        raise Outdated(_("This call does not wait any more."))


def _check_requester(approval: Approval, by: Membership) -> None:
    if approval.call.requested_by_id == by.pk:
        raise OwnRequest(_("You asked for this, so another teammate decides."))


def _check_shown(approval: Approval, shown_hash: str) -> None:
    if not approval.shown_hash == shown_hash == ledger.approval_hash(approval.call):
        raise Outdated(_("Something changed since this was shown. Look at it again."))


def _is_other_policy(call: ToolCall) -> bool:
    version = policy_in_force(call.ticket)
    return version is None or version.pk != call.policy_version_id


def decided_text(approval: Approval) -> str:
    """Who decided it, what and when, as a sentence."""
    at = timezone.localtime(approval.decided_at).strftime("%H:%M") if approval.decided_at else ""
    who = approval.decided_by.name if approval.decided_by else ""
    match approval.decision:
        case Choice.APPROVE:
            return _("%(name)s approved this at %(at)s.") % {"name": who, "at": at}
        case Choice.EDIT:
            return _("%(name)s changed this at %(at)s.") % {"name": who, "at": at}
        case Choice.REJECT:
            return _("%(name)s rejected this at %(at)s.") % {"name": who, "at": at}
        case Choice.EXPIRE:
            return _("This expired at %(at)s: nobody decided in time.") % {"at": at}
    return _("This became void at %(at)s: something changed.") % {"at": at}


def _decide(approval: Approval, choice: Choice, *, by: Membership | None = None, reason: str = "", say: str = "") -> None:
    """Write the one decision; the conditional update is the last word on who was first."""
    now = timezone.now()
    approval.decision, approval.decided_by, approval.decided_at = choice, by, now
    approval.reason, approval.say, approval.handler = reason, say, approval.ticket.handler
    won = Approval.objects.filter(pk=approval.pk, decision="").update(
        decision=choice, decided_by=by, decided_at=now, reason=reason, say=say, handler=approval.handler
    )
    if not won:
        raise AlreadyDecided(decided_text(Approval.objects.joined().get(pk=approval.pk)))
    actor: Actor = teammate(by) if by else SYSTEM_ACTOR
    record(EVENTS[choice], by=actor, ticket_id=approval.ticket_id, approval=approval.pk, call=approval.call_id)


def _move(call: ToolCall, state: State, result: dict[str, Any] | None = None) -> None:
    call.state = state
    if result is not None:
        call.result, call.settled_at = result, timezone.now()
    call.save(update_fields=["state", "result", "settled_at"])


def _wish(approval: Approval, arguments: Mapping[str, Any]) -> _Wish:
    """Look up what the edited call would act on; asks the connected system, so no transaction is open."""
    call = approval.call
    tool = TOOLS[call.tool]
    version = policy_in_force(approval.ticket)
    if version is None:
        raise Unacceptable(_("No policy is live, so nothing can be decided."))
    try:
        parsed = tool.parse({**call.arguments, **arguments})
    except BadArguments as error:
        raise Unacceptable(str(error)) from error
    authority = Authority.of(approval.ticket, version, [call.tool], run_id=call.run_id)
    if authority.customer is None or authority.customer.pk != call.customer_id:
        raise Unacceptable(_("The customer's proof of identity ended. They have to prove again who they are."))
    try:
        seen = facts.look(tool, parsed, authority)
    except (Unavailable, NotConnected) as error:
        raise Unacceptable(_("The connected system does not answer, so this cannot be decided now. Nothing was changed.")) from error
    if seen.is_missing or seen.refusal:
        raise Unacceptable(seen.refusal or _("It was not found any more."))
    if ledger.arguments_hash(call.tool, seen.arguments) == call.arguments_hash:
        raise Unacceptable(_("Nothing was changed. Approve it as it is, or change a value."))
    draft = ToolCall(
        tool=tool.name,
        arguments=seen.arguments,
        target=seen.target,
        target_version=seen.target_version,
        amount=seen.amount,
        currency=seen.currency,
    )
    return _Wish(tool, seen, authority, only_lowers(call, draft))


def _foresee(wish: _Wish, before: ToolCall) -> tuple[Decision, str]:
    confirmed = wish.lowers and is_confirmed(before)
    decision = decide_now(wish.tool, wish.seen, wish.authority, confirmed=confirmed, without=before)
    match decision.verdict:
        case Verdict.ALLOW:
            return decision, "approved"
        case Verdict.ASK:
            return decision, "approved" if wish.lowers else "asks_another"
        case Verdict.NEED_CONFIRMATION:
            return decision, "asks_customer"
    return decision, "refused"


def _replace(wish: _Wish, before: ToolCall, decision: Decision, outcome: str, by: Membership) -> ToolCall:
    """Leave the edited call in the ledger and set going what comes next."""
    state = {"approved": State.APPROVED, "asks_another": State.WAITING, "asks_customer": State.NEEDS_CONFIRMATION}[outcome]
    wanted_by = before.requested_by if wish.lowers else by
    run_id = before.run_id if wish.lowers else None
    call = leave_row(
        wish.tool, wish.seen, wish.authority, decision, state, by=teammate(by), edited_from=before, requested_by=wanted_by, run_id=run_id
    )
    if outcome == "asks_customer":
        ask_customer(call)
        enqueue("runtime.start_run", ticket_id=call.ticket_id, trigger="call_edited", call_id=str(call.pk))
        return call
    if decision.verdict is Verdict.ASK:
        approval = ask_teammate(call, decision)
        if outcome == "approved":
            _decide(approval, Choice.APPROVE, by=by)
    if outcome == "approved":
        enqueue("actions.execute", call_id=str(call.pk))
    return call
