"""Tickets: lists, opening one in a customer's words, moving it, and what teammates do to it."""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from supportdesk.api import reach
from supportdesk.api.fields import Nothing
from supportdesk.api.pagination import Order, page
from supportdesk.api.permissions import demand, demand_teammate
from supportdesk.api.problems import Problem, bad_field
from supportdesk.api.schema import NUMBER, M, example, operation
from supportdesk.api.shapes.tickets import (
    AssignIn,
    HandBackIn,
    TicketChange,
    TicketDetail,
    TicketIn,
    TicketPage,
    TicketQuery,
    ticket_out,
)
from supportdesk.api.views.base import ApiView
from supportdesk.core.events import Actor, teammate
from tickets import verbs
from tickets.identity import level_of
from tickets.models import Customer, CustomerIdentity, Ticket
from tickets.receiving import Relayed, api_channel, claiming_customer, open_relayed_ticket

ORDERS = {
    "activity": Order("tickets by activity", "last_message_at"),
    "number": Order("tickets by number", "number", is_descending=False),
}
FILTERS = {"status": "status", "handler": "handler", "queue": "queue__key", "customer": "customer_id", "assignee": "assignee_id"}


def detail(ticket: Ticket) -> dict[str, Any]:
    """One ticket as answers tell it."""
    return {**ticket_out(ticket), "identity": level_of(ticket).value}


class Tickets(ApiView):
    """The collection."""

    subject = "tickets"

    @operation(
        "list_tickets",
        permission="ticket.list",
        summary="List tickets",
        answers=TicketPage,
        parameters=[TicketQuery],
        problems=(400,),
    )
    def get(self, request: Request) -> Response:
        """The tickets the key reaches, page by page.

        By activity, a ticket that moves while you read is on an earlier page; by number, each stands once.
        """
        asked = self.asked(TicketQuery)
        wanted = {field: asked[name] for name, field in FILTERS.items() if name in asked}
        rows = reach.tickets(self.principal).filter(**wanted).joined()
        return Response(page(rows, ORDERS[asked["order"]], cursor=asked["cursor"], size=asked["page_size"], shown=ticket_out))

    @operation(
        "open_ticket",
        permission="message.receive",
        summary="Open a ticket",
        takes=TicketIn,
        answers=TicketDetail,
        status=201,
        examples=[
            example(
                "A customer your shop signed in",
                {
                    "customer": {"email": "ida@mail.example", "name": "Ida"},
                    "body": "The pole set broke.",
                    "external_id": "f-17",
                    "vouch": True,
                },
            ),
            example("Somebody unknown", {"customer": {}, "body": "How long do I have to return boots?"}),
        ],
    )
    def post(self, request: Request) -> Response:
        """Relay a customer's first message. The agent answers it as on any channel.

        The same `external_id` again answers with the ticket it opened.
        """
        principal, sent = self.principal, self.taken(TicketIn)
        if sent["vouch"]:
            demand(principal, "customer.vouch")
        wanted = sent["customer"]
        known = reach.named_customer(principal, wanted["id"], "customer") if "id" in wanted else None
        email = _address(known) if known else wanted.get("email", "")
        if sent["vouch"] and not email:
            raise bad_field("vouch", "There is no address to vouch for.")
        said = Relayed(
            body=sent["body"],
            by=Actor("service", principal.service.pk),
            name=principal.service.name,
            external_id=sent["external_id"],
            vouched_email=email if sent["vouch"] else "",
        )

        def writer() -> Customer:
            return known or claiming_customer(name=wanted.get("name", ""), email=email)

        channel = api_channel(principal.environment)
        message, _is_new = open_relayed_ticket(channel=channel, customer=writer, subject=sent["subject"], said=said)
        found = reach.tickets(principal).joined().filter(pk=message.ticket_id).first()
        if found is None and not _is_new:
            raise Problem(409, "external_id_taken", "This external id belongs to a message out of this key's reach.")
        ticket: Ticket = found or Ticket.objects.joined().get(pk=message.ticket_id)
        return Response(detail(ticket), status=201)


def _address(customer: Customer) -> str:
    """The address a vouch for a known customer is about: the verified one, else the newest."""
    theirs = CustomerIdentity.objects.filter(customer=customer, kind=CustomerIdentity.Kind.EMAIL)
    newest = theirs.order_by("-is_verified", "-id").first()
    return newest.value if newest else ""


