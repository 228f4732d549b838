"""Tickets: what a list shows, what one tells, what opens one and what may be changed."""

from typing import Any

from rest_framework import serializers

from supportdesk.api.fields import Address, Choice, Input, Paged, QueryWhole, Text, Whole, YesNo, answer_page, body_text
from supportdesk.api.shapes.people import PersonRef, QueueRef, teammate_ref
from supportdesk.core.models import Environment
from tickets.identity import Level
from tickets.models import Channel, Handler, Priority, Status, Ticket

MOST_ID = 10**18 - 1


class TicketOut(serializers.Serializer[Any]):
    """One case. Who has it, which teammate, and how far it is are three separate facts."""

    number = serializers.IntegerField()
    subject = serializers.CharField()
    status = serializers.ChoiceField(choices=Status.choices)
    handler = serializers.ChoiceField(choices=Handler.choices, help_text="Who answers: the AI agent or a teammate.")
    assignee = PersonRef(allow_null=True)
    priority = serializers.ChoiceField(choices=Priority.choices)
    environment = serializers.ChoiceField(choices=Environment.choices)
    channel = serializers.ChoiceField(choices=Channel.Kind.choices)
    queue = QueueRef()
    customer = PersonRef()
    language = serializers.CharField(allow_blank=True)
    intent = serializers.CharField(allow_blank=True)
    preview = serializers.CharField(allow_blank=True, help_text="The beginning of what was said last.")
    opened_at = serializers.DateTimeField()
    last_message_at = serializers.DateTimeField()
    waiting_since = serializers.DateTimeField(allow_null=True, help_text="Since when the customer waits for an answer.")
    resolved_at = serializers.DateTimeField(allow_null=True)


class TicketDetail(TicketOut):
    """One case, with how sure we are who writes."""

    identity = serializers.ChoiceField(choices=[level.value for level in Level])


TicketPage = answer_page("TicketPage", TicketOut)


class TicketQuery(Paged):
    """Which tickets, and in which order."""

    status = Choice(choices=Status.choices, required=False)
    handler = Choice(choices=Handler.choices, required=False)
    queue = Text(required=False, max_length=50, help_text="A queue's key.")
    customer = QueryWhole(required=False, min_value=1)
    assignee = QueryWhole(required=False, min_value=1, help_text="A teammate's id.")
    order = Choice(choices=["activity", "number"], required=False, default="activity", help_text="Newest activity first, or by number.")


class CustomerRef(Input):
    """Who writes: a known customer by id, or somebody new by an address and a name."""

    id = Whole(required=False, min_value=1, max_value=MOST_ID)
    email = Address(required=False, max_length=200, help_text="A claim, not a proof.")
    name = Text(required=False, max_length=120, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Either of the two.

        Raises:
            ValidationError: for both.
        """
        if "id" in attrs and len(attrs) > 1:
            raise serializers.ValidationError("Send an id, or an email and a name.")
        return attrs


class TicketIn(Input):
    """A new ticket and its first message, in the customer's words."""

    customer = CustomerRef()
    body = body_text()
    subject = Text(required=False, default="", max_length=160, allow_blank=True, help_text="Empty: the first line of the message.")
    external_id = Text(required=False, default="", max_length=100, help_text="Your own id of the message; stored once.")
    vouch = YesNo(
        required=False,
        default=False,
        help_text="You signed this customer in: the address counts as proven on this ticket for an hour. Needs `customer.vouch`.",
    )


class TicketChange(Input):
    """What to change; what is left out stays. An assignee needs a key that acts as a teammate."""

    queue = Text(required=False, max_length=50, help_text="A queue's key.")
    priority = Choice(choices=Priority.choices, required=False)
    assignee = Whole(required=False, allow_null=True, min_value=1, max_value=MOST_ID, help_text="A teammate's id, or null.")


class AssignIn(Input):
    """Whom to give the ticket to."""

    assignee = Whole(allow_null=True, min_value=1, max_value=MOST_ID, help_text="A teammate's id, or null for nobody.")


class HandBackIn(Input):
    """Words for the teammates who come after, and nobody else."""

    note = body_text(required=False, default="", allow_blank=True)


def ticket_out(ticket: Ticket) -> dict[str, Any]:
    """A ticket as lists tell it; joined before."""
    return {
        "number": ticket.number,
        "subject": ticket.subject,
        "status": ticket.status,
        "handler": ticket.handler,
        "assignee": teammate_ref(ticket.assignee),
        "priority": ticket.priority,
        "environment": ticket.environment,
        "channel": ticket.channel.kind,
        "queue": {"key": ticket.queue.key, "name": ticket.queue.name},
        "customer": {"id": ticket.customer_id, "name": ticket.customer.name},
        "language": ticket.language,
        "intent": ticket.intent,
        "preview": ticket.preview,
        "opened_at": ticket.opened_at,
        "last_message_at": ticket.last_message_at,
        "waiting_since": ticket.waiting_since,
        "resolved_at": ticket.resolved_at,
    }
