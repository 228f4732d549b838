"""A page acts in the workspace it was shown for, or not at all.

Ticket numbers begin at 1 in every workspace. Who works in two and switches in one tab still has pages of the first in others; a form of
those would act on the ticket of the same number in the second. So each page carries the membership it was made for: forms as a hidden
field, scripts as a header. Another one than the request's is refused, and from somebody who works in several places a missing one, too.
"""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from supportdesk.core.models import Membership

FIELD, HEADER = "as-member", "X-As-Member"
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
# They say themselves where they lead, and do nothing in a workspace.
ANYWHERE = frozenset({"console:switch_workspace", "console:sign_out", "console:sign_in", "admin:logout"})


class SamePageMiddleware:
    """Refuses what a page of another workspace asks for; stands below the membership."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Run the rest of the request."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Answer 409 instead of the view when the page was made for another membership."""
        member: Membership | None = getattr(request, "membership", None)
        name = request.resolver_match.view_name if request.resolver_match else ""
        # What reads no session needs no page either: customers' chat, and programs.
        if member is None or name in ANYWHERE or getattr(view, "csrf_exempt", False):
            return None
        return None if is_of_page(request, member) else refused(request)


def is_of_page(request: HttpRequest, member: Membership) -> bool:
    """Whether the request comes from a page that was made for this membership."""
    named = {request.headers[HEADER]} if HEADER in request.headers else set()
    if request.method not in SAFE:
        named |= set(request.POST.getlist(FIELD))
        if not named:
            return Membership.objects.filter(user=member.user_id, is_active=True, tenant__is_active=True).count() < 2
    return named <= {str(member.pk)}


def refused(request: HttpRequest) -> HttpResponse:
    """409: nothing was done, and why."""
    answer = render(request, "409.html", {"member": request.membership}, status=409)  # type: ignore[attr-defined]
    # htmx would put it where the page's own answer belongs.
    answer["HX-Retarget"], answer["HX-Reswap"] = "body", "innerHTML"
    return answer
