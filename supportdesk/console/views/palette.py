"""The command palette: finds tickets, goes places, and does what this ticket allows."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from supportdesk.console import lists
from supportdesk.console.asking import member_of
from supportdesk.console.views.ticket import can_reply
from supportdesk.core.models import Membership
from supportdesk.core.permissions import allowed, may
from tickets.models import Handler, Ticket

FOUND = 8


@require_GET
@never_cache
@allowed("ticket.list")
def palette(request: HttpRequest) -> HttpResponse:
    """The options for what was typed: acts on the open ticket, places, tickets."""
    member = member_of(request)
    typed = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:80]
    number = request.GET.get("ticket", "")
    ticket = None
    if number.isascii() and number.isdigit() and len(number) < 10:
        ticket = Ticket.objects.visible_to(member).joined().filter(number=int(number)).first()
    acts = [act for act in acts_on(ticket, member) if typed.lower() in act["words"].lower()] if ticket else []
    filters = lists.Filters(tab="all", q=typed, sort="newest", home="all")
    found = lists.page_of(member, filters).tickets[:FOUND] if typed else []
    places = [place for place in _places(member) if typed.lower() in place["words"].lower()]
    context = {"acts": acts, "places": places, "found": found, "ticket": ticket, "typed": typed}
    return render(request, "console/_palette_options.html", context)


def acts_on(ticket: Ticket, member: Membership) -> list[dict[str, Any]]:
    """What this teammate may do to the ticket now: the page's own control it presses, its words, icon and key."""
    if not may(member, "ticket.reply"):
        return []
    has_ai = ticket.handler == Handler.AI
    acts = [
        ("take-over", f"Take over from {ticket.brand.agent_name}", "hand", "T", has_ai and ticket.is_open),
        ("reply", "Reply", "reply", "R", can_reply(ticket, member)),
        ("note", "Write a private note", "lock", "N", True),
        ("assign", "Assign", "user", "A", True),
        ("hand-back", f"Hand back to {ticket.brand.agent_name}", "ai", "H", can_reply(ticket, member) and ticket.is_open),
        ("resolve", "Resolve", "check", "E", ticket.is_open),
        ("resolve", "Reopen", "refresh", "E", not ticket.is_open),
        ("why", "Why did it say that?", "trace", "W", True),
    ]
    return [{"act": act, "words": said, "icon": icon, "key": key} for act, said, icon, key, fits in acts if fits]


def _places(member: Membership) -> list[dict[str, str]]:
    places = [
        ("My tickets", "tab=mine", "inbox"),
        ("Unassigned tickets", "tab=unassigned", "users"),
        ("All tickets", "tab=all", "layers"),
        ("Resolved tickets", "tab=all&status=resolved", "done"),
        *((f"{queue.name} queue", f"tab=all&queue={queue.key}", queue.icon) for queue, _n in lists.rail_for(member).queues),
    ]
    tickets = reverse("console:queue")
    found = [{"words": said, "url": f"{tickets}?{query}", "icon": icon, "keys": ""} for said, query, icon in places]
    if may(member, "approval.see"):
        found.insert(3, {"words": "Approvals", "url": reverse("console:approvals"), "icon": "approve", "keys": "G A"})
    if may(member, "audit.see"):
        found.append({"words": "Audit trail", "url": reverse("console:audit"), "icon": "clip", "keys": ""})
        found.append({"words": "One thing’s whole story", "url": reverse("console:incident"), "icon": "trace", "keys": ""})
    return found
