"""The way in: chat sessions, programs that relay a customer, and storing one inbound message once."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from supportdesk.core.events import Actor, record
from supportdesk.core.faults import fault_point
from supportdesk.core.jobs import enqueue
from supportdesk.core.masking import masked
from supportdesk.core.models import Brand, Environment, Tenant
from supportdesk.core.suspension import Suspended
from supportdesk.core.tenancy import acting_tenant
from tickets import routing
from tickets.errors import Refusal
from tickets.identity import prove_from, vouch
from tickets.models import (
    Author,
    Channel,
    ChatSession,
    Customer,
    CustomerIdentity,
    Handler,
    Message,
    Queue,
    Ticket,
)
from tickets.writing import append, clean_body, locked, raise_turn

SESSION_DAYS = 30
# What a token looks like: the session's public id and its secret. Nothing else reaches the database.
TOKEN = re.compile(r"[0-9a-f]{24}\.[A-Za-z0-9_-]{32}")
# A burst of messages becomes one turn: the run starts when the customer paused this long.
BURST_SECONDS = 0.6


def open_session(channel: Channel, customer: Customer | None = None, **proven: Any) -> tuple[ChatSession, str]:
    """A new session on a chat channel, with the token that opens only this one; the token is not stored.

    Without a customer it is a new visitor; `proven` are the session's fields of that name.
    """
    secret = secrets.token_urlsafe(24)
    with transaction.atomic():
        customer = customer or Customer.objects.create()
        session = ChatSession.objects.create(
            channel=channel,
            customer=customer,
            public_id=secrets.token_hex(12),
            secret_hash=hash_of(secret),
            expires_at=timezone.now() + timedelta(days=SESSION_DAYS),
            **proven,
        )
        record("chat.session_opened", by=Actor("customer", customer.pk), session=session.pk, channel=channel.pk)
    return session, f"{session.public_id}.{secret}"


def session_of(channel: Channel, token: object) -> ChatSession | None:
    """The living session a token opens on this channel, or None; foreign, expired and revoked tokens look alike."""
    if not isinstance(token, str) or not TOKEN.fullmatch(token):
        return None
    public_id, _, secret = token.partition(".")
    # The ticket is the one that was opened on this channel by this session; a row that says otherwise opens nothing.
    session = (
        ChatSession.objects.select_related("customer", "ticket", "channel__brand", "proven_identity")
        .filter(Q(ticket=None) | Q(ticket__channel=channel), channel=channel, public_id=public_id)
        .first()
    )
    if session is None or not hmac.compare_digest(session.secret_hash, hash_of(secret)):
        return None
    if session.revoked_at or session.expires_at <= timezone.now():
        return None
    found: ChatSession = session
    return found


def hash_of(secret: str) -> str:
    """What is stored of a secret long enough that nobody guesses it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def receive_chat_message(*, session: ChatSession, body: object, client_id: str) -> Message:
    """Store one chat message once, on the session's ticket or a new one.

    Raises:
        Unacceptable: for a body that cannot be stored; nothing was written.
    """
    text = clean_body(body)
    external_id = f"{session.public_id}:{client_id}"[:120]
    with transaction.atomic():
        # The session row is the lock: two deliveries of one client id take turns, the second finds the first.
        ChatSession.objects.select_for_update().only("pk").get(pk=session.pk)
        held = ChatSession.objects.select_related("channel__brand", "customer", "proven_identity").get(pk=session.pk)
        if seen := Message.objects.filter(channel=held.channel, external_id=external_id).select_related("ticket").first():
            stored: Message = seen
            return stored
        ticket = locked(held.ticket_id) if held.ticket_id else open_ticket(held.channel, held.customer, subject=text)
        if held.ticket_id is None:
            held.ticket = ticket
            held.save(update_fields=["ticket"])
            prove_from(held, ticket)
        session.ticket = ticket
        message = receive(ticket, text, external_id=external_id)
    fault_point("message_stored")
    return message


@dataclass(frozen=True)
class Relayed:
    """What a program says a customer wrote: the words, the program's own id of them, and an address it vouches for, if it does."""

    body: object
    by: Actor
    name: str
    external_id: str = ""
    vouched_email: str = ""


def api_channel(environment: str) -> Channel:
    """The channel programs relay through in this environment; made when the first one does.

    Raises:
        Refusal: it was closed.
    """
    relaying = Channel.objects.select_related("brand").filter(kind=Channel.Kind.API, environment=environment)
    found = relaying.order_by("-is_active", "id").first()
    if found is None:
        key = "api" if environment == Environment.LIVE else f"api-{environment}"
        brand = Brand.objects.earliest("id")
        try:
            with transaction.atomic():
                found = Channel.objects.create(brand=brand, key=key, kind=Channel.Kind.API, name="API", environment=environment)
                record("channel.added", channel=found.pk, changed={"environment": environment})
        except IntegrityError:
            # Made in this very moment, or the name is another channel's.
            found = relaying.first()
    if found is None or not found.is_active:
        raise Refusal("This channel is closed.")
    channel: Channel = found
    return channel