class OneTicket(ApiView):
    """One of them."""

    subject = "tickets"

    @operation("get_ticket", permission="ticket.see", summary="Get a ticket", answers=TicketDetail, parameters=[NUMBER], problems=(404,))
    def get(self, request: Request, number: int) -> Response:
        """One ticket by its number."""
        return Response(detail(reach.ticket(self.principal, number)))

    @operation(
        "change_ticket",
        permission="ticket.assign",
        summary="Move or assign a ticket",
        takes=TicketChange,
        answers=TicketDetail,
        parameters=[NUMBER],
        problems=(404,),
    )
    def patch(self, request: Request, number: int) -> Response:
        """Change the queue, the priority or the assignee: all of it or nothing."""
        principal, sent = self.principal, self.taken(TicketChange)
        ticket = reach.ticket(principal, number)
        if "assignee" in sent:
            demand_teammate(principal)
        to = reach.named_teammate(principal, sent["assignee"]) if sent.get("assignee") else None
        queue = reach.named_queue(self.principal, sent["queue"]) if "queue" in sent else ticket.queue
        with transaction.atomic():
            if "queue" in sent or "priority" in sent:
                verbs.route(ticket_id=ticket.pk, queue_id=queue.pk, priority=sent.get("priority"), by=principal.actor)
            if "assignee" in sent:
                verbs.assign(ticket_id=ticket.pk, to=to, by=self.teammate)
        return Response(_after(ticket))


def _after(ticket: Ticket) -> dict[str, Any]:
    """The ticket as it is now, even if what was done took it out of reach."""
    return detail(Ticket.objects.joined().get(pk=ticket.pk))


class TicketAct(ApiView):
    """Something a teammate does to one ticket."""

    subject = "tickets"

    def act(self, number: int, do: Callable[[Ticket], object]) -> Response:
        """Do it, and answer with the ticket."""
        ticket = reach.ticket(self.principal, number)
        do(ticket)
        return Response(_after(ticket))


def _teammates(name: str, permission: str, summary: str, takes: Any = Nothing) -> Callable[[M], M]:
    return operation(
        name,
        permission=permission,
        summary=summary,
        takes=takes,
        answers=TicketDetail,
        parameters=[NUMBER],
        problems=(404,),
        as_teammate=True,
    )


class TakeOver(TicketAct):
    """Take the wheel."""

    @_teammates("take_over_ticket", "ticket.take_over", "Take a ticket over")
    def post(self, request: Request, number: int) -> Response:
        """From here on the agent is silent on this ticket, whatever it was doing."""
        self.taken(Nothing)
        return self.act(number, lambda ticket: verbs.take_over(ticket_id=ticket.pk, by=self.teammate))


class HandBack(TicketAct):
    """Let the agent go on."""

    @_teammates("hand_back_ticket", "ticket.hand_back", "Hand a ticket back", HandBackIn)
    def post(self, request: Request, number: int) -> Response:
        """The agent answers what is still open. A note is for teammates."""
        note = self.taken(HandBackIn)["note"]
        return self.act(number, lambda ticket: verbs.hand_back(ticket_id=ticket.pk, by=self.teammate, note_text=note))


class Assign(TicketAct):
    """Give the ticket to somebody."""

    @_teammates("assign_ticket", "ticket.assign", "Assign a ticket", AssignIn)
    def post(self, request: Request, number: int) -> Response:
        """To one teammate, or to nobody. Who answers, the agent or a teammate, stays as it is."""
        wanted = self.taken(AssignIn)["assignee"]
        ticket = reach.ticket(self.principal, number)
        to = reach.named_teammate(self.principal, wanted) if wanted else None
        verbs.assign(ticket_id=ticket.pk, to=to, by=self.teammate)
        return Response(_after(ticket))


class Resolve(TicketAct):
    """Close the case."""

    @_teammates("resolve_ticket", "ticket.resolve", "Resolve a ticket")
    def post(self, request: Request, number: int) -> Response:
        """The customer's next message opens it again."""
        self.taken(Nothing)
        return self.act(number, lambda ticket: verbs.resolve(ticket_id=ticket.pk, by=teammate(self.teammate)))


class Reopen(TicketAct):
    """Open it again."""

    @_teammates("reopen_ticket", "ticket.resolve", "Reopen a ticket")
    def post(self, request: Request, number: int) -> Response:
        """In the teammate's own hands."""
        self.taken(Nothing)
        return self.act(number, lambda ticket: verbs.reopen(ticket_id=ticket.pk, by=self.teammate))
