"""The transcript a model reads, rebuilt from rows at every turn: no checkpoint holds a second copy of anything."""

import json
from typing import Any

from django.utils import timezone
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from agents.actions.asking import was_approved
from agents.actions.models import State, ToolCall
from agents.runtime.models import AgentRun
from supportdesk.core.html import plain
from supportdesk.core.money import amount_text
from tickets.identity import Level
from tickets.models import Author, Kind, Message, Ticket

NEWEST = 30
TOLD = {
    State.SUCCEEDED: "done",
    State.FAILED: "refused",
    State.DENIED: "deny",
    State.UNKNOWN: "unknown",
    State.CANCELLED: "refused",
    State.WAITING: "ask",
    State.REJECTED: "rejected",
}


def system_prompt(run: AgentRun, body: str, ticket: Ticket, level: Level) -> str:
    """The release's prompt and the block of typed context; nothing a customer wrote is in it."""
    context = {
        "agent": ticket.brand.agent_name,
        "brand": ticket.brand.name,
        "language": ticket.language or "en",
        "identity": level.value,
        "customer_name": ticket.customer.name or None,
        "channel": ticket.channel.kind,
        "now": timezone.now().isoformat(timespec="seconds"),
        "trigger": run.trigger,
        "failed_turns": ticket.failed_turns,
    }
    # "</" is spelled out so that no value can end the block.
    packed = json.dumps(context, ensure_ascii=False).replace("</", "<\\/")
    return f"{body.strip()}\n\n<context>{packed}</context>"


def messages_of(ticket: Ticket, *, after_call: ToolCall | None = None) -> list[AnyMessage]:
    """The talk so far, newest 30 messages, private notes left out; a settled call stands at its end with its true outcome."""
    rows = Message.objects.filter(ticket=ticket).exclude(kind__in=(Kind.NOTE, Kind.NEWS)).order_by("-seq")[:NEWEST]
    told: list[AnyMessage] = []
    for row in reversed(rows):
        if row.author == Author.CUSTOMER:
            told.append(HumanMessage(plain(row.body)))
        elif text := _said(row):
            told.append(AIMessage(text))
    if after_call is not None:
        ask: dict[str, Any] = {"name": after_call.tool, "args": after_call.arguments, "id": str(after_call.pk)}
        told += [AIMessage("", tool_calls=[ask]), ToolMessage(outcome_json(after_call), tool_call_id=str(after_call.pk))]
    return told


def _said(row: Message) -> str:
    if row.kind == Kind.CONFIRM:
        return f"{row.body} {row.data.get('card', {}).get('title', '')}".strip()
    return plain(row.body)


def outcome_json(call: ToolCall) -> str:
    """What became of a call, as a tool's message says it."""
    data = {name: value for name, value in call.result.items() if name != "message"}
    message = str(call.result.get("message", ""))
    status = TOLD.get(State(call.state), "error")
    if status == "done":
        data |= _decided_by_people(call)
    return json.dumps({"status": status, "data": data or None, "sources": [], "message": message}, ensure_ascii=False, default=str)


def _decided_by_people(call: ToolCall) -> dict[str, Any]:
    """What a teammate had to do with it, so that the truth can be told: an approval, and the amount that was asked for before."""
    found: dict[str, Any] = {"approved_by_teammate": True} if was_approved(call) or call.edited_from_id else {}
    if (before := call.edited_from) and before.amount is not None and before.amount != call.amount:
        text = amount_text(before.amount, before.currency, call.ticket.language or "en")
        found["edited_from"] = {"amount": before.amount, "currency": before.currency, "amount_text": text}
    return found
