"""The turn from its job to its commit: begin under the fence, think without a transaction, commit once or not at all.

Only the worker imports this module: LangChain comes with it.
"""

import json
import logging
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from agents.actions.authority import Authority
from agents.actions.executor import fault_point
from agents.actions.ledger import current_hash
from agents.actions.models import State, ToolCall
from agents.knowledge import search
from agents.releases.models import Label, Release
from agents.releases.services import NoRelease, policy_in_force, release_of
from agents.runtime.agent import Turn, think
from agents.runtime.builtin import intents
from agents.runtime.checks import MARKER, Evidence, Findings, examine
from agents.runtime.handoff import hand_over, words_for
from agents.runtime.language import detect
from agents.runtime.models import AgentRun, Step
from agents.runtime.trace import Trace
from agents.runtime.transcript import messages_of, system_prompt
from supportdesk.core.events import AI, record
from supportdesk.core.jobs import Retry
from supportdesk.core.models import Tenant
from supportdesk.core.money import UnknownCurrency, exponent
from supportdesk.core.switches import is_stopped
from supportdesk.core.tenancy import acting_for
from tickets import verbs
from tickets.errors import Stale
from tickets.identity import claim_of, masked, proof_of
from tickets.models import Author, Handler, Kind, Message, Ticket
from tickets.writing import append, fenced, locked, raise_turn

log = logging.getLogger("supportdesk.runtime")
DIRECT = {"call_asked": "policy_asks", "call_unknown": "outcome_unknown"}
WAIT_SECONDS = 1.0
WARM_TENANTS = 20
# Intents that tell the manner, not the matter.
MANNERS = frozenset(
    {"ask_human", "angry", "abuse", "greeting", "thanks", "thanks_settled", "goodbye", "yes", "no", "small_talk", "provide_code"}
)
# Acts that a looked-up order itself tells of.
PAST_STATES = (("refund", re.compile(r'"refunded": [1-9]')), ("cancel", re.compile(r'"status": "cancelled"')))
AMOUNTS = re.compile(r'"(?:total|captured|refunded|unit_price|amount|refunded_amount)": (\d+)')
CURRENCIES = re.compile(r'"currency": "([A-Z]{3})"')


@dataclass
class Begun:
    """A run that may think: its rows, read once."""

    run: AgentRun
    ticket: Ticket
    release: Release
    call: ToolCall | None
    asked: list[str]


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
        _finish(begun.run, AgentRun.State.STALE)
        if begun.call is not None:
            # What became of a call must be told; the newer turn may not have known of it.
            raise Retry(WAIT_SECONDS) from None
    except Exception:
        _finish(begun.run, AgentRun.State.FAILED)
        raise
    finally:
        trace.stage("done")


def gave_up(ticket_id: int, trigger: str = "message", call_id: str = "") -> None:
    """When the job is dead: the customer goes to a person, never into silence."""
    ticket = Ticket.objects.get(pk=ticket_id)
    with translation.override(ticket.language or "en"), transaction.atomic():
        AgentRun.objects.filter(ticket=ticket, state=AgentRun.State.RUNNING).update(state=AgentRun.State.FAILED, finished_at=timezone.now())
        last = AgentRun.objects.filter(ticket=ticket, state=AgentRun.State.FAILED).order_by("-id").first()
        if hand_over(ticket_id=ticket_id, reason="run_failed", say=words_for("run_failed"), run=last) and last and not last.message_id:
            AgentRun.objects.filter(pk=last.pk).update(outcome="escalate", message=_newest_ai(ticket))


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
    Ticket.objects.filter(pk=ticket.pk).update(language=language, intent=intent[:40])


def _begin(ticket_id: int, trigger: str, call_id: str) -> Begun | None:
    """Take the ticket's turn, or say that there is nothing to do."""
    with transaction.atomic():
        ticket = locked(ticket_id)
        call = ToolCall.objects.select_for_update(of=("self",)).get(pk=call_id) if call_id else None
        # A worker that died left its run behind; once the ticket moved on, nobody else would end it.
        AgentRun.objects.filter(ticket=ticket, state=AgentRun.State.RUNNING).exclude(turn=ticket.turn).update(
            state=AgentRun.State.STALE, finished_at=timezone.now()
        )
        if ticket.handler != Handler.AI or not ticket.is_open:
            return None
        if call is None and trigger in ("message", "handed_back") and ticket.asked_seq <= ticket.answered_seq:
            return None
        cause = _cause(ticket, trigger, call)
        if AgentRun.objects.filter(ticket=ticket, cause=cause, state=AgentRun.State.DONE).exists():
            return None
        if call is not None and _is_busy(ticket):
            # The customer's own message is answered first; the news of the call follows.
            raise Retry(WAIT_SECONDS)
        AgentRun.objects.filter(ticket=ticket, state=AgentRun.State.RUNNING).update(state=AgentRun.State.STALE, finished_at=timezone.now())
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
        _escalate_now(run, ticket, reason, "")
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


