"""What a key reaches: its environment's tickets, those its teammate may see, and what hangs on them. All else is not there."""

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404

from agents.actions.models import Approval
from agents.runtime.models import AgentRun
from supportdesk.api.problems import bad_field
from supportdesk.core.keys import Principal
from supportdesk.core.models import Membership
from tickets.models import Customer, CustomerIdentity, Kind, Message, Queue, Ticket
from tickets.models.places import hidden_queues


def tickets(principal: Principal) -> Any:
    """The tickets of the key's environment that its teammate may see; a service of its own sees what is not private."""
    mine = Ticket.objects.filter(environment=principal.environment)
    return mine.visible_to(principal.member) if principal.member else mine.out_of_private()


def ticket(principal: Principal, number: int) -> Ticket:
    """One ticket by its number, with what a row of the list tells.

    Raises:
        Http404: for none, and for one out of reach: they look alike.
    """
    found: Ticket | None = tickets(principal).joined().filter(number=number).first()
    if found is None:
        raise Http404
    return found


def messages(principal: Principal, of: Ticket) -> QuerySet[Message]:
    """The ticket's messages; private notes only for a teammate's key."""
    found = Message.objects.filter(ticket=of).select_related("member__user", "ticket__brand", "ticket__customer")
    return found if principal.member else found.exclude(kind=Kind.NOTE)


def customers(principal: Principal) -> QuerySet[Customer]:
    """Customers with a ticket in reach, and those who never wrote."""
    theirs = Ticket.objects.filter(customer=OuterRef("pk"))
    in_reach = tickets(principal).filter(customer=OuterRef("pk"))
    found: QuerySet[Customer] = Customer.objects.filter(Q(Exists(in_reach)) | ~Q(Exists(theirs)))
    return found.select_related("company").prefetch_related("identities")


def customer(principal: Principal, pk: int) -> Customer:
    """One customer.

    Raises:
        Http404: for none, and for one out of reach.
    """
    found = customers(principal).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def searched(rows: QuerySet[Customer], words: str) -> QuerySet[Customer]:
    """Those whose name or address holds the words."""
    addressed = CustomerIdentity.objects.filter(value__icontains=words).values("customer_id")
    return rows.filter(Q(name__icontains=words) | Q(pk__in=addressed))


def named_customer(principal: Principal, pk: int, field: str) -> Customer:
    """The customer a body names.

    Raises:
        ValidationError: for none in reach, naming the field.
    """
    found = customers(principal).filter(pk=pk).first()
    if found is None:
        raise bad_field(field, "There is no such customer here.")
    return found


def named_queue(principal: Principal, key: str) -> Queue:
    """The queue a body names by its key.

    Raises:
        ValidationError: for none of the workspace, and for a private one out of reach.
    """
    found: Queue | None = Queue.objects.filter(key=key).exclude(pk__in=hidden_queues(principal.member).values("pk")).first()
    if found is None:
        raise bad_field("queue", "There is no such queue here.")
    return found


def named_teammate(principal: Principal, pk: int) -> Membership:
    """The teammate a body names; memberships lie outside the walls, so the workspace is asked for here.

    Raises:
        ValidationError: for none who works here.
    """
    found = Membership.objects.select_related("user").filter(tenant=principal.tenant, is_active=True, user__is_active=True, pk=pk).first()
    if found is None:
        raise bad_field("assignee", "There is no such teammate here.")
    return found


def approvals(principal: Principal) -> Any:
    """Approvals of tickets in reach."""
    return Approval.objects.filter(ticket__in=tickets(principal)).joined()


def approval(principal: Principal, pk: int) -> Approval:
    """One approval.

    Raises:
        Http404: for none, and for one out of reach.
    """
    found: Approval | None = approvals(principal).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def runs(principal: Principal) -> QuerySet[AgentRun]:
    """Runs of tickets in reach, without those of private agents."""
    mine = AgentRun.objects.filter(ticket__in=tickets(principal)).of_open_agents(principal.member)
    found: QuerySet[AgentRun] = mine.select_related("ticket", "release", "message")
    return found
