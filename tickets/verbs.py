"""What can be done to a ticket: reply, note, assign, take over, hand back, escalate, resolve, reopen, route.

Each verb is one short transaction with its event; `fenced` ones speak for the AI and fail when its turn is over.
"""

from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from supportdesk.core.events import AI, Actor, record, teammate
from supportdesk.core.jobs import enqueue
from supportdesk.core.models import Membership, Team
from tickets import routing
from tickets.errors import AlreadyTaken, NotYours, Refusal
from tickets.handoff import Packet
from tickets.models import Author, Escalation, Handler, Kind, Message, Priority, Status, Ticket
from tickets.receiving import queue_facts
from tickets.writing import append, clean_body, fenced, locked, raise_turn


@transaction.atomic
def reply(*, ticket_id: int, by: Membership, body: object, client_id: str = "", resolve_after: bool = False) -> Message:
    """Send a teammate's words to the customer; `client_id` makes a resend harmless.

    Raises:
        NotYours: while the AI agent or another teammate has the ticket.
        Unacceptable: for a body that cannot be sent.
    """
    text = clean_body(body)
    ticket = locked(ticket_id)
    external_id = f"member-{by.pk}:{client_id}"[:120] if client_id else ""
    if seen := _stored(ticket, external_id):
        return seen
    if ticket.handler != Handler.HUMAN:
        raise NotYours(_("%(agent)s has this ticket. Take it over before you reply.") % {"agent": ticket.brand.agent_name})
    if ticket.assignee is not None and ticket.assignee_id != by.pk:
        raise NotYours(_("%(name)s has this ticket. Take it over before you reply.") % {"name": ticket.assignee.name})
    if ticket.assignee_id is None:
        _assign(ticket, by, teammate(by))
    message = append(ticket, author=Author.TEAMMATE, member=by, body=text, external_id=external_id)
    record("message.sent", by=teammate(by), ticket_id=ticket.pk, message=message.pk)
    if resolve_after:
        _resolve(ticket, teammate(by))
    return message


@transaction.atomic
def note(*, ticket_id: int, by: Membership, body: object, client_id: str = "") -> Message:
    """Leave a private note, which only teammates ever see.

    Raises:
        Unacceptable: for a body that cannot be stored.
    """
    text = clean_body(body)
    ticket = locked(ticket_id)
    external_id = f"note-{by.pk}:{client_id}"[:120] if client_id else ""
    if seen := _stored(ticket, external_id):
        return seen
    message = append(ticket, author=Author.TEAMMATE, member=by, kind=Kind.NOTE, body=text, external_id=external_id)
    record("note.added", by=teammate(by), ticket_id=ticket.pk, message=message.pk)
    return message


@transaction.atomic
def assign(*, ticket_id: int, to: Membership | None, by: Membership) -> Ticket:
    """Give the ticket to one teammate, or to nobody; who answers (AI or human) stays as it is."""
    ticket = locked(ticket_id)
    if to is not None and (to.tenant_id != ticket.tenant_id or not to.is_active):
        raise Refusal(_("This teammate does not work here any more."))
    if to is not None and not Ticket.objects.filter(pk=ticket.pk).out_of_private(to).exists():
        raise Refusal(_("This teammate does not see this ticket: its queue or channel is private."))
    _assign(ticket, to, teammate(by))
    return ticket


