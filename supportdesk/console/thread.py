"""One ticket as it is read: messages and events in one line of time, cards with their state, and what the side panel tells."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from agents.actions.models import Approval, Confirmation, State, ToolCall
from agents.runtime.models import AgentRun
from supportdesk.console import words
from supportdesk.console.telling import Cast, Happened, Line, line
from supportdesk.core.events import last_position
from supportdesk.core.models import Event, Membership
from tickets.models import Author, Kind, Message, Queue, Ticket

SHOWN = 200
# Events whose line needs the approval's own row.
DECISIONS = {"approval.asked", "approval.approved", "approval.rejected"}
# What the customer is told as news, the thread tells from the event itself.
TOLD_AS_EVENTS = {"escalated", "joined", "handed_back", "resolved", "proven", "declined", "rejected"}


@dataclass(frozen=True)
class Card:
    """Where a confirmation stands, as teammates read it."""

    words: str
    tone: str
    reference: str = ""


@dataclass(frozen=True)
class Item:
    """One thing in the thread: a day, a message or an event; `key` is its id on the page."""

    key: str
    at: datetime
    message: Message | None = None
    line: Line | None = None
    card: Card | None = None
    run_id: int | None = None
    day: str = ""
    is_old: bool = False


@dataclass(frozen=True)
class Thread:
    """The items, and up to where they go: the seq of the last message and the id of the last event."""

    items: list[Item]
    seq: int
    event: int
    earlier: int = 0
    cast: Cast = field(default_factory=lambda: Cast("", ""))


def thread_of(ticket: Ticket, reader: Membership, *, after_seq: int = 0, after_event: int = 0, everything: bool = False) -> Thread:
    """What happened on the ticket after these two marks, oldest first; a fixed number of queries whatever the length."""
    messages = Message.objects.filter(ticket=ticket).select_related("member__user").prefetch_related("attachments").order_by("-seq")
    is_live = bool(after_seq or after_event)
    if is_live:
        # Cards change after they were written: they come again, and replace themselves by id.
        messages = messages.filter(Q(seq__gt=after_seq) | Q(kind__in=(Kind.CONFIRM, Kind.CODE)))
    rows = list(messages if everything or is_live else messages[:SHOWN])[::-1]
    earlier = rows[0].seq - 1 if rows and not is_live else 0
    events = list(Event.objects.filter(tenant_id=ticket.tenant_id, ticket_id=ticket.pk, id__gt=after_event).order_by("id"))
    if earlier:
        events = [event for event in events if event.at >= rows[0].created_at]
    calls = {str(call.pk): call for call in ToolCall.objects.filter(ticket=ticket)}
    cast = _cast(ticket, events, calls)
    runs = _runs(ticket, reader)
    items = sorted([*_messages(ticket, rows, calls, after_seq, runs), *_events(events, cast)], key=_place)
    seq = max([after_seq, *(row.seq for row in rows)])
    return Thread([*_with_days(items)], seq, max([after_event, *(event.pk for event in events)]), earlier, cast)


def _place(item: Item) -> tuple[datetime, bool]:
    # SQLite keeps an event's time in milliseconds: within one, what was said comes before what was done.
    return item.at.replace(microsecond=item.at.microsecond // 1000 * 1000), item.message is None


def _messages(
    ticket: Ticket, rows: Iterable[Message], calls: Mapping[str, ToolCall], after_seq: int, runs: Mapping[tuple[str, int], int]
) -> Iterator[Item]:
    answers = {str(row.call_id): row for row in Confirmation.objects.filter(call__ticket=ticket).order_by("id")}
    for row in rows:
        if row.kind == Kind.NEWS and row.data.get("code") in TOLD_AS_EVENTS:
            continue
        call = str(row.data.get("call") or "")
        card = card_state(calls.get(call), answers.get(call)) if row.kind == Kind.CONFIRM else None
        run = runs.get(("message", row.pk)) or runs.get(("turn", row.turn)) if row.author == Author.AI else None
        yield Item(f"message-{row.pk}", row.created_at, message=row, card=card, run_id=run, is_old=row.seq <= after_seq)


def _runs(ticket: Ticket, reader: Membership) -> dict[tuple[str, int], int]:
    """The runs whose traces the reader may open."""
    found: dict[tuple[str, int], int] = {}
    for pk, message_id, turn in AgentRun.objects.filter(ticket=ticket).of_open_agents(reader).values_list("pk", "message_id", "turn"):
        found[("turn", turn)] = pk
        if message_id:
            found[("message", message_id)] = pk
    return found


def card_state(call: ToolCall | None, asked: Confirmation | None) -> Card:
    """What became of a confirmation card."""
    if call is None:
        return Card(str(words.STATES["cancelled"][0]), "")
    if asked is not None and not asked.answer and call.state == State.NEEDS_CONFIRMATION and asked.expires_at <= timezone.now():
        return Card(_("Nobody confirmed in time; nothing was done"), "warn")
    if asked is not None and asked.answer == "no":
        return Card(_("The customer said no; nothing was done"), "")
    said, tone = words.STATES.get(call.state, (call.state, ""))
    return Card(str(said), tone, call.reference)


def _events(events: Iterable[Event], cast: Cast) -> Iterator[Item]:
    for event in events:
        told = line(Happened(event.code, event.actor_kind, event.actor_id, event.changed, event.subject), cast)
        if told is not None:
            yield Item(f"event-{event.pk}", event.at, line=told)


def _cast(ticket: Ticket, events: Iterable[Event], calls: Mapping[str, ToolCall]) -> Cast:
    members: set[int] = {event.actor_id for event in events if event.actor_kind == "teammate" and event.actor_id}
    members |= {event.changed["assignee"] for event in events if event.changed.get("assignee")}
    people = Membership.objects.filter(tenant_id=ticket.tenant_id, pk__in=members).select_related("user") if members else []
    acts = {key: words.act_of(call) for key, call in calls.items()}
    queues = dict(Queue.objects.values_list("pk", "name"))
    approvals = Approval.objects.filter(ticket=ticket).select_related("call") if any(event.code in DECISIONS for event in events) else []
    return Cast(
        agent=ticket.brand.agent_name,
        customer=str(ticket.customer),
        teammates={person.pk: person.name for person in people},
        queues=queues,
        calls=acts,
        became={str(call.edited_from_id): acts[key] for key, call in calls.items() if call.edited_from_id},
        reasons={str(each.pk): each.reason for each in approvals if each.reason},
        at_once=frozenset(str(each.pk) for each in approvals if _is_at_once(each)),
    )


def _is_at_once(approval: Approval) -> bool:
    """Whether whoever made the call smaller approved it in the same transaction."""
    passed = approval.decided_at - approval.created_at if approval.decided_at and approval.call.edited_from_id else None
    return passed is not None and approval.decision == Approval.Decision.APPROVE and passed < timedelta(seconds=1)


def _with_days(items: Iterable[Item]) -> Iterator[Item]:
    """The items with a line before each new day."""
    today, last = timezone.localdate(), None
    for item in items:
        day = timezone.localtime(item.at).date()
        if day != last and not item.is_old:
            name = {today: _("Today"), today - timedelta(days=1): _("Yesterday")}.get(day) or date_format(day, "l j F Y")
            yield Item(f"day-{day.isoformat()}", item.at, day=name)
            last = day
        yield item


def page_position(member: Membership) -> int:
    """Where the page's socket goes on from."""
    return last_position(member.tenant)


def safe_marks(text: str) -> tuple[int, int]:
    """The two marks a page sends as `seq.event`; anything else means from the beginning."""
    seq, _dot, event = text.partition(".")
    if seq.isascii() and seq.isdigit() and event.isascii() and event.isdigit() and len(text) < 30:
        return int(seq), int(event)
    return 0, 0


def names_of(calls: Iterable[Any]) -> list[dict[str, Any]]:
    """Calls as rows of the side panel: what it does, where it stands, its reference."""
    rows = []
    for call in calls:
        said, tone = words.STATES.get(call.state, (call.state, ""))
        rows.append({"act": words.act_of(call), "state": said, "tone": tone, "call": call})
    return rows