def _is_busy(ticket: Ticket) -> bool:
    running = AgentRun.objects.filter(ticket=ticket, state=AgentRun.State.RUNNING, lease_until__gt=timezone.now(), turn=ticket.turn)
    return ticket.asked_seq > ticket.answered_seq or running.exists()


def _escalate_now(run: AgentRun, ticket: Ticket, reason: str, question: str, call: ToolCall | None = None) -> None:
    trace = Trace(run)
    with translation.override(ticket.language or "en"):
        trace.step(Step.Kind.OUTCOME, "escalate", output={"reason": reason}, call_id=call.pk if call else None)
        try:
            with transaction.atomic():
                hand_over(ticket_id=ticket.pk, reason=reason, question=question, turn=run.turn, say=words_for(reason), run=run)
                _finish(run, AgentRun.State.DONE, "escalate", _newest_ai(ticket))
        except Stale:
            _finish(run, AgentRun.State.STALE)


def _take_turn(begun: Begun, trace: Trace) -> None:
    run, ticket, release = begun.run, begun.ticket, begun.release
    if run.trigger in DIRECT:
        _escalate_now(run, ticket, DIRECT[run.trigger], "", begun.call)
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
        prompt=system_prompt(run, release.prompt_version.content["body"], ticket),
        messages=messages_of(ticket, after_call=begun.call),
    )
    fault_point("turn_thought")
    trace.stage("checking")
    _commit(begun, trace, authority, turn)


def _commit(begun: Begun, trace: Trace, authority: Authority, turn: Turn) -> None:
    """One commit for what the turn came to, fenced by its number."""
    run, ticket = begun.run, begun.ticket
    call = turn.call
    match turn.outcome:
        case "need_identity":
            _send(
                run,
                trace,
                turn.outcome,
                kind=Kind.CODE,
                text=_("First I need to know that it is you. Enter the email address you ordered with, and I will send you a code."),
                data={"email_hint": masked(claim_of(ticket)) if claim_of(ticket) else "", "call": str(call.pk) if call else None},
            )
        case "need_confirmation" if call:
            _send(
                run,
                trace,
                turn.outcome,
                kind=Kind.CONFIRM,
                text=_("Please check before I do this:"),
                data={"call": str(call.pk), "hash": current_hash(call), "card": call.card},
            )
        case "approved" if call:
            trace.step(Step.Kind.OUTCOME, "approved", output={"call": str(call.pk)}, call_id=call.pk)
            with transaction.atomic():
                held = fenced(ticket.pk, run.turn)
                Ticket.objects.filter(pk=held.pk).update(answered_seq=held.asked_seq)
                _finish(run, AgentRun.State.DONE, "approved")
        case "ask":
            _escalate(run, trace, ticket, "policy_asks", turn.question, words_for("policy_asks"), turn.call)
        case "escalate":
            say = turn.text if turn.text and _check(begun, trace, authority, turn, turn.text).passed else words_for(turn.reason)
            _escalate(run, trace, ticket, turn.reason, turn.question, say, None)
        case "resolve":
            say = (
                turn.text
                if turn.text and _check(begun, trace, authority, turn, turn.text).passed
                else _("Glad that is settled. Write again any time.")
            )
            trace.step(Step.Kind.OUTCOME, "resolve", output={"summary": turn.question})
            with transaction.atomic():
                verbs.resolve(ticket_id=ticket.pk, by=AI, turn=run.turn, say=say)
                _finish(run, AgentRun.State.DONE, "resolve", _newest_ai(ticket))
        case _:
            _reply(begun, trace, authority, turn)


def _reply(begun: Begun, trace: Trace, authority: Authority, turn: Turn) -> None:
    run, ticket = begun.run, begun.ticket
    if not turn.text.strip():
        _escalate(run, trace, ticket, "run_failed", "The model gave no answer.", words_for("run_failed"), None)
        return
    findings = _check(begun, trace, authority, turn, turn.text)
    if not findings.passed:
        _escalate(run, trace, ticket, "check_failed", findings.why, words_for("no_answer"), None)
        return
    text, citations = renumbered(turn.text.strip(), authority.sources)
    _send(run, trace, "reply", kind=Kind.TEXT, text=text, citations=citations)