@transaction.atomic
def take_over(*, ticket_id: int, by: Membership) -> Ticket:
    """Take the wheel: from here on the AI is silent on this ticket, whatever it was doing.

    Raises:
        AlreadyTaken: when another teammate has it; says who and since when.
    """
    ticket = locked(ticket_id)
    if ticket.handler == Handler.HUMAN and ticket.assignee_id == by.pk:
        return ticket
    if ticket.handler == Handler.HUMAN and ticket.assignee is not None:
        raise AlreadyTaken(_("%(name)s already has this ticket.") % {"name": ticket.assignee.name})
    if not ticket.is_open:
        raise Refusal(_("This ticket is resolved. Reopen it first."))
    was = ticket.handler
    raise_turn(ticket)
    ticket.handler, ticket.assignee = Handler.HUMAN, by
    ticket.save(update_fields=["handler", "assignee"])
    Escalation.objects.filter(ticket=ticket, accepted_at=None).update(accepted_by=by, accepted_at=timezone.now())
    record("ticket.taken_over", by=teammate(by), ticket_id=ticket.pk, changed={"seq": ticket.last_seq, "from": was})
    append(ticket, author=Author.SYSTEM, kind=Kind.NEWS, body="joined", data={"code": "joined", **_who_joined(ticket, by)})
    return ticket


@transaction.atomic
def hand_back(*, ticket_id: int, by: Membership, note_text: str = "") -> Ticket:
    """Give the ticket back to the AI agent; it answers what is still open.

    Raises:
        NotYours: when another teammate has it, or the AI has it already.
    """
    ticket = locked(ticket_id)
    if ticket.handler != Handler.HUMAN:
        raise NotYours(_("%(agent)s has this ticket already.") % {"agent": ticket.brand.agent_name})
    if ticket.assignee is not None and ticket.assignee_id != by.pk:
        raise NotYours(_("%(name)s has this ticket.") % {"name": ticket.assignee.name})
    if note_text.strip():
        append(ticket, author=Author.TEAMMATE, member=by, kind=Kind.NOTE, body=clean_body(note_text))
    raise_turn(ticket)
    ticket.handler, ticket.assignee, ticket.failed_turns = Handler.AI, None, 0
    ticket.save(update_fields=["handler", "assignee", "failed_turns"])
    record("ticket.handed_back", by=teammate(by), ticket_id=ticket.pk, changed={"seq": ticket.last_seq})
    append(ticket, author=Author.SYSTEM, kind=Kind.NEWS, body="handed back", data={"code": "handed_back", "name": by.name.split()[0]})
    if ticket.asked_seq > ticket.answered_seq:
        enqueue("runtime.start_run", dedupe=f"ticket:{ticket.pk}", ticket_id=ticket.pk, trigger="handed_back")
    return ticket


@transaction.atomic
def escalate(
    *, ticket_id: int, packet: Packet, by: Actor = AI, turn: int | None = None, say: str = "", citations: list[dict[str, Any]] | None = None
) -> Escalation | None:
    """Pass the ticket to the teammates with its handoff packet and tell the customer so.

    With `turn` it speaks for the AI and is fenced. Returns None when a human has the ticket already: one handoff is enough.

    Raises:
        Stale: the AI's turn is over.
    """
    ticket = fenced(ticket_id, turn) if turn is not None else locked(ticket_id)
    if ticket.handler == Handler.HUMAN:
        return None
    route = routing.choose(intent=packet.intent, language=packet.language, reason=packet.reason, queues=queue_facts())
    if say:
        append(ticket, author=Author.AI, body=say, citations=citations)
    raise_turn(ticket)
    now = timezone.now()
    ticket.handler, ticket.status, ticket.queue_id = Handler.HUMAN, Status.OPEN, route.queue_id
    ticket.priority = max(ticket.priority, route.priority)
    ticket.answered_seq, ticket.waiting_since = ticket.asked_seq, ticket.waiting_since or now
    ticket.intent, ticket.resolved_at, ticket.resolved_by = packet.intent or ticket.intent, None, ""
    changed = ["handler", "status", "queue", "priority", "answered_seq", "waiting_since", "intent", "resolved_at", "resolved_by"]
    ticket.save(update_fields=changed)
    content = {**asdict(packet), "suggested_queue": route.queue_id, "suggested_priority": route.priority, "routed_by": route.why}
    row = Escalation.objects.create(ticket=ticket, reason=packet.reason, packet=content, queue_id=route.queue_id)
    record("ticket.escalated", by=by, ticket_id=ticket.pk, changed={"reason": packet.reason}, escalation=row.pk)
    team = Team.objects.filter(queue_links__queue_id=route.queue_id).order_by("id").first()
    append(
        ticket,
        author=Author.SYSTEM,
        kind=Kind.NEWS,
        body="passed on",
        data={"code": "escalated", "team": team.name if team else "", "minutes": ticket.brand.reply_minutes},
    )
    escalation: Escalation = row
    return escalation


