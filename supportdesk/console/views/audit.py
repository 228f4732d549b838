"""The audit trail: its pages, one event, one thing's whole story, and the file."""

from typing import Any, cast

from django.core.handlers.asgi import ASGIRequest
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from supportdesk.console.asking import member_of, takes
from supportdesk.console.audit import trail as trails
from supportdesk.console.audit.diffs import changes_of
from supportdesk.console.audit.export import FORMATS, Export
from supportdesk.console.audit.incident import KINDS, story_of
from supportdesk.console.audit.sentences import groups
from supportdesk.core.events import record, teammate
from supportdesk.core.models import Membership
from supportdesk.core.permissions import allowed


@require_GET
@never_cache
@allowed("audit.see")
def trail(request: HttpRequest) -> HttpResponse:
    """Who did what, newest first, as far as it is asked for."""
    member, filters = member_of(request), trails.Filters.of(request.GET)
    context = {
        "filters": filters,
        "page": trails.page_of(member, filters, request.GET.get("after", "")),
        "actors": trails.ACTORS.items(),
        "people": Membership.objects.filter(tenant_id=member.tenant_id).select_related("user").order_by("user__name"),
        "groups": groups(),
        "is_first": not request.GET.get("after"),
    }
    return render(request, "console/audit.html", context)


@require_GET
@never_cache
@allowed("audit.see")
def event(request: HttpRequest, event_id: int) -> HttpResponse:
    """One event: what it changed, field by field, and its place in the chain."""
    member = member_of(request)
    found = trails.seen_by(member).filter(pk=event_id).first()
    if found is None:
        raise Http404("There is no such event here.")
    (line,) = trails.told([found], member)
    return render(request, "console/audit_event.html", {"line": line, "event": found, "changes": changes_of(found)})


@require_GET
@never_cache
@allowed("audit.see")
def incident(request: HttpRequest) -> HttpResponse:
    """Everything about one ticket, customer, teammate or release, on one line of time; as a page or as JSON."""
    asked = request.GET.get("about", "").replace("\x00", "")[:40]
    story = story_of(asked, member_of(request)) if asked else None
    if asked and story is None:
        raise Http404("There is nothing like that here.")
    if story is not None and request.GET.get("as") == "json":
        told = {
            "about": story.about,
            "cut": story.is_cut,
            "in_force": story.in_force,
            "entries": [each.as_json() for each in story.entries],
        }
        answer = JsonResponse(told, json_dumps_params={"indent": 1, "ensure_ascii": False})
        answer["Content-Disposition"] = f'attachment; filename="{story.about.replace(":", "-")}.json"'
        return answer
    return render(request, "console/incident.html", {"story": story, "kinds": KINDS})


@require_POST
@never_cache
@allowed("audit.export")
@takes("format", "who", "what", "about", "since", "until")
def export(request: HttpRequest) -> HttpResponse:
    """The trail as a file, as far as it is asked for; that it was taken is an event itself."""
    member, filters = member_of(request), trails.Filters.of(request.POST)
    chosen = request.POST.get("format", "jsonl")
    if chosen not in FORMATS:
        raise Http404("There is no such kind of file.")
    if filters.about and not trails.matching(member, filters).exists():
        raise Http404("Nothing of that is in the trail.")
    with transaction.atomic():
        record("audit.exported", by=teammate(member), member=member.pk, changed={"format": chosen, **filters.chosen()})
    file = Export(request.session, member, filters, chosen)
    # Given an iterator of the other kind, Django would read the whole file before the first byte goes out.
    taken: Any = file.on_loop() if isinstance(request, ASGIRequest) else file.in_thread()
    answer = StreamingHttpResponse(taken, content_type=FORMATS[chosen])
    name = f"audit-{member.tenant.slug}-{timezone.now():%Y%m%d-%H%M}.{chosen}"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["X-Accel-Buffering"] = "no"
    return cast(HttpResponse, answer)
