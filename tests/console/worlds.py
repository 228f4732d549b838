"""Tickets in every stage, for the console's tests; each inside `acting_for`."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from agents.actions.models import Confirmation, State, ToolCall
from agents.knowledge.models import Snapshot
from agents.releases.models import Agent, Label, Release
from agents.runtime.models import AgentRun, Step
from policies.publishing import publish_policy, publish_prompt
from supportdesk.core.events import AI, SYSTEM_ACTOR, record
from tests.factories import World, make_policy, make_prompt, make_ticket
from tickets import verbs
from tickets.handoff import Packet
from tickets.models import Author, Kind, Message, Ticket
from tickets.writing import append, locked

HTMX = {"HTTP_HX_REQUEST": "true"}


def escalated(world: World, body: str = "I want to talk to a person", *, reason: str = "asked_for_human", **packet: Any) -> Ticket:
    """A ticket the agent passed to the teammates."""
    ticket = make_ticket(world, body)
    verbs.escalate(ticket_id=ticket.pk, packet=Packet(reason=reason, language="en", question=body, **packet), by=AI)
    return fresh(ticket)


def fresh(ticket: Ticket) -> Ticket:
    """The ticket as it is stored now."""
    found: Ticket = Ticket.objects.get(pk=ticket.pk)
    return found


@transaction.atomic
def ai_says(ticket: Ticket, body: str, **fields: Any) -> Message:
    """One message of the agent."""
    return append(locked(ticket.pk), author=Author.AI, body=body, **fields)


def make_run(ticket: Ticket, message: Message | None = None, **fields: Any) -> AgentRun:
    """A finished run that answered with the message."""
    now = timezone.now()
    usual = {
        "turn": ticket.turn,
        "trigger": "message",
        "cause": f"message:{AgentRun.objects.count()}",
        "state": "done",
        "outcome": "reply",
        "message": message,
        "lease_until": now,
        "started_at": now,
        "finished_at": now + timedelta(seconds=1.9),
        "input_tokens": 2314,
        "output_tokens": 188,
    }
    run: AgentRun = AgentRun.objects.create(ticket=ticket, **{**usual, **fields})
    return run


def make_steps(run: AgentRun, call: ToolCall | None = None) -> None:
    """A run that searched, wanted a refund, was asked to wait, and whose answer was checked."""
    rows: list[dict[str, Any]] = [
        {
            "kind": "context",
            "name": "context",
            "output": {"release": "r7", "prompt_version": "v31", "policy_version": "v12", "identity": "proven"},
        },
        {"kind": "model", "name": "builtin", "input": {"messages": 3}, "output": {"calls": ["search_knowledge"]}, "milliseconds": 184},
        {
            "kind": "retrieval",
            "name": "search_knowledge",
            "input": {"query": "pole snapped"},
            "output": {
                "floor": 0.35,
                "hits": [
                    {
                        "n": 1,
                        "title": "Broken in the first 60 days",
                        "url": "/help/x",
                        "score": 0.91,
                        "passage": 4,
                        "text": "A pole that breaks is a defect.",
                    },
                    {"n": 2, "title": "Storm damage", "url": "", "score": 0.29, "passage": 5, "text": "Wind above 70 km/h."},
                ],
            },
            "milliseconds": 41,
        },
        {
            "kind": "call",
            "name": "create_refund",
            "input": {"order_number": "N-20418", "amount": 18900, "currency": "EUR", "reason": "broken"},
            "output": {"status": "ask", "verdict": "ask", "decision": DECISION},
            "call_id": call.pk if call else None,
            "milliseconds": 12,
        },
        {"kind": "check", "name": "grounded", "output": {"passed": True, "why": ""}},
        {"kind": "check", "name": "links", "output": {"passed": False, "why": "a link leads elsewhere"}},
        {"kind": "outcome", "name": "escalate", "output": {"reason": "policy_asks"}},
    ]
    for number, row in enumerate(rows, start=1):
        Step.objects.create(run=run, number=number, **row)


VERSIONS = {"release": "r7", "prompt_version": "v31", "policy_version": "v12"}
HITS: list[dict[str, Any]] = [
    {"n": 1, "title": "Broken in the first 60 days", "url": "/help/x", "score": 0.91, "text": "A pole that breaks is a defect."},
    {"n": 2, "title": "Storm damage", "url": "", "score": 0.29, "text": "Wind above 70 km/h."},
]
DECISION: dict[str, Any] = {
    "verdict": "ask",
    "why": "Above €100.00 a teammate decides.",
    "voices": [
        {
            "code": "R-4",
            "kind": "permit",
            "title": "Refunds of delivered orders",
            "verdict": "allow",
            "facts": {"order.status": "delivered"},
            "message": "",
        },
        {
            "code": "R-7",
            "kind": "require",
            "title": "Above €100.00 a teammate decides",
            "verdict": "ask",
            "facts": {"refund.amount": {"amount": 18900, "currency": "EUR"}},
            "message": "Above €100.00 a teammate decides.",
        },
        {
            "code": "R-6",
            "kind": "require",
            "title": "Within 60 days",
            "verdict": "satisfied",
            "facts": {"order.days_since_delivery": 21},
            "message": "",
        },
    ],
}


def make_call(ticket: Ticket, state: State = State.NEEDS_CONFIRMATION, **fields: Any) -> ToolCall:
    """A wanted refund of €189.00 with its event."""
    usual = {
        "tool": "create_refund",
        "is_write": True,
        "arguments": {"order_number": "N-20418", "amount": 18900, "currency": "EUR", "reason": "broken"},
        "arguments_hash": "h",
        "verdict": "need_confirmation",
        "target": "N-20418",
        "amount": 18900,
        "currency": "EUR",
        "decision": DECISION,
    }
    with transaction.atomic():
        call: ToolCall = ToolCall.objects.create(ticket=ticket, state=state, **{**usual, **fields})
        record("call.proposed", by=AI, ticket_id=ticket.pk, call=call.pk)
    return call


def ask_to_confirm(ticket: Ticket, call: ToolCall) -> Message:
    """The card the customer is shown, still open."""
    Confirmation.objects.create(call=call, shown_hash="h", expires_at=timezone.now() + timedelta(minutes=30))
    card = {
        "title": "Refund €189.00?",
        "yes": "Yes, refund €189.00",
        "no": "No, leave it",
        "facts": [["Order", "N-20418"], ["To", "Card ending 4402"]],
    }
    return ai_says(ticket, "Shall I refund it?", kind=Kind.CONFIRM, data={"call": str(call.pk), "hash": "h", "card": card})


def make_live_release(world: World) -> Release:
    """An agent of the world's brand with one release, which is live."""
    policy, prompt = make_policy(), make_prompt()
    agent = Agent.objects.create(brand=world.brand, prompt=prompt, policy=policy)
    release: Release = Release.objects.create(
        agent=agent,
        number=1,
        prompt_version=publish_prompt(prompt, by=SYSTEM_ACTOR),
        policy_version=publish_policy(policy, by=SYSTEM_ACTOR),
        snapshot=Snapshot.objects.create(number=1, passage_ids=[], hash="x"),
        tools=[],
        model_chain=[],
        hash="x",
    )
    Label.objects.create(agent=agent, release=release)
    return release
