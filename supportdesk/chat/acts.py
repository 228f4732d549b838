"""What a customer does on the chat socket: each act checks the session again and is one call into the floors below."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import translation
from django.utils.translation import gettext as _

from agents.actions.models import ToolCall
from supportdesk.chat.frames import Frame
from supportdesk.chat.places import chat_channel
from supportdesk.chat.thread import shown_messages
from supportdesk.core import presence
from supportdesk.core.events import Actor, last_position, record
from supportdesk.core.models import Event
from supportdesk.core.tenancy import acting_for
from tickets import access, identity, verbs
from tickets.errors import Refusal
from tickets.models import Author, Channel, ChatSession, Handler, Kind, Message, Ticket
from tickets.receiving import receive_chat_message, session_of

# News a customer's page is not even hinted at.
PRIVATE_NEWS = "note."


class SessionOver(Exception):
    """The token opens nothing here: foreign, expired, revoked, or the channel closed."""


@dataclass(frozen=True)
class Visit:
    """One browser on one channel; the channel is looked up again at each act, so closing it takes effect."""

    tenant: str
    channel: str
    token: str
    language: str
    network: str = ""


@dataclass(frozen=True)
class Standing:
    """Where a session stands: its ticket (None before the first message), the event position and the newest message it may see."""

    ticket_id: int | None
    position: int
    last_seq: int
    missed: bool


@dataclass(frozen=True)
class Done:
    """What an act led to: the session's ticket, for a stored message its seq, and for somebody else a token of their own."""

    ticket_id: int | None
    seq: int | None = None
    token: str = ""


def spoken(language: str) -> str:
    """A language the screens have, for one a browser asks for."""
    known = {code for code, _name in settings.LANGUAGES}
    short = language.lower().split("-")[0]
    return language.lower() if language.lower() in known else short if short in known else settings.LANGUAGE_CODE


def act(visit: Visit, frame: Frame) -> Done:
    """Do what one frame asks for.

    Raises:
        SessionOver: the session ended meanwhile.
        Suspended: the workspace is.
        Refusal: not done; the text may be shown.
    """
    channel = chat_channel(visit.tenant, visit.channel)
    if channel is None:
        raise SessionOver
    with acting_for(channel.tenant), translation.override(visit.language):
        session = _session(channel, visit.token)
        return ACTS[frame["type"]](session, frame | {"network": visit.network})


def ticket_of(visit: Visit) -> int | None:
    """The ticket of a session that still lives; None before its first message.

    Raises:
        SessionOver: it does not.
    """
    return act(visit, {"type": "ping"}).ticket_id


def standing(visit: Visit, position: int) -> Standing:
    """Where a session stands, and whether anything of its ticket happened after the client's position.

    Raises:
        SessionOver: the session is none.
        Suspended: the workspace is.
    """
    channel = chat_channel(visit.tenant, visit.channel)
    if channel is None:
        raise SessionOver
    with acting_for(channel.tenant):
        session = _session(channel, visit.token)
        # The position is read first: what happens after it is news, what happened before is in the thread.
        now = last_position(channel.tenant)
        if session.ticket_id is None:
            return Standing(None, now, 0, False)
        newest = shown_messages(session.ticket_id).order_by("-seq").values_list("seq", flat=True).first()
        events = Event.objects.filter(tenant=channel.tenant, ticket_id=session.ticket_id, position__gt=position)
        missed = events.exclude(code__startswith=PRIVATE_NEWS).exists()
        return Standing(session.ticket_id, now, newest or 0, missed)


def _session(channel: Channel, token: str) -> ChatSession:
    session = session_of(channel, token)
    if session is None:
        raise SessionOver
    return session


def _ticket(session: ChatSession) -> Ticket:
    if session.ticket is None:
        raise Refusal(_("Write a message first."))
    ticket: Ticket = session.ticket
    return ticket


def _send(session: ChatSession, frame: Frame) -> Done:
    message = receive_chat_message(session=session, body=frame["text"], client_id=frame["client_id"])
    return Done(message.ticket_id, message.seq)


