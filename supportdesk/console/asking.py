"""What every view asks of its request: who is signed in, and whether htmx wants only a fragment."""

from typing import Any, cast

from django.http import Http404, HttpRequest

from supportdesk.core.models import Membership
from tickets.models import Ticket

MAX_CARDS = 20


def member_of(request: HttpRequest) -> Membership:
    """The teammate, for views behind `allowed`."""
    return cast(Membership, request.membership)  # type: ignore[attr-defined]


def wants_fragment(request: HttpRequest, target: str = "") -> bool:
    """Whether htmx asks (for this target), and not a browser going back through its history."""
    htmx: Any = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and not htmx.history_restore_request and (not target or htmx.target == target)


def shown_cards(request: HttpRequest) -> list[int]:
    """The approvals whose cards the page shows already, as its header names them."""
    parts = [part for part in request.headers.get("X-Asks", "").split(",") if part.isascii() and part.isdigit() and len(part) < 19]
    return [int(part) for part in parts[:MAX_CARDS]]


def found_ticket(request: HttpRequest, number: int) -> Ticket:
    """The ticket with this number, if the teammate may see it.

    Raises:
        Http404: for no such ticket, another workspace's, and one in a queue that is not theirs: they look alike.
    """
    ticket: Ticket | None = Ticket.objects.visible_to(member_of(request)).joined().filter(number=number).first()
    if ticket is None:
        raise Http404("There is no such ticket here.")
    return ticket
