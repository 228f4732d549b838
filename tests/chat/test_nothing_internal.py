"""Reliability 17: customers see what is for customers. Every text field around a ticket holds a mark; the ones on the list may be seen."""

import re
from datetime import timedelta
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.core import mail
from django.db.models import CharField, JSONField, Model, TextField
from django.test import Client
from django.utils import timezone

from agents.actions.models import Approval, Confirmation, State, ToolCall
from agents.runtime.models import AgentRun, Step
from supportdesk.chat.frames import TOLD, UnknownFrame, told
from supportdesk.chat.thread import SHOWN, Entry, Pending, Thread
from supportdesk.core import presence
from supportdesk.core.events import AI, SYSTEM_ACTOR, record, stamp
from supportdesk.core.models import Brand, Event, Team, User
from supportdesk.core.tenancy import acting_for
from tests.chat.cards import ai_says, news, shown, wanted_refund
from tests.chat.sockets import browser
from tests.factories import World, make_session, make_world, say
from tickets import verbs
from tickets.identity import ask_for_code, enter_code, send_code
from tickets.models import (
    Attachment,
    Author,
    Channel,
    ChatSession,
    Customer,
    CustomerIdentity,
    Escalation,
    HostKey,
    IdentityProof,
    Kind,
    Message,
    OneTimeCode,
    Queue,
    Ticket,
)
from tickets.writing import append, locked

THREAD = "/chat/acme/web/thread/"
# What a customer may read, word for word. Everything else in these models stays inside; a new field is inside until it is listed here.
FOR_CUSTOMERS = {
    "core.Brand.name",
    "core.Brand.agent_name",
    "core.Team.name",
    "core.User.name",
    "tickets.Message.body",
}
MODELS: tuple[type[Model], ...] = (
    *(
        Ticket,
        Message,
        Escalation,
        Queue,
        Channel,
        Customer,
        CustomerIdentity,
        Attachment,
        ChatSession,
        IdentityProof,
        OneTimeCode,
        HostKey,
    ),
    *(ToolCall, Approval, Confirmation, AgentRun, Step, Brand, Team, User),
)
# Fields that make the page work; what they hold is compared, looked up or chosen from, never shown as it is.
MECHANICAL = {
    "tickets.Message.author",
    "tickets.Message.external_id",
    "tickets.ChatSession.public_id",
    "tickets.ChatSession.secret_hash",
    "tickets.Channel.key",
    "tickets.Ticket.language",
    "tickets.Customer.language",
    "tickets.OneTimeCode.code_hash",
    "agents.Confirmation.answer",
    "actions.Confirmation.answer",
    "actions.Confirmation.shown_hash",
    "actions.ToolCall.currency",
    "actions.ToolCall.card",
    "tickets.Message.data",
    "tickets.Message.citations",
    "core.User.password",
    "core.Brand.key",
    "core.Brand.languages",
}


def marked() -> dict[str, str]:
    """A mark of its own for every text field there is."""
    fields = [
        f"{model._meta.label}.{field.name}"
        for model in MODELS
        for field in model._meta.concrete_fields
        if isinstance(field, CharField | TextField | JSONField) and not field.choices
    ]
    return {name: f"Zq{number:03d}x" for number, name in enumerate(fields) if name not in MECHANICAL}


MARKS = marked()


def mark(model: type[Model]) -> None:
    """Put the marks into every row of the model."""
    for field in model._meta.concrete_fields:
        text = MARKS.get(f"{model._meta.label}.{field.name}")
        if text is None:
            continue
        for row in model._default_manager.all():
            value: Any = {"note": text, text: [text]} if isinstance(field, JSONField) else text
            if field.name in ("email", "value"):
                value = f"{text.lower()}-{row.pk}@inside.example"
            elif getattr(field, "unique", False) or field.name in ("key", "kid", "arguments_hash"):
                value = f"{text}{row.pk}"
            elif isinstance(field, JSONField) and isinstance(getattr(row, field.name), list):
                value = [text]
            model._default_manager.filter(pk=row.pk).update(**{field.name: value})