def claiming_customer(*, name: str, email: str) -> Customer:
    """A new customer with an address nobody proved yet; belongs inside the caller's transaction."""
    customer: Customer = Customer.objects.create(name=masked(name)[:120])
    if email:
        CustomerIdentity.objects.create(customer=customer, kind=CustomerIdentity.Kind.EMAIL, value=email)
    return customer


def open_relayed_ticket(*, channel: Channel, customer: Callable[[], Customer], subject: str, said: Relayed) -> tuple[Message, bool]:
    """Open a ticket with its first message once; False when a message of this external id was stored before.

    `customer` is asked only when the ticket is new.

    Raises:
        Unacceptable: for a body that cannot be stored; nothing was written.
    """
    text, heading = clean_body(said.body), clean_body(subject or said.body)
    external_id = _relayed_id(said)
    if seen := _stored(channel, external_id):
        return seen, False
    try:
        with transaction.atomic():
            ticket = open_ticket(channel, customer(), subject=heading)
            return _relay(ticket, text, external_id, said), True
    except IntegrityError:
        # Delivered twice in one moment: the first one stands.
        if seen := _stored(channel, external_id):
            return seen, False
        raise


@transaction.atomic
def relay_message(*, ticket_id: int, said: Relayed) -> Message:
    """Store what the customer of a relayed ticket wrote next, once.

    Raises:
        Refusal: the customer writes through another channel, or the external id is another ticket's.
        Unacceptable: for a body that cannot be stored.
    """
    text, external_id = clean_body(said.body), _relayed_id(said)
    ticket = locked(ticket_id)
    if ticket.channel.kind != Channel.Kind.API:
        raise Refusal("The customer of this ticket writes through another channel.")
    if seen := _stored(ticket.channel, external_id):
        if seen.ticket_id != ticket.pk:
            raise Refusal("This external id belongs to a message of another ticket.")
        return seen
    return _relay(ticket, text, external_id, said)


def _relay(ticket: Ticket, text: str, external_id: str, said: Relayed) -> Message:
    if said.vouched_email:
        vouch(ticket, email=said.vouched_email, by=said.by, name=said.name)
    message = receive(ticket, text, external_id=external_id)
    record("message.relayed", by=said.by, ticket_id=ticket.pk, message=message.pk)
    return message


def _relayed_id(said: Relayed) -> str:
    return f"relayed:{said.external_id}"[:120] if said.external_id else ""


def _stored(channel: Channel, external_id: str) -> Message | None:
    seen: Message | None = (
        Message.objects.filter(channel=channel, external_id=external_id).select_related("ticket").first() if external_id else None
    )
    return seen


def receive(ticket: Ticket, text: str, *, external_id: str) -> Message:
    """Put one customer message on a locked ticket: it reopens a resolved one, fences a running turn and asks for the next."""
    by = Actor("customer", ticket.customer_id)
    if not ticket.is_open:
        ticket.handler, ticket.assignee, ticket.resolved_at, ticket.resolved_by = Handler.AI, None, None, ""
        ticket.save(update_fields=["handler", "assignee", "resolved_at", "resolved_by"])
        record("ticket.reopened", by=by, ticket_id=ticket.pk, changed={"seq": ticket.last_seq})
    raise_turn(ticket)
    message = append(ticket, author=Author.CUSTOMER, body=text, external_id=external_id)
    record("message.received", by=by, ticket_id=ticket.pk, message=message.pk)
    if ticket.handler == Handler.AI:
        enqueue("runtime.start_run", after=BURST_SECONDS, dedupe=f"ticket:{ticket.pk}", ticket_id=ticket.pk, trigger="message")
    return message


def open_ticket(channel: Channel, customer: Customer, *, subject: str) -> Ticket:
    """A new ticket of this customer, numbered and routed; belongs inside the caller's transaction.

    Raises:
        Suspended: the workspace is, by now.
    """
    tenant = acting_tenant()
    # Whoever suspends the workspace waits for this row: a ticket is opened before that, or not at all.
    if not Tenant.objects.filter(pk=tenant.pk, is_active=True).update(last_ticket_number=F("last_ticket_number") + 1):
        raise Suspended("This workspace is suspended.")
    number = Tenant.objects.values_list("last_ticket_number", flat=True).get(pk=tenant.pk)
    route = routing.choose(intent="", language=customer.language, reason="", queues=queue_facts())
    first_line = masked(subject).strip().splitlines()[0]
    ticket = Ticket.objects.create(
        number=number,
        brand=channel.brand,
        channel=channel,
        environment=channel.environment,
        customer=customer,
        queue_id=route.queue_id,
        subject=first_line if len(first_line) <= 120 else first_line[:119].rsplit(" ", 1)[0] + "…",
        language=customer.language,
    )
    record("ticket.opened", by=Actor("customer", customer.pk), ticket_id=ticket.pk, channel=channel.pk)
    opened: Ticket = locked(ticket.pk)
    return opened


def queue_facts() -> list[routing.QueueFacts]:
    """The workspace's queues, as routing sees them."""
    return [
        routing.QueueFacts(queue.pk, queue.language, frozenset(queue.intents), queue.is_fallback)
        for queue in Queue.objects.order_by("position", "id")
    ]
