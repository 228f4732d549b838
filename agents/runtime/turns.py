"""The turn from its job to its commit: begin under the fence, think without a transaction, commit once or not at all.

Only the worker imports this module: LangChain comes with it.
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation

from agents.actions.authority import Authority
from agents.actions.models import ToolCall
from agents.knowledge import search
from agents.releases.models import Label
from agents.releases.services import NoRelease, policy_in_force, release_of
from agents.runtime.agent import think
from agents.runtime.builtin import intents
from agents.runtime.handoff import hand_over, words_for
from agents.runtime.language import detect
from agents.runtime.models import AgentRun, Step
from agents.runtime.outcomes import Begun, commit_turn, escalate_now, finish, newest_answer, tell_where_it_stands
from agents.runtime.trace import Trace
from agents.runtime.transcript import messages_of, system_prompt
from supportdesk.core.events import AI, record
from supportdesk.core.faults import fault_point
from supportdesk.core.jobs import Retry
from supportdesk.core.models import Tenant
from supportdesk.core.suspension import Suspended
from supportdesk.core.switches import is_stopped
from supportdesk.core.tenancy import acting_for
from tickets.errors import Stale
from tickets.identity import proof_of
from tickets.models import Author, Handler, Kind, Message, Ticket
from tickets.writing import locked, raise_turn

log = logging.getLogger("supportdesk.runtime")
# What some triggers come to without asking the model.
DIRECT = {"call_unknown": "outcome_unknown", "call_unreachable": "tool_failed", "approval_expired": "approval_expired"}
WAIT_SECONDS = 1.0
WARM_TENANTS = 20
# Intents that tell the manner, not the matter.
MANNERS = frozenset(
    {"ask_human", "angry", "abuse", "greeting", "thanks", "thanks_settled", "goodbye", "yes", "no", "small_talk", "provide_code"}
)


def start_run(ticket_id: int, trigger: str = "message", call_id: str = "") -> None:
    """Job: one attempt at one turn. Harmless when run twice: what was answered is not answered again."""
    _read_customer(ticket_id)
    begun = _begin(ticket_id, trigger, call_id)
    if begun is None:
        return
    fault_point("run_begun")
    trace = Trace(begun.run)
    try:
        with translation.override(begun.ticket.language or "en"):
            _take_turn(begun, trace)
    except Stale:
        finish(begun.run, AgentRun.State.STALE)
        if begun.call is not None:
            # What became of a call must be told; the newer turn may not have known of it.
            raise Retry(WAIT_SECONDS) from None
    except Suspended:
        # The job waits; when the workspace is resumed, another run takes the turn.
        finish(begun.run, AgentRun.State.STALE)
        raise
    except Exception:
        finish(begun.run, AgentRun.State.FAILED)
        raise
    finally:
        trace.flush()
        trace.stage("done")


def gave_up(ticket_id: int, trigger: str = "message", call_id: str = "") -> None:
    """When the job is dead: the customer goes to a person, never into silence."""
    ticket = Ticket.objects.get(pk=ticket_id)
    with translation.override(ticket.language or "en"), transaction.atomic():
        AgentRun.objects.filter(ticket=ticket, state=AgentRun.State.RUNNING).update(state=AgentRun.State.FAILED, finished_at=timezone.now())
        last = AgentRun.objects.filter(ticket=ticket, state=AgentRun.State.FAILED).order_by("-id").first()
        if hand_over(ticket_id=ticket_id, reason="run_failed", say=words_for("run_failed"), run=last) and last and not last.message_id:
            AgentRun.objects.filter(pk=last.pk).update(outcome="escalate", message=newest_answer(ticket))


def warm_up() -> None:
    """Load what the first turn needs, so that the first customer does not wait for it."""
    detect(["Where is my order?"])
    intents.guess("Where is my order?")
    for tenant in Tenant.objects.filter(is_active=True).order_by("-id")[:WARM_TENANTS]:
        with acting_for(tenant):
            for label in Label.objects.filter(name="live").select_related("release__snapshot"):
                search.find("hello", snapshot=label.release.snapshot, language="en")


def _read_customer(ticket_id: int) -> None:
    """Note the language and the intent of what was written last; guesses that decide nothing about permission."""
    ticket = Ticket.objects.select_related("brand").get(pk=ticket_id)
    texts = list(
        Message.objects.filter(ticket=ticket, author=Author.CUSTOMER, seq__gt=ticket.answered_seq)
        .order_by("seq")
        .values_list("body", flat=True)
    )
    if not texts:
        return
    language = detect(texts, known=ticket.language, expected=tuple(ticket.brand.languages or ["en"]))
    guess = intents.guess(" ".join(texts)[-2000:], language).label or ""
    # "I want a person" says how, not what about: the topic of before stays, so that the right team gets it.
    intent = ticket.intent if ticket.intent and (not guess or guess in MANNERS) else guess
    if (language, intent[:40]) == (ticket.language, ticket.intent):
        return
    Ticket.objects.filter(pk=ticket.pk).update(language=language, intent=intent[:40])


def _begin(ticket_id: int, trigger: str, call_id: str) -> Begun | None:
    """Take the ticket's turn, or say that there is nothing to do."""
    with transaction.atomic():
        ticket = locked(ticket_id)
        call = ToolCall.objects.select_for_update(of=("self",)).get(pk=call_id) if call_id else None
        cause = _cause(ticket, trigger, call)
        known = AgentRun.objects.filter(ticket=ticket).filter(Q(state=AgentRun.State.RUNNING) | Q(cause=cause, state=AgentRun.State.DONE))
        runs = list(known)
        # A worker that died left its run behind; once the ticket moved on, nobody else would end it.
        _replace([run for run in runs if run.state == AgentRun.State.RUNNING and run.turn != ticket.turn])
        if ticket.handler != Handler.AI or not ticket.is_open:
            return None
        if call is None and trigger in ("message", "handed_back") and ticket.asked_seq <= ticket.answered_seq:
            return None
        if any(run.state == AgentRun.State.DONE for run in runs):
            return None
        alive = [run for run in runs if run.state == AgentRun.State.RUNNING and run.turn == ticket.turn]
        if call is not None and (ticket.asked_seq > ticket.answered_seq or any(run.lease_until > timezone.now() for run in alive)):
            # The customer's own message is answered first; the news of the call follows.
            raise Retry(WAIT_SECONDS)
        _replace(alive)
        turn = raise_turn(ticket)
        try:
            release = release_of(ticket)
        except NoRelease:
            release = None
        now = timezone.now()
        run: AgentRun = AgentRun.objects.create(
            ticket=ticket,
            environment=ticket.environment,
            release=release,
            turn=turn,
            trigger=trigger,
            cause=cause,
            lease_until=now + timedelta(seconds=settings.JOB_LEASE_SECONDS * 3),
            started_at=now,
        )
        record("run.started", by=AI, ticket_id=ticket.pk, run=run.pk, changed={"trigger": trigger, "turn": turn})
        asked = list(
            Message.objects.filter(ticket=ticket, author=Author.CUSTOMER, kind=Kind.TEXT)
            .order_by("-seq")
            .values_list("body", flat=True)[:12]
        )
    if release is None or (stopped := is_stopped()):
        reason = "ai_off" if release is None or stopped else "other"
        escalate_now(run, ticket, reason, "")
        return None
    return Begun(run, ticket, release, call, asked)