def everything(world: World) -> tuple[str, Ticket]:
    """A ticket on which everything happened that can; inside `acting_for`."""
    session, token = make_session(world, name="Ida")
    ticket = say(session).ticket
    ai_says(
        ticket,
        "So it is.",
        citations=[{"n": 1, "title": "Shipping", "url": "/help/acme/main/en/x/", "text": "Zq-cite", "score": "Zq-cite"}],
    )
    send_code(ask_for_code(ticket_id=ticket.pk, email="ida@mail.example").pk)
    ai_says(ticket, "Enter the code", Kind.CODE, data={"email_hint": "i•••@mail.example", "why": "Zq-data"})
    enter_code(ticket_id=ticket.pk, digits="".join(char for char in mail.outbox[-1].body.splitlines()[0] if char.isdigit()))
    for number, state in enumerate(State):
        call = wanted_refund(ticket, State(state), amount=100 + number)
        card = shown(call, "yes" if number % 2 else "")
        Message.objects.filter(pk=card.pk).update(
            data={**card.data, "arguments": "Zq-data", "card": {**card.data["card"], "internal": "Zq-data"}}
        )
        ToolCall.objects.filter(pk=call.pk).update(card={**call.card, "internal": "Zq-data"})
        Approval.objects.create(call=call, ticket=ticket, shown_hash="x", voices=["R-4"], expires_at=timezone.now() + timedelta(hours=1))
    for code in ("escalated", "joined", "handed_back", "resolved", "proven", "declined", "rejected", "expired"):
        news(ticket, code=code, name="", reason="Zq-data", packet="Zq-data", by="Zq-data")
    append(
        locked(ticket.pk),
        author=Author.SYSTEM,
        kind=Kind.RECEIPT,
        body="",
        data={"receipt": {"title": "Done", "facts": [["Amount", "€64"]], "raw": "Zq-data"}},
    )
    verbs.note(ticket_id=ticket.pk, by=world.owner, body="Zq-note")
    verbs.take_over(ticket_id=ticket.pk, by=world.owner)
    verbs.reply(ticket_id=ticket.pk, by=world.owner, body="Here I am.", client_id="r1")
    Escalation.objects.create(ticket=ticket, queue=world.queue, reason="other", packet={"question": "Zq-data"})
    run = AgentRun.objects.create(
        ticket=ticket, turn=1, trigger="message", lease_until=timezone.now() + timedelta(minutes=1), input_tokens=987651
    )
    Step.objects.create(run=run, number=1, kind="outcome", name="Zq-step", input={"prompt": "Zq-step"}, output={"reasoning": "Zq-step"})
    return token, ticket


def seen_in(text: str) -> set[str]:
    """The fields whose marks stand in a text."""
    low = text.lower()
    return {name for name, found in MARKS.items() if found.lower() in low}


@pytest.mark.reliability(17, "thread")
def test_the_thread_shows_the_listed_fields_and_no_others(acme: World, client: Client) -> None:
    with acting_for(acme.tenant):
        token, _ticket = everything(acme)
        first = client.get(THREAD, headers={"Authorization": f"Chat {token}"}).content.decode()
        for model in MODELS:
            mark(model)
    html = client.get(THREAD, headers={"Authorization": f"Chat {token}"}).content.decode()
    page = client.get("/chat/acme/web/").content.decode()
    for text in (first, html, page):
        assert not re.findall(r"Zq-\w+", text)
        assert "987651" not in text
        assert acme.owner.user.email not in text
    assert seen_in(html) | seen_in(page) <= FOR_CUSTOMERS
    # The list is no longer than it need be, so the marks do reach the page.
    assert {"core.Brand.agent_name", "tickets.Message.body"} <= seen_in(html)


@pytest.mark.reliability(17, "thread")
def test_a_kind_of_message_nobody_listed_stays_inside(acme: World, client: Client) -> None:
    with acting_for(acme.tenant):
        token, ticket = everything(acme)
        Message.objects.create(ticket=ticket, channel=ticket.channel, seq=9_999, author=Author.AI, kind="draft", body="Zq-draft")
    html = client.get(THREAD, headers={"Authorization": f"Chat {token}"}).content.decode()
    assert "Zq-draft" not in html
    assert 'data-last-seq="9999"' not in html


