"""The executor: the only code that uses write adapters. At most one effect per call, whoever asks and however often.

The call's id is the idempotency key. A lost answer is `unknown` and is asked for under the same key, never tried under a new one.
"""

from django.db import transaction
from django.utils import timezone

from agents.actions import cards, facts
from agents.actions.asking import answered, ask_teammate, is_confirmed, was_approved
from agents.actions.authority import Authority, policy_in_force
from agents.actions.gateway import decide_now, shown
from agents.actions.models import State, ToolCall
from agents.actions.shop import Outcome, Shop, Unavailable
from agents.actions.tools import TOOLS
from policies.decide import Decision
from policies.models import PolicyVersion
from policies.verdicts import Verdict
from supportdesk.core.events import SYSTEM_ACTOR, record
from supportdesk.core.faults import fault_point
from supportdesk.core.jobs import enqueue
from supportdesk.core.money import amount_text
from supportdesk.core.suspension import must_be_active
from supportdesk.core.switches import is_stopped
from tickets.models import Author, Customer, Handler, Kind
from tickets.writing import append, locked

RECONCILE_SECONDS = (1, 3, 8, 20)


def execute(call_id: str) -> None:
    """Job: carry out one approved call at most once; what a dead worker left half done is asked for by its key.

    Raises:
        Unavailable, NotConnected: the facts cannot be read and nothing was sent; after a few attempts a person decides.
    """
    call = ToolCall.objects.select_related("ticket__channel", "ticket__brand", "policy_version", "connector").get(pk=call_id)
    if call.state == State.EXECUTING:
        _unknown(call)
        return
    if call.state != State.APPROVED:
        return
    if not _claim(call):
        return
    fault_point("before_effect")
    shop = Shop(call.connector) if call.connector else None
    outcome = shop.perform(call.tool, call.arguments, idempotency_key=str(call.pk)) if shop else Outcome("refused", message="No system.")
    fault_point("after_effect")
    if outcome.kind == "unknown":
        _unknown(call)
    else:
        settle(call, outcome)


def _claim(call: ToolCall) -> bool:
    """Decide again on fresh facts, then compare-and-set approved → executing and commit; only the winner may act."""
    tool = TOOLS[call.tool]
    version = policy_in_force(call.ticket)
    if version is None:
        return _stop(call, "no_policy", "no policy", Verdict.DENY)
    authority = Authority.of(call.ticket, version, [call.tool], run_id=call.run_id)
    seen = facts.look(tool, dict(call.arguments), authority)
    with transaction.atomic():
        ticket = locked(call.ticket_id)
        if authority.customer is not None:
            Customer.objects.select_for_update().get(pk=authority.customer.pk)
        if is_stopped(call.tool):
            return _stop(call, "switched_off", "switched off", Verdict.DENY)
        if not _is_of_its_environment(call):
            return _stop(call, "other_environment", "the connector serves another environment", Verdict.DENY)
        if not ticket.is_open or (ticket.handler != Handler.AI and not was_approved(call, with_the_ticket=True)):
            return _stop(call, "person_has_it", "a person has the ticket", Verdict.DENY)
        if seen.is_missing or seen.refusal:
            return _stop(call, seen.refusal_code or "not_found", seen.refusal or "not found any more", Verdict.DENY)
        if call.customer_id != (authority.customer.pk if authority.customer else None):
            return _stop(call, "identity_over", "the proof of identity ended", Verdict.NEED_IDENTITY)
        if seen.target_version != call.target_version:
            return _stop(call, "changed", "it changed since it was shown", Verdict.NEED_CONFIRMATION)
        # An approval was given under one policy; under another one a teammate is asked again.
        approved = answered(call) if version.pk == call.policy_version_id else frozenset()
        decision = decide_now(tool, seen, authority, confirmed=is_confirmed(call), approved=approved, without=call)
        if decision.verdict is not Verdict.ALLOW:
            call.facts, call.before = shown(seen), seen.before
            return _stop(call, "rule", decision.why, decision.verdict, decision, version)
        taken = ToolCall.objects.filter(pk=call.pk, state=State.APPROVED).update(
            state=State.EXECUTING,
            executing_at=timezone.now(),
            verdict=decision.verdict.code,
            decision=decision.as_json(),
            policy_version=version,
        )
        if taken:
            record("call.executing", ticket_id=call.ticket_id, call=call.pk)
        return bool(taken)


def _is_of_its_environment(call: ToolCall) -> bool:
    """Whether the connector serves the ticket's environment, now: a test never reaches a live system, nor the other way round."""
    return call.connector is None or call.connector.environment == call.ticket.environment