def _cause(ticket: Ticket, trigger: str, call: ToolCall | None) -> str:
    """What this run answers, so that a retried job finds the run that did it already."""
    if call is not None:
        return f"{trigger}:{call.pk}"
    if trigger == "identity_proven":
        proof = proof_of(ticket)
        return f"{trigger}:{proof.pk if proof else 0}:{ticket.asked_seq}"
    return f"{trigger}:{ticket.asked_seq}"


def _replace(runs: list[AgentRun]) -> None:
    """End runs whose turn is over."""
    if runs:
        AgentRun.objects.filter(pk__in=[run.pk for run in runs]).update(state=AgentRun.State.STALE, finished_at=timezone.now())


def _take_turn(begun: Begun, trace: Trace) -> None:
    run, ticket, release = begun.run, begun.ticket, begun.release
    if run.trigger in DIRECT:
        escalate_now(run, ticket, DIRECT[run.trigger], "", begun.call)
        return
    if begun.call is not None and run.trigger in ("call_asked", "call_edited"):
        tell_where_it_stands(run, trace, ticket, begun.call)
        return
    trace.stage("reading")
    policy = policy_in_force(release, ticket.environment).policy_version
    authority = Authority.of(ticket, policy, release.tools, run_id=run.pk, turn=run.turn)
    trace.step(
        Step.Kind.CONTEXT,
        "context",
        output={
            "release": str(release),
            "prompt_version": str(release.prompt_version),
            "policy_version": str(policy),
            "snapshot": str(release.snapshot),
            "language": ticket.language,
            "intent": ticket.intent,
            "identity": authority.level.value,
            "trigger": run.trigger,
            "model_chain": release.model_chain,
        },
        call_id=begun.call.pk if begun.call else None,
    )
    turn = think(
        authority=authority,
        release=release,
        trace=trace,
        prompt=system_prompt(run, release.prompt_version.content["body"], ticket, authority.level),
        messages=messages_of(ticket, after_call=begun.call),
    )
    fault_point("turn_thought")
    trace.stage("checking")
    commit_turn(begun, trace, authority, turn)
