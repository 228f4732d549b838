"""What every view asks of its request: who is signed in, and whether htmx wants only a fragment."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse

from supportdesk.core.models import Membership
from supportdesk.core.same_page import FIELD
from supportdesk.core.stepup import PROOF_FIELD
from tickets.models import Ticket

MAX_CARDS = 20
P = ParamSpec("P")


def takes(
    *names: str,
) -> Callable[[Callable[Concatenate[HttpRequest, P], HttpResponse]], Callable[Concatenate[HttpRequest, P], HttpResponse]]:
    """Let a form be sent with these fields and no other: a field nobody asked for is refused, never ignored. Stands below `allowed`.

    Raises:
        BadRequest: naming the field; nothing was done.
    """

    def around(view: Callable[Concatenate[HttpRequest, P], HttpResponse]) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
        @wraps(view)
        def strict(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if unknown := sorted(set(request.POST) - {*names, "csrfmiddlewaretoken", PROOF_FIELD, FIELD}):
                raise BadRequest(f"This form has no field “{unknown[0][:40]}”.")
            return view(request, *args, **kwargs)

        strict.takes = names  # type: ignore[attr-defined]
        return strict  # type: ignore[return-value]

    return around


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