def _stop(
    call: ToolCall,
    code: str,
    why: str,
    verdict: Verdict,
    decision: Decision | None = None,
    version: PolicyVersion | None = None,
    trigger: str = "call_settled",
) -> bool:
    """Send the call back instead of running it: asked ones wait for a teammate, the rest end; always returns False."""
    state = State.WAITING if verdict is Verdict.ASK else State.DENIED if verdict is Verdict.DENY else State.CANCELLED
    with transaction.atomic():
        changed = ToolCall.objects.filter(pk=call.pk, state=State.APPROVED).update(
            state=state,
            verdict=verdict.code,
            decision=decision.as_json() if decision else call.decision,
            policy_version=version or call.policy_version,
            facts=call.facts,
            before=call.before,
            result={"message": why, "code": code},
            settled_at=None if state == State.WAITING else timezone.now(),
        )
        if not changed:
            return False
        record("call.sent_back", ticket_id=call.ticket_id, call=call.pk, changed={"verdict": verdict.code})
        if state == State.WAITING and decision is not None:
            call.refresh_from_db()
            ask_teammate(call, decision)
            trigger = "call_asked"
        enqueue("runtime.start_run", ticket_id=call.ticket_id, trigger=trigger, call_id=str(call.pk))
    return False


def settle(call: ToolCall, outcome: Outcome) -> None:
    """Commit the outcome once: receipt for the customer, event, and a run that tells the truth."""
    fault_point("before_settle")
    state = State.SUCCEEDED if outcome.kind == "done" else State.FAILED
    now = timezone.now()
    with transaction.atomic():
        ticket = locked(call.ticket_id)
        result = {**outcome.data, "message": outcome.message} if outcome.message else outcome.data
        amount = result.get("amount", result.get("refunded_amount"))
        if isinstance(amount, int) and result.get("currency"):
            result = {**result, "amount_text": amount_text(amount, str(result["currency"]), ticket.language or "en")}
        changed = ToolCall.objects.filter(pk=call.pk, state__in=(State.EXECUTING, State.UNKNOWN)).update(
            state=state, result=result, reference=str(result.get("reference", "")), settled_at=now
        )
        if not changed:
            return
        record(f"call.{'succeeded' if state == State.SUCCEEDED else 'refused'}", by=SYSTEM_ACTOR, ticket_id=ticket.pk, call=call.pk)
        if state == State.SUCCEEDED:
            card = cards.receipt(call.tool, call.arguments, result, ticket.language or "en", now)
            append(ticket, author=Author.SYSTEM, kind=Kind.RECEIPT, body=card["title"], data={"call": str(call.pk), "receipt": card})
        enqueue("runtime.start_run", ticket_id=ticket.pk, trigger="call_settled", call_id=str(call.pk))
    fault_point("after_settle")


def _unknown(call: ToolCall) -> None:
    with transaction.atomic():
        if ToolCall.objects.filter(pk=call.pk, state=State.EXECUTING).update(state=State.UNKNOWN):
            record("call.unknown", ticket_id=call.ticket_id, call=call.pk)
        enqueue("actions.reconcile", after=RECONCILE_SECONDS[0], dedupe=f"call:{call.pk}", call_id=str(call.pk))


def reconcile(call_id: str) -> None:
    """Job: learn what became of an unknown call by its key; what certainly never happened is sent again under the same key.

    Raises:
        Unavailable: when the system cannot say; the job tries again later and at last tells a human.
    """
    call = ToolCall.objects.select_related("ticket__channel", "ticket__brand", "connector").get(pk=call_id)
    if call.state != State.UNKNOWN or call.connector is None:
        return
    if not _is_of_its_environment(call):
        raise Unavailable("the connector serves another environment now")
    shop = Shop(call.connector)
    must_be_active()
    ToolCall.objects.filter(pk=call.pk).update(reconciled=call.reconciled + 1)
    fault_point("before_reconcile")
    outcome = shop.outcome_of(str(call.pk))
    if outcome is None:
        person = call.ticket.handler != Handler.AI and not was_approved(call, with_the_ticket=True)
        if person or is_stopped(call.tool):
            settle(call, Outcome("refused", message="It did not happen, and a person has the ticket now."))
            return
        outcome = shop.perform(call.tool, call.arguments, idempotency_key=str(call.pk))
    fault_point("after_reconcile")
    if outcome.kind == "unknown":
        raise Unavailable("the system still cannot say")
    settle(call, outcome)


def gave_up(call_id: str) -> None:
    """When the job is dead: the outcome stays unknown, and a person decides."""
    call = ToolCall.objects.get(pk=call_id)
    if call.state == State.APPROVED:
        _stop(call, "unreachable", "the shop system does not answer", Verdict.NEED_CONFIRMATION, trigger="call_unreachable")
    elif call.state in (State.EXECUTING, State.UNKNOWN):
        ToolCall.objects.filter(pk=call.pk, state=State.EXECUTING).update(state=State.UNKNOWN)
        enqueue("runtime.start_run", ticket_id=call.ticket_id, trigger="call_unknown", call_id=str(call.pk))
