"""Acme with everything an API can name, made by hand and without a model; and the keys that ask for it."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from django.db import transaction
from django.test import Client
from django.utils import timezone

from agents.actions.asking import ask_customer
from agents.actions.ledger import arguments_hash, current_hash
from agents.actions.models import Approval, State, ToolCall
from agents.runtime.models import AgentRun, Step
from supportdesk.core.keys import make_key
from supportdesk.core.models import Membership, ServiceIdentity
from supportdesk.core.permissions import PERMISSIONS
from supportdesk.core.tenancy import acting_for
from tests.factories import World
from tickets.models import Author, Customer, Kind, Ticket
from tickets.receiving import Relayed, api_channel, claiming_customer, open_relayed_ticket
from tickets.verbs import teammate
from tickets.writing import append, locked

EVERYTHING = tuple(PERMISSIONS)
_names = count(1)


def new_key(
    world: World,
    *scopes: str,
    member: Membership | None = None,
    environment: str = "live",
    name: str = "",
    **fields: Any,
) -> str:
    """The text of a fresh key of a fresh service; every scope unless some are named."""
    with acting_for(world.tenant):
        service = ServiceIdentity.objects.create(
            name=name or f"Shop backend {next(_names)}", scopes=list(scopes or EVERYTHING), environment=environment, membership=member
        )
        return make_key(service=service, name="test", **fields)[1]


@dataclass
class Caller:
    """A program with a key."""

    key: str
    client: Client = field(default_factory=Client)

    def get(self, path: str, **headers: str) -> Any:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.ask("POST", path, {} if body is None else body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.ask("PATCH", path, body, **headers)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """`once="k"` sends an Idempotency-Key."""
        sent = {"authorization": f"Bearer {self.key}"} if self.key else {}
        if "once" in headers:
            sent["idempotency-key"] = headers.pop("once")
        data = b"" if body is None else json.dumps(body).encode()
        path = path if path.startswith("/") else f"/api/v1/{path}"
        return self.client.generic(method, path, data, content_type="application/json", headers={**sent, **headers})


def opened(world: World, body: str = "Where is my order?", *, email: str = "ida@mail.example", environment: str = "live") -> Ticket:
    """A ticket a program relayed; inside `acting_for`."""
    said = Relayed(body, teammate(world.owner), "Shop backend")
    message, _new = open_relayed_ticket(
        channel=api_channel(environment), customer=lambda: claiming_customer(name="Ida", email=email), subject="", said=said
    )
    with transaction.atomic():
        return locked(message.ticket_id)


def wanted_call(ticket: Ticket, state: State = State.WAITING, *, number: int = 1) -> ToolCall:
    """A refund the agent wants, in this state; inside `acting_for`."""
    arguments = {"order_number": f"N-{number}", "amount": 6400, "currency": "EUR", "reason": "arrived broken"}
    call: ToolCall = ToolCall.objects.create(
        ticket=ticket,
        customer=ticket.customer,
        tool="create_refund",
        is_write=True,
        arguments=arguments,
        arguments_hash=arguments_hash("create_refund", arguments),
        state=state,
        verdict="ask",
        decision={"verdict": "ask", "why": "over 50.00", "voices": []},
        facts={"order.total": 6400},
        target=f"N-{number}",
        target_version="1",
        amount=6400,
        currency="EUR",
        card={"title": "Refund €64.00?", "facts": [["Order", f"N-{number}"]], "yes": "Yes, refund €64.00", "no": "No, leave it"},
        before={"number": f"N-{number}", "total": 6400},
    )
    return call


def asked_teammate(ticket: Ticket, *, number: int = 1) -> Approval:
    """An approval that waits; inside `acting_for`."""
    call = wanted_call(ticket, number=number)
    approval: Approval = Approval.objects.create(
        call=call, ticket=ticket, shown_hash=current_hash(call), voices=["R-1"], expires_at=timezone.now() + timedelta(hours=1)
    )
    return approval


def shown_card(ticket: Ticket, *, number: int = 50) -> ToolCall:
    """A call the customer is asked about, with its card in the thread; inside `acting_for`."""
    call = wanted_call(ticket, State.NEEDS_CONFIRMATION, number=number)
    ask_customer(call)
    data = {"call": str(call.pk), "hash": current_hash(call), "card": call.card}
    with transaction.atomic():
        append(locked(ticket.pk), author=Author.AI, kind=Kind.CONFIRM, body="Please check:", data=data)
    return call


def traced(ticket: Ticket) -> AgentRun:
    """A run with one step; inside `acting_for`."""
    run: AgentRun = AgentRun.objects.create(
        ticket=ticket,
        turn=ticket.runs.count() + 100,
        trigger="message",
        cause=f"message:{next(_names)}",
        state=AgentRun.State.STALE,
        lease_until=timezone.now(),
    )
    Step.objects.create(run=run, number=1, kind=Step.Kind.OUTCOME, name="reply", output={"kind": "text"})
    return run


@dataclass(frozen=True)
class Rows:
    """One row of every kind an address or a body can name."""

    ticket: Ticket
    customer: Customer
    approval: Approval
    run: AgentRun
    call: ToolCall


def furnish(world: World) -> Rows:
    """One of everything."""
    with acting_for(world.tenant):
        ticket = opened(world)
        return Rows(ticket, ticket.customer, asked_teammate(ticket), traced(ticket), shown_card(ticket))
