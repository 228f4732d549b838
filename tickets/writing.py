"""Putting messages on tickets: one place gives out `seq`, and one conditional update fences the AI."""

import unicodedata
from typing import Any

from babel.numbers import format_decimal
from django.db.models import F
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from supportdesk.core.masking import masked
from supportdesk.core.models import Membership
from supportdesk.core.suspension import must_be_active
from tickets.errors import Stale, Unacceptable
from tickets.models import Author, Handler, Kind, Message, Status, Ticket

MAX_BODY = 8_000
_keepers: list[str] = []


def keep_originals_with(path: str) -> None:
    """Say which function is given each masked message with what it said before, in its transaction; from `AppConfig.ready`."""
    _keepers[:] = [path]


def most_characters() -> str:
    """The limit as the active language writes it: 8,000, 8.000, 8 000."""
    return format_decimal(MAX_BODY, locale=(get_language() or "en").replace("-", "_"))


def clean_body(body: object) -> str:
    """The text as it is stored: NFC, without control characters, trimmed.

    Raises:
        Unacceptable: no text, empty, binary, or longer than 8,000 characters.
    """
    if not isinstance(body, str):
        raise Unacceptable(_("A message is text."))
    if len(body) > MAX_BODY:
        raise Unacceptable(
            _("This message is too long: at most %(n)s characters. Send it in parts or as a file.") % {"n": most_characters()}
        )
    if "\x00" in body or any(0xD800 <= ord(char) <= 0xDFFF for char in body):
        raise Unacceptable(_("This message holds characters that are no text. Send files as an attachment."))
    kept = "".join(char for char in unicodedata.normalize("NFC", body) if char in "\n\t" or unicodedata.category(char) != "Cc")
    if not kept.strip():
        raise Unacceptable(_("This message is empty. Write a few words first."))
    return kept.strip()


def locked(ticket_id: int) -> Ticket:
    """The ticket, held until the transaction ends: writers on one ticket take turns here.

    Raises:
        Suspended: the workspace is, by now.
        Ticket.DoesNotExist: for an id that is not the tenant's.
    """
    # Two reads: one that locks and joins re-checks the join after it waited, and loses a ticket whose queue or customer changed.
    Ticket.objects.select_for_update().only("pk").get(pk=ticket_id)
    ticket = _whole(ticket_id)
    must_be_active(ticket.tenant)
    return ticket


def _whole(ticket_id: int) -> Ticket:
    ticket: Ticket = Ticket.objects.select_related("tenant", "channel", "queue", "brand", "customer").get(pk=ticket_id)
    return ticket


def append(
    ticket: Ticket,
    *,
    author: Author,
    body: str,
    kind: Kind = Kind.TEXT,
    member: Membership | None = None,
    external_id: str = "",
    citations: list[dict[str, Any]] | None = None,
    data: dict[str, Any] | None = None,
) -> Message:
    """Add the next message to a locked ticket and keep the ticket's summary of itself true.

    Card numbers, passwords and tokens are masked here, before anything is stored: nobody who reads the ticket ever has them.
    """
    now = timezone.now()
    original, body = body, masked(body)
    ticket.last_seq += 1
    message = Message.objects.create(
        ticket=ticket,
        seq=ticket.last_seq,
        author=author,
        member=member,
        kind=kind,
        body=body,
        channel=ticket.channel,
        external_id=external_id,
        citations=citations or [],
        data=data or {},
        turn=ticket.turn,
        created_at=now,
    )
    if original != body:
        for path in _keepers:
            import_string(path)(message, original)
    ticket.last_message_at = now
    changed = ["last_seq", "last_message_at"]
    if kind not in (Kind.NOTE, Kind.NEWS):
        ticket.preview, ticket.preview_author = " ".join(body.split())[:160], author
        changed += ["preview", "preview_author"]
    if author == Author.CUSTOMER:
        ticket.asked_seq = ticket.last_seq
        ticket.status = Status.OPEN
        ticket.waiting_since = ticket.waiting_since or now
        changed += ["asked_seq", "status", "waiting_since"]
    elif author in (Author.AI, Author.TEAMMATE) and kind != Kind.NOTE:
        ticket.answered_seq, ticket.waiting_since = ticket.asked_seq, None
        changed += ["answered_seq", "waiting_since"]
        if ticket.is_open:
            ticket.status = Status.PENDING
            changed.append("status")
    ticket.save(update_fields=changed)
    return message


def raise_turn(ticket: Ticket) -> int:
    """Take the fencing number away from every AI run that is under way on a locked ticket; returns the new number."""
    ticket.turn += 1
    Ticket.objects.filter(pk=ticket.pk).update(turn=F("turn") + 1)
    return ticket.turn


def fenced(ticket_id: int, turn: int) -> Ticket:
    """The ticket, locked for an AI write of this turn.

    Raises:
        Stale: when the turn moved on or a human has the ticket.
        Suspended: the workspace is, by now.
    """
    mine = Ticket.objects.filter(pk=ticket_id, turn=turn, handler=Handler.AI).exclude(status=Status.RESOLVED)
    # The update is the fence: it takes the row's lock and answers 0 when the turn moved on.
    if not mine.update(turn=turn):
        raise Stale("The ticket moved on.")
    ticket = _whole(ticket_id)
    must_be_active(ticket.tenant)
    return ticket