@transaction.atomic
def resolve(*, ticket_id: int, by: Actor, turn: int | None = None, say: str = "") -> Ticket:
    """Close the case; with `turn` it speaks for the AI and is fenced.

    Raises:
        Stale: the AI's turn is over.
    """
    ticket = fenced(ticket_id, turn) if turn is not None else locked(ticket_id)
    if say:
        append(ticket, author=Author.AI, body=say)
    _resolve(ticket, by)
    return ticket


@transaction.atomic
def reopen(*, ticket_id: int, by: Membership) -> Ticket:
    """Open a resolved ticket again, in the teammate's own hands."""
    ticket = locked(ticket_id)
    if ticket.is_open:
        return ticket
    raise_turn(ticket)
    ticket.status, ticket.handler, ticket.assignee = Status.OPEN, Handler.HUMAN, by
    ticket.resolved_at, ticket.resolved_by = None, ""
    ticket.save(update_fields=["status", "handler", "assignee", "resolved_at", "resolved_by"])
    record("ticket.reopened", by=teammate(by), ticket_id=ticket.pk, changed={"seq": ticket.last_seq})
    return ticket


@transaction.atomic
def route(*, ticket_id: int, queue_id: int, by: Actor, priority: int | None = None) -> Ticket:
    """Move the ticket to a queue, and set its priority if one is given.

    Raises:
        Refusal: for a queue that is not the workspace's, or no priority of ours.
    """
    ticket = locked(ticket_id)
    if queue_id not in {facts.id for facts in queue_facts()}:
        raise Refusal(_("There is no such queue here."))
    if priority is not None and priority not in Priority.values:
        raise Refusal(_("A priority is 1 (low) to 4 (urgent)."))
    ticket.queue_id, ticket.priority = queue_id, priority or ticket.priority
    ticket.save(update_fields=["queue", "priority"])
    record("ticket.routed", by=by, ticket_id=ticket.pk, changed={"queue": queue_id, "priority": ticket.priority})
    return ticket


def _stored(ticket: Ticket, external_id: str) -> Message | None:
    """What the same click stored before; the ticket's lock orders two clicks."""
    return Message.objects.filter(channel=ticket.channel, external_id=external_id).first() if external_id else None


def _assign(ticket: Ticket, to: Membership | None, by: Actor) -> None:
    ticket.assignee = to
    ticket.save(update_fields=["assignee"])
    record("ticket.assigned", by=by, ticket_id=ticket.pk, changed={"assignee": to.pk if to else None})


def _resolve(ticket: Ticket, by: Actor) -> None:
    if not ticket.is_open:
        return
    raise_turn(ticket)
    ticket.status, ticket.resolved_at, ticket.resolved_by = Status.RESOLVED, timezone.now(), by.kind
    ticket.waiting_since, ticket.failed_turns, ticket.answered_seq = None, 0, ticket.asked_seq
    ticket.save(update_fields=["status", "resolved_at", "resolved_by", "waiting_since", "failed_turns", "answered_seq"])
    record("ticket.resolved", by=by, ticket_id=ticket.pk)
    append(ticket, author=Author.SYSTEM, kind=Kind.NEWS, body="resolved", data={"code": "resolved", "by": by.kind})


def _who_joined(ticket: Ticket, by: Membership) -> dict[str, str]:
    team = Team.objects.filter(queue_links__queue_id=ticket.queue_id, members__membership=by).order_by("id").first()
    return {"name": by.name.split()[0], "team": team.name if team else "", "agent": ticket.brand.agent_name}
