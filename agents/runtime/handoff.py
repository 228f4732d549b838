"""Building the handoff packet from rows, and handing over. Imports nothing heavy: the web process calls it too."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from agents.actions.models import ToolCall
from agents.runtime.models import AgentRun
from supportdesk.core.events import AI, Actor
from supportdesk.core.money import amount_text
from tickets import verbs
from tickets.handoff import Packet
from tickets.identity import Level, level_of, masked, proof_of
from tickets.models import Author, Escalation, Kind, Message, Ticket

UPSET_REASONS = ("angry", "legal_or_safety")


def build_packet(ticket: Ticket, *, reason: str, question: str = "", run: AgentRun | None = None) -> Packet:
    """Everything a teammate needs, from rows: who, what was found and tried, which rule spoke, what is still open."""
    calls = list(ToolCall.objects.filter(ticket=ticket).order_by("created_at"))
    level = level_of(ticket)
    proof = proof_of(ticket)
    last = Message.objects.filter(ticket=ticket, author=Author.CUSTOMER, kind=Kind.TEXT).order_by("-seq").first()
    return Packet(
        reason=reason,
        intent=ticket.intent,
        identity=level.value,
        identity_text=f"{masked(proof.identity.value)}, {proof.method}" if proof and level is Level.PROVEN else "",
        question=(question or (last.body if last else ""))[:500],
        language=ticket.language,
        sentiment="upset" if reason in UPSET_REASONS or ticket.intent in UPSET_REASONS else "neutral",
        facts=_facts(calls),
        calls=[{"tool": call.tool, "state": call.state, "text": call_text(call), "id": str(call.pk)} for call in calls],
        verdicts=[
            {"verdict": call.verdict, "rule": _rules(call), "why": str(call.decision.get("why", ""))}
            for call in calls
            if call.verdict != "allow"
        ],
        run=run.pk if run else None,
    )


def _facts(calls: list[ToolCall]) -> list[dict[str, Any]]:
    """What was learned, newest word on each fact."""
    known: dict[str, dict[str, Any]] = {}
    for call in calls:
        for name, value in call.facts.items():
            if name.startswith(("order.", "subscription.", "refund.")):
                label = f"{call.target} {name}" if call.target else name
                shown = amount_text(value["amount"], value["currency"]) if isinstance(value, dict) else value
                known[label] = {"name": label, "value": shown}
    return list(known.values())


def _rules(call: ToolCall) -> str:
    voices = call.decision.get("voices", [])
    return ", ".join(voice["code"] for voice in voices if voice.get("verdict") == call.verdict)


def call_text(call: ToolCall) -> str:
    """The call in a few words: create_refund €64.00 N-20377, RF-5518."""
    money = amount_text(call.amount, call.currency) if call.amount is not None else ""
    return " ".join(part for part in (call.tool, money, call.target, f"({call.reference})" if call.reference else "") if part)


def hand_over(
    *, ticket_id: int, reason: str, question: str = "", by: Actor = AI, turn: int | None = None, say: str = "", run: AgentRun | None = None
) -> Escalation | None:
    """Pass the ticket to the teammates with its packet; None when a human has it already.

    Raises:
        Stale: with `turn`, when the AI's turn is over.
    """
    ticket = Ticket.objects.get(pk=ticket_id)
    packet = build_packet(ticket, reason=reason, question=question, run=run)
    return verbs.escalate(ticket_id=ticket_id, packet=packet, by=by, turn=turn, say=say)


def words_for(reason: str) -> str:
    """What the agent says when it hands over, in the active language."""
    return {
        "asked_for_human": _("Of course. I am passing you on to a person now. They see everything we wrote here."),
        "angry": _("I am sorry about this. I am passing you on to a person now, who sees everything we wrote here."),
        "legal_or_safety": _("This needs a person. I am passing it on right now, with everything you wrote."),
        "no_answer": _(
            "I do not have a sure answer to that, and I do not want to guess. I am asking a person, who will write to you here."
        ),
        "out_of_scope": _("That is something I cannot answer for sure. I am asking a person, who will write to you here."),
        "approval_expired": _(
            "Nobody could decide this in time, and nothing was done. I am passing it on to a person, who will write to you here."
        ),
        "tool_failed": _("I cannot reach the system I need right now. Nothing was changed. I am asking a person to help you."),
        "outcome_unknown": _("I cannot see whether this went through. A person is checking it now, and nothing will be done twice."),
        "ai_off": _("I am passing this on to a person, who will write to you here."),
    }.get(reason, _("I am passing this on to a person, who will write to you here. They see everything we wrote."))


def waiting_words(minutes: int) -> str:
    """What the agent says while a teammate decides, in the active language; `minutes`: how soon people usually answer."""
    return ngettext(
        "A teammate decides this. Nothing was done yet. You will have an answer here, usually within %(minutes)s minute.",
        "A teammate decides this. Nothing was done yet. You will have an answer here, usually within %(minutes)s minutes.",
        minutes,
    ) % {"minutes": minutes}
