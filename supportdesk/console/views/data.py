"""How long data stays: schedules, originals, holds, and the erasures and exports under way."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from supportdesk.console.asking import member_of, takes
from supportdesk.core.permissions import allowed
from supportdesk.lifecycle import originals
from supportdesk.lifecycle.models import CustomerExport, Data, Erasure, LegalHold
from supportdesk.lifecycle.schedules import schedules, set_schedule
from tickets.errors import Refusal
from tickets.models import Ticket

SHOWN = 30
# What each schedule means, for whoever sets it.
HINTS = {
    Data.TICKETS: "After they were resolved. Messages, files and traces go; number, times and sums stay.",
    Data.TRACES: "Of resolved tickets: why the agent did what it did. What it did stays in the audit trail.",
    Data.FILES: "Of resolved tickets.",
    Data.SESSIONS: "After they ended.",
    Data.VISITORS: "After their last word, once all their tickets are resolved.",
    Data.REQUESTS: "Kept so that a request that is repeated is done once.",
    Data.JOBS: "Those that failed stay until somebody looks at them.",
    Data.PRESENCE: "Who is typing, what the agent is at.",
}


@require_GET
@never_cache
@allowed("retention.edit")
def page(request: HttpRequest) -> HttpResponse:
    """The page."""
    return _page(request)


@require_POST
@allowed("retention.edit")
@takes("schedule", "days", "on")
def schedule(request: HttpRequest) -> HttpResponse:
    """Choose how long one kind of data stays."""
    kind, typed = request.POST.get("schedule", ""), request.POST.get("days", "")
    days = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 6 else 0
    try:
        set_schedule(kind=kind, days=days, is_on=request.POST.get("on") == "yes", by=member_of(request))
    except Refusal as refusal:
        return _page(request, status=422, faults={kind: str(refusal)})
    messages.success(request, f"{Data(kind).label}: saved.")
    return redirect("console:data")


@require_POST
@allowed("retention.edit")
@takes("on")
def keep_originals(request: HttpRequest) -> HttpResponse:
    """Keep originals of masked messages from now on, or no longer."""
    originals.choose(keeps=request.POST.get("on") == "yes", by=member_of(request))
    messages.success(request, "Saved.")
    return redirect("console:data")


def _page(request: HttpRequest, *, status: int = 200, faults: dict[str, str] | None = None) -> HttpResponse:
    now, member = timezone.now(), member_of(request)
    chosen = schedules()
    hidden = Ticket.objects.hidden_from(member)
    holds = (
        LegalHold.objects.standing()
        .exclude(ticket__in=hidden)
        .exclude(customer__tickets__in=hidden)
        .select_related("customer", "ticket", "placed_by__user")
    )
    asked = Erasure.objects.exclude(asked_by=None).exclude(customer__tickets__in=hidden).select_related("customer", "asked_by__user")
    context = {
        "rows": [(kind, Data(kind).label, HINTS[Data(kind)], *chosen[kind], (faults or {}).get(kind, "")) for kind in Data.values],
        "keeps_originals": originals.keeps_originals(),
        "holds": list(holds.order_by("-placed_at")[:SHOWN]),
        "erasures": [(each, each.state == Erasure.State.WAITING and each.due_at < now) for each in asked.order_by("-asked_at")[:SHOWN]],
        "exports": list(CustomerExport.objects.filter(asked_by=member).select_related("customer").order_by("-asked_at")[:SHOWN]),
    }
    return render(request, "console/data.html", context, status=status)
