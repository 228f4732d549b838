"""One ticket: its page, its preview beside the list, and what is new on it."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.crypto import get_random_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from agents.actions.lookups import orders_of
from agents.runtime.models import AgentRun
from supportdesk.console.approving import REASONS, cards_on
from supportdesk.console.asking import found_ticket, member_of, shown_cards
from supportdesk.console.side import people_for, side_of
from supportdesk.console.thread import page_position, safe_marks, thread_of
from supportdesk.core.models import Membership
from supportdesk.core.permissions import allowed, may
from tickets.models import Handler, Ticket


@require_GET
@never_cache
@allowed("ticket.see")
def ticket_page(request: HttpRequest, number: int) -> HttpResponse:
    """The ticket on a page of its own: thread, composer, and everything known about customer and case."""
    ticket = found_ticket(request, number)
    member = member_of(request)
    context = pane_of(request, ticket) | side_of(ticket, member) | {"position": page_position(member), "is_page": True}
    return render(request, "console/ticket.html", context)


@require_GET
@never_cache
@allowed("ticket.see")
def preview(request: HttpRequest, number: int) -> HttpResponse:
    """The ticket beside the list."""
    return render(request, "console/_pane.html", pane_of(request, found_ticket(request, number)))


@require_GET
@never_cache
@allowed("ticket.see")
def news(request: HttpRequest, number: int) -> HttpResponse:
    """What happened since the marks the page sends, and everything about the ticket that can change."""
    return render(request, "console/_news.html", news_of(request, found_ticket(request, number)))


@require_GET
@never_cache
@allowed("customer.see", asks_outside=True)
def orders(request: HttpRequest, number: int) -> HttpResponse:
    """The customer's orders, read from the shop when the panel asks: a slow shop holds up nothing else."""
    ticket = found_ticket(request, number)
    return render(request, "console/_orders.html", {"ticket": ticket, "orders": orders_of(ticket.customer, ticket.environment)})


def pane_of(request: HttpRequest, ticket: Ticket) -> dict[str, Any]:
    """What the middle of the page needs: head, thread, takeover banner, composer."""
    thread = thread_of(ticket, member_of(request), everything=request.GET.get("all") == "1")
    return {"thread": thread, "client_id": get_random_string(20), "people": people_for(ticket), **_state_of(request, ticket)}


def news_of(request: HttpRequest, ticket: Ticket) -> dict[str, Any]:
    """The fragment every act and every hint is answered with; `X-Seen` carries the page's marks, `X-Page` asks for the panel."""
    seq, event = safe_marks(request.headers.get("X-Seen", ""))
    context = {
        "thread": thread_of(ticket, member_of(request), after_seq=seq, after_event=event),
        "people": people_for(ticket),
        **_state_of(request, ticket),
    }
    if request.headers.get("X-Page") == "ticket":
        context |= side_of(ticket, member_of(request)) | {"is_page": True}
    return context


def _state_of(request: HttpRequest, ticket: Ticket) -> dict[str, Any]:
    member = member_of(request)
    writes = may(member, "ticket.reply")
    return {
        "ticket": ticket,
        "member": member,
        "can_write": writes,
        "can_reply": writes and can_reply(ticket, member),
        "is_mine": ticket.handler == Handler.HUMAN and ticket.assignee_id == member.pk,
        "asks": cards_on(ticket, member, also=shown_cards(request)),
        "reject_reasons": REASONS,
        "works": ticket.handler == Handler.AI and AgentRun.objects.filter(ticket=ticket, state=AgentRun.State.RUNNING).exists(),
    }


def can_reply(ticket: Ticket, member: Membership) -> bool:
    """Whether a reply of this teammate would be sent as things stand."""
    return ticket.is_open and ticket.handler == Handler.HUMAN and ticket.assignee_id in (None, member.pk)