@pytest.mark.reliability(17, "schema")
def test_the_schema_customers_get_is_written_down_here() -> None:
    """Whoever adds a kind, a field of a frame or of the thread decides here that customers may have it."""
    assert set(Kind) == {*SHOWN, Kind.NOTE}
    assert {name: set(fields) for name, fields in TOLD.items()} == {
        "ready": {"position", "last_seq"},
        "changed": {"position"},
        "progress": {"stage", "detail"},
        "ack": {"client_id", "seq"},
        "refused": {"for", "code", "message", "client_id"},
        "renewed": {"token"},
        "pong": set(),
    }
    assert set(Entry.__dataclass_fields__) == {
        *("message", "shape", "who", "team", "initials", "client_id", "sources", "code", "confirm", "receipt", "news"),
    }
    assert set(Pending.__dataclass_fields__) == {"call", "state", "title", "facts"}
    assert set(Thread.__dataclass_fields__) == {
        *("brand", "entries", "pending", "handler", "status", "is_working", "answers", "last_seq", "newest_answer"),
    }
    assert {field.name for field in Message._meta.concrete_fields} == {
        *("id", "tenant", "ticket", "channel", "seq", "turn", "author", "kind", "member", "body"),
        *("citations", "data", "external_id", "created_at"),
    }


@pytest.mark.reliability(17, "schema")
@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("note", {}),
        ("changed", {}),
        ("changed", {"position": 1, "ticket_id": 7}),
        ("progress", {"stage": "done", "detail": "", "run": 3}),
        ("refused", {"for": "send", "code": "x", "message": "y", "trace": "z"}),
        ("pong", {"costs": 1}),
    ],
)
def test_a_frame_or_field_that_is_not_listed_is_not_sent(name: str, fields: dict[str, Any]) -> None:
    with pytest.raises(UnknownFrame):
        told(name, fields)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("tail_ends")
@pytest.mark.reliability(17, "socket")
async def test_the_socket_hints_and_carries_nothing_from_inside() -> None:
    def open_ticket() -> tuple[World, str, Ticket]:
        world = make_world("acme")
        with acting_for(world.tenant):
            token, ticket = everything(world)
        stamp()
        return world, token, ticket

    def happen(world: World, ticket: Ticket) -> None:
        with acting_for(world.tenant):
            codes = set(Event.objects.values_list("code", flat=True)) | {"note.added", "approval.approved", "call.proposed", "run.failed"}
            for code in sorted(codes):
                record(code, by=AI, ticket_id=ticket.pk, changed={"why": "Zq-event"}, call="Zq-event")
            record("ticket.routed", by=SYSTEM_ACTOR, ticket_id=ticket.pk, queue="Zq-event")
            presence.show(ticket.pk, "progress", stage="writing", detail="", run=987651, model="Zq-event", cost="Zq-event")
            presence.show(ticket.pk, "progress", stage="Zq-event", detail="Zq-event")
            presence.show(ticket.pk, "viewing", who="teammate", name="Zq-event", email="Zq-event")
        stamp()

    world, token, ticket = await database_sync_to_async(open_ticket)()
    said = []
    async with browser() as line:
        await line.hello(token)
        await database_sync_to_async(happen)(world, ticket)
        await line.hear("changed")
        while not await line.line.receive_nothing(0.5):
            said.append(await line.line.receive_json_from())
    assert said or ticket
    for frame in said:
        assert set(frame) - {"type"} <= set(TOLD[frame["type"]])
        assert "Zq-" not in str(frame)
        assert "987651" not in str(frame)


@pytest.mark.reliability(17, "mails")
def test_customers_mails_hold_the_brand_and_the_code_and_nothing_else(acme: World) -> None:
    with acting_for(acme.tenant):
        _token, ticket = everything(acme)
        code = ask_for_code(ticket_id=ticket.pk, email="owen@mail.example")
        for model in MODELS:
            if model is not OneTimeCode:
                mark(model)
        mail.outbox.clear()
        send_code(code.pk)
    (sent,) = mail.outbox
    whole = f"{sent.subject}\n{sent.body}\n{sent.from_email}\n{sent.to}\n{sent.extra_headers}"
    assert seen_in(whole) == {"core.Brand.name"}
    assert not re.findall(r"Zq-\w+", whole)


@pytest.mark.reliability(17, "mails")
def test_the_code_is_the_one_mail_customers_get() -> None:
    """A new sender of mail is looked at here before it is added."""
    from pathlib import Path

    root = Path(__file__).resolve().parents[2]
    senders = {
        path.relative_to(root).as_posix()
        for room in ("supportdesk", "tickets", "policies", "agents")
        for path in (root / room).rglob("*.py")
        if re.search(r"\b(send_mail|EmailMessage|EmailMultiAlternatives)\(", path.read_text())
    }
    to_teammates = {path for path in senders if path.startswith("supportdesk/accounts/")}
    assert senders - to_teammates == {"tickets/identity.py"}
