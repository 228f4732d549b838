"""The live queue: the whole page, its list, single rows, counts."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from supportdesk.console import lists
from supportdesk.console.asking import member_of, wants_fragment
from supportdesk.console.lists import Filters
from supportdesk.console.thread import page_position
from supportdesk.console.views.ticket import pane_of
from supportdesk.core.permissions import allowed, may
from tickets.models import Ticket

MAX_ROWS = 200


@require_GET
@never_cache
@allowed("ticket.list")
def queue(request: HttpRequest) -> HttpResponse:
    """The list: a whole page with a preview beside it, or only the list, or only its next rows, when htmx asks."""
    member = member_of(request)
    filters = Filters.of(request.GET, member)
    page = lists.page_of(member, filters, request.GET.get("after", ""))
    context = {"filters": filters, "page": page, "member": member}
    if wants_fragment(request, "more"):
        return _varied(render(request, "console/_more_rows.html", context))
    context |= _around(request, filters)
    if wants_fragment(request, "list"):
        return _varied(render(request, "console/_list.html", context))
    context["position"] = page_position(member)
    opened = request.GET.get("open", "")
    if may(member, "ticket.see") and opened.isascii() and opened.isdigit() and len(opened) < 10:
        ticket = Ticket.objects.visible_to(member).joined().filter(number=int(opened)).first()
        context |= pane_of(request, ticket) if ticket else {}
    return _varied(render(request, "console/queue.html", context))


def _around(request: HttpRequest, filters: Filters) -> dict[str, object]:
    member = member_of(request)
    counts = lists.counts_for(member, filters)
    oldest = None
    if filters.tab == "mine" and not counts["mine"] and counts["unassigned"]:
        oldest = lists.page_of(member, Filters(tab="unassigned", sort="waiting", queue=filters.queue)).tickets[:1]
    searched = lists.tally(Ticket.objects.visible_to(member)) if filters.q else 0
    return {
        "tabs": [(key, name, counts[key]) for key, name in lists.TABS.items()],
        "count": counts[filters.tab],
        "sorts": list(lists.SORTS.items()),
        "statuses": list(lists.STATUSES.items()),
        "handlers": list(lists.HANDLERS.items()),
        "oldest": oldest[0] if oldest else None,
        "searched": searched,
    }


@require_GET
@never_cache
@allowed("ticket.list")
def rows(request: HttpRequest) -> HttpResponse:
    """Single rows by id, as they are now, with the counts; the page swaps them where they stand."""
    member = member_of(request)
    filters = Filters.of(request.GET, member)
    asked = [part for part in request.GET.get("ids", "").split(",") if part.isascii() and part.isdigit() and len(part) < 19]
    ids = [int(part) for part in asked[:MAX_ROWS]]
    counts = lists.counts_for(member, filters)
    context = {"rows": lists.rows_of(member, ids, filters), "filters": filters, "counts": counts, "rail": lists.rail_for(member)}
    return render(request, "console/_rows.html", context)


def _varied(response: HttpResponse) -> HttpResponse:
    # One address, two answers: neither browser nor proxy may show the fragment as the page.
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response