def renumbered(text: str, sources: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """The reply with its markers counted 1, 2, … in order of appearance, one number per article, and the citations they lead to."""
    by_number = {int(source["n"]): source for source in sources}
    places: dict[str, int] = {}
    citations: list[dict[str, Any]] = []

    def renumber(match: re.Match[str]) -> str:
        source = by_number[int(match.group(1))]
        place = str(source.get("url") or source["title"])
        if place not in places:
            places[place] = len(places) + 1
            citations.append(
                {
                    "n": places[place],
                    "title": source["title"],
                    "url": source.get("url", ""),
                    "quote": str(source.get("text", ""))[:300],
                }
            )
        return f"[{places[place]}]"

    return MARKER.sub(renumber, text), citations


def _check(begun: Begun, trace: Trace, authority: Authority, turn: Turn, text: str) -> Findings:
    ticket = begun.ticket
    done = ToolCall.objects.filter(ticket=ticket, is_write=True, state=State.SUCCEEDED)
    help_host = (urlsplit(ticket.brand.help_url).hostname or "").lower()
    known = [*done, *([begun.call] if begun.call else [])]
    seen = " ".join([*turn.texts, *(json.dumps([call.result, call.arguments, call.card], ensure_ascii=False) for call in known)])
    findings = examine(
        text,
        Evidence(
            sources=authority.sources,
            texts=[AMOUNTS.sub("", seen), *money_texts(seen)],
            customer_texts=begun.asked,
            done_tools=frozenset(done.values_list("tool", flat=True)),
            past_states=frozenset(act for act, sign in PAST_STATES if sign.search(" ".join(turn.texts))),
            allowed_hosts=frozenset(host for host in (help_host,) if host),
            language=ticket.language or "en",
            needs_source=turn.found and not turn.looked_up and turn.outcome == "reply",
            prompt=begun.release.prompt_version.content["body"],
        ),
    )
    for each in findings.all:
        trace.step(Step.Kind.CHECK, each.name, output={"passed": each.passed, "why": each.why})
    return findings


def money_texts(seen: str) -> list[str]:
    """Amounts in tool results are minor units; a reply writes them in major units, which is the same figure."""
    found: list[str] = []
    for currency in set(CURRENCIES.findall(seen)):
        try:
            places = exponent(currency)
        except UnknownCurrency:
            continue
        for amount in set(AMOUNTS.findall(seen)):
            whole, part = divmod(int(amount), 10**places)
            found.append(f"{whole}.{part:0{places}d}" if places else str(whole))
    return found


def _send(
    run: AgentRun,
    trace: Trace,
    outcome: str,
    *,
    kind: Kind,
    text: str,
    data: dict[str, Any] | None = None,
    citations: list[dict[str, Any]] | None = None,
) -> None:
    """The one place where the agent speaks: message, ticket, run and event in one fenced commit.

    Raises:
        Stale: the turn is over.
    """
    trace.step(Step.Kind.OUTCOME, outcome, output={"kind": kind})
    fault_point("before_send")
    with transaction.atomic():
        ticket = fenced(run.ticket_id, run.turn)
        if not AgentRun.objects.filter(pk=run.pk, state=AgentRun.State.RUNNING).update(state=AgentRun.State.DONE):
            raise Stale("This run ended already.")
        message = append(ticket, author=Author.AI, kind=kind, body=text, data=data, citations=citations)
        AgentRun.objects.filter(pk=run.pk).update(outcome=outcome, message=message, finished_at=timezone.now())
        record("message.sent", by=AI, ticket_id=ticket.pk, message=message.pk, run=run.pk)
    fault_point("after_send")


def _escalate(run: AgentRun, trace: Trace, ticket: Ticket, reason: str, question: str, say: str, call: ToolCall | None) -> None:
    trace.step(Step.Kind.OUTCOME, "escalate", output={"reason": reason, "question": question}, call_id=call.pk if call else None)
    fault_point("before_send")
    with transaction.atomic():
        hand_over(ticket_id=ticket.pk, reason=reason, question=question, turn=run.turn, say=say, run=run)
        _finish(run, AgentRun.State.DONE, "escalate", _newest_ai(ticket))


def _newest_ai(ticket: Ticket) -> Message | None:
    newest: Message | None = Message.objects.filter(ticket=ticket, author=Author.AI, run=None).order_by("-seq").first()
    return newest


def _finish(run: AgentRun, state: AgentRun.State, outcome: str = "", message: Message | None = None) -> None:
    AgentRun.objects.filter(pk=run.pk, state=AgentRun.State.RUNNING).update(
        state=state, outcome=outcome, message=message, finished_at=timezone.now()
    )
