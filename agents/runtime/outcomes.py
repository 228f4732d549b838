"""What a turn came to: checked, then committed once under the fence, or passed to a person."""

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from agents.actions.authority import Authority
from agents.actions.ledger import current_hash
from agents.actions.models import State, ToolCall
from agents.releases.models import Release
from agents.runtime.agent import Turn
from agents.runtime.checks import MARKER, Evidence, Findings, examine
from agents.runtime.handoff import hand_over, waiting_words, words_for
from agents.runtime.models import AgentRun, Step
from agents.runtime.trace import Trace
from agents.runtime.transcript import outcome_json
from supportdesk.core.events import AI, record
from supportdesk.core.faults import fault_point
from supportdesk.core.money import UnknownCurrency, exponent
from tickets import verbs
from tickets.errors import Stale
from tickets.identity import claim_of, masked
from tickets.models import Author, Kind, Message, Ticket
from tickets.writing import append, fenced

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


def commit_turn(begun: Begun, trace: Trace, authority: Authority, turn: Turn) -> None:
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
        case "need_confirmation" | "ask" if call:
            tell_where_it_stands(run, trace, ticket, call)
        case "approved" if call:
            trace.step(Step.Kind.OUTCOME, "approved", output={"call": str(call.pk)}, call_id=call.pk)
            with transaction.atomic():
                held = fenced(ticket.pk, run.turn)
                Ticket.objects.filter(pk=held.pk).update(answered_seq=held.asked_seq)
                finish(run, AgentRun.State.DONE, "approved")
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
                finish(run, AgentRun.State.DONE, "resolve", newest_answer(ticket))
        case _:
            _reply(begun, trace, authority, turn)


def tell_where_it_stands(run: AgentRun, trace: Trace, ticket: Ticket, call: ToolCall) -> None:
    """Show the customer the card that waits for their yes, or that a teammate decides.

    Raises:
        Stale: the turn is over.
    """
    if call.state == State.NEEDS_CONFIRMATION:
        card = {"call": str(call.pk), "hash": current_hash(call), "card": call.card}
        text = _("A teammate changed this. Please check it:") if call.edited_from_id else _("Please check before I do this:")
        _send(run, trace, "need_confirmation", kind=Kind.CONFIRM, text=text, data=card)
    elif call.state == State.WAITING:
        _send(run, trace, "waiting", kind=Kind.TEXT, text=waiting_words(ticket.brand.reply_minutes), data={"call": str(call.pk)})
    else:
        # It was decided meanwhile: the run that follows its outcome tells it.
        finish(run, AgentRun.State.DONE, "settled")


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
                    "sources": [],
                }
            )
        sources_of = citations[places[place] - 1]["sources"]
        if source["n"] not in sources_of:
            sources_of.append(source["n"])
        return f"[{places[place]}]"

    return MARKER.sub(renumber, text), citations


def _check(begun: Begun, trace: Trace, authority: Authority, turn: Turn, text: str) -> Findings:
    ticket = begun.ticket
    done = list(ToolCall.objects.filter(ticket=ticket, is_write=True, state=State.SUCCEEDED))
    help_host = (urlsplit(ticket.brand.help_url).hostname or "").lower()
    known = [*done, *([begun.call] if begun.call else [])]
    told = [outcome_json(begun.call)] if begun.call else []
    seen = " ".join([*turn.texts, *told, *(json.dumps([call.result, call.arguments, call.card], ensure_ascii=False) for call in known)])
    findings = examine(
        text.replace(_teammates_words(begun.call), " "),
        Evidence(
            sources=authority.sources,
            texts=[AMOUNTS.sub("", seen), *money_texts(seen)],
            customer_texts=begun.asked,
            done_tools=frozenset(call.tool for call in done),
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


def _teammates_words(call: ToolCall | None) -> str:
    """What a teammate wanted the customer to know: passed on as it is, a person answers for it."""
    said = str(call.result.get("message", "")) if call is not None and call.state == State.REJECTED else ""
    return said or "\x00"


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
        message = append(ticket, author=Author.AI, kind=kind, body=text, data=data, citations=citations)
        running = AgentRun.objects.filter(pk=run.pk, state=AgentRun.State.RUNNING)
        if not running.update(state=AgentRun.State.DONE, outcome=outcome, message=message, finished_at=timezone.now()):
            raise Stale("This run ended already.")
        record("message.sent", by=AI, ticket_id=ticket.pk, message=message.pk, run=run.pk)
        trace.flush()
    fault_point("after_send")


def _escalate(run: AgentRun, trace: Trace, ticket: Ticket, reason: str, question: str, say: str, call: ToolCall | None) -> None:
    trace.step(Step.Kind.OUTCOME, "escalate", output={"reason": reason, "question": question}, call_id=call.pk if call else None)
    fault_point("before_send")
    with transaction.atomic():
        hand_over(ticket_id=ticket.pk, reason=reason, question=question, turn=run.turn, say=say, run=run)
        finish(run, AgentRun.State.DONE, "escalate", newest_answer(ticket))


def newest_answer(ticket: Ticket) -> Message | None:
    """The AI's newest message that no run is linked to yet."""
    newest: Message | None = Message.objects.filter(ticket=ticket, author=Author.AI, run=None).order_by("-seq").first()
    return newest


def finish(run: AgentRun, state: AgentRun.State, outcome: str = "", message: Message | None = None) -> None:
    """End a run that is still running."""
    AgentRun.objects.filter(pk=run.pk, state=AgentRun.State.RUNNING).update(
        state=state, outcome=outcome, message=message, finished_at=timezone.now()
    )


def escalate_now(run: AgentRun, ticket: Ticket, reason: str, question: str, call: ToolCall | None = None) -> None:
    """Pass the ticket to a person without asking the model."""
    trace = Trace(run)
    with translation.override(ticket.language or "en"):
        trace.step(Step.Kind.OUTCOME, "escalate", output={"reason": reason}, call_id=call.pk if call else None)
        try:
            with transaction.atomic():
                hand_over(ticket_id=ticket.pk, reason=reason, question=question, turn=run.turn, say=words_for(reason), run=run)
                finish(run, AgentRun.State.DONE, "escalate", newest_answer(ticket))
        except Stale:
            finish(run, AgentRun.State.STALE)
        trace.flush()