def _ask_code(session: ChatSession, frame: Frame) -> Done:
    ticket = _ticket(session)
    # Nothing typed: once more to the address given before, which the page shows masked.
    identity.ask_for_code(ticket_id=ticket.pk, email=frame["email"].strip() or identity.claim_of(ticket), network=frame["network"])
    return Done(ticket.pk)


def _code(session: ChatSession, frame: Frame) -> Done:
    ticket = _ticket(session)
    return Done(ticket.pk, token=access.prove_by_code(session=session, digits=frame["digits"]))


def _confirm(session: ChatSession, frame: Frame) -> Done:
    from agents.actions import confirmations

    ticket = _ticket(session)
    if not _is_call_of(ticket, frame["call"]):
        raise Refusal(_("This question is no longer open."))
    confirmations.answer(ticket_id=ticket.pk, call_id=frame["call"], shown_hash=frame["hash"], yes=frame["yes"])
    return Done(ticket.pk)


def _is_call_of(ticket: Ticket, call: str) -> bool:
    try:
        call_id = uuid.UUID(call)
    except ValueError:
        return False
    return bool(ToolCall.objects.filter(pk=call_id, ticket=ticket).exists())


def _human(session: ChatSession, frame: Frame) -> Done:
    from agents.runtime.handoff import hand_over

    if session.ticket is None:
        # The wish opens the ticket; its fixed id makes an impatient second press harmless.
        receive_chat_message(session=session, body=_("I would like to talk to a person."), client_id="human")
    ticket = _ticket(session)
    if not ticket.is_open:
        receive_chat_message(session=session, body=_("I would like to talk to a person."), client_id=f"human-{ticket.last_seq}")
    elif ticket.handler == Handler.HUMAN:
        name = ticket.assignee.name.split()[0] if ticket.assignee else ""
        raise Refusal(_("%(name)s is here.") % {"name": name} if name else _("A person will answer here. You do not need to ask again."))
    hand_over(ticket_id=ticket.pk, reason="asked_for_human", by=Actor("customer", session.customer_id))
    return Done(ticket.pk)


def _helped(session: ChatSession, frame: Frame) -> Done:
    ticket = _judged(session)
    verbs.resolve(ticket_id=ticket.pk, by=Actor("customer", session.customer_id))
    return Done(ticket.pk)


def _not_helped(session: ChatSession, frame: Frame) -> Done:
    ticket = _judged(session)
    answer = _newest_answer(ticket)
    with transaction.atomic():
        Ticket.objects.filter(pk=ticket.pk).update(failed_turns=F("failed_turns") + 1)
        record("answer.not_helped", by=Actor("customer", session.customer_id), ticket_id=ticket.pk, message=answer.pk if answer else None)
    return Done(ticket.pk)


def _judged(session: ChatSession) -> Ticket:
    """The ticket, if its newest word is an answer of the AI that waits for a verdict."""
    ticket = _ticket(session)
    if not ticket.is_open or ticket.handler != Handler.AI or ticket.asked_seq > ticket.answered_seq or _newest_answer(ticket) is None:
        raise Refusal(_("There is no new answer to judge."))
    return ticket


def _newest_answer(ticket: Ticket) -> Message | None:
    answer: Message | None = shown_messages(ticket.pk).filter(author=Author.AI, kind=Kind.TEXT).order_by("-seq").first()
    return answer


def _typing(session: ChatSession, frame: Frame) -> Done:
    if session.ticket_id is not None:
        presence.show(session.ticket_id, "typing", who="customer")
    return Done(session.ticket_id)


def _ping(session: ChatSession, frame: Frame) -> Done:
    return Done(session.ticket_id)


ACTS: dict[str, Callable[[ChatSession, dict[str, Any]], Done]] = {
    "send": _send,
    "ask_code": _ask_code,
    "code": _code,
    "confirm": _confirm,
    "human": _human,
    "helped": _helped,
    "not_helped": _not_helped,
    "typing": _typing,
    "ping": _ping,
}
