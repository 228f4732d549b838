"""Why the agent did what it did: a drawer beside the message, and the whole trace on a page."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from agents.runtime.models import AgentRun
from supportdesk.console.asking import found_ticket, member_of
from supportdesk.console.thread import page_position
from supportdesk.console.tracing import Trace, trace_of
from supportdesk.core.models import Event
from supportdesk.core.permissions import allowed
from tickets.models import Author, Message


@require_GET
@never_cache
@allowed("trace.see")
def why(request: HttpRequest, number: int, run_id: int) -> HttpResponse:
    """The drawer: what it read, looked up, wanted and checked."""
    return render(request, "console/_why.html", {"trace": _found(request, number, run_id)})


@require_GET
@never_cache
@allowed("trace.see")
def trace(request: HttpRequest, number: int, run_id: int) -> HttpResponse:
    """The whole run, step by step, with the versions it ran under."""
    told = _found(request, number, run_id)
    run = told.run
    asked = Message.objects.filter(ticket=run.ticket, author=Author.CUSTOMER, created_at__lte=run.started_at).order_by("-seq").first()
    recorded = Event.objects.filter(tenant_id=run.tenant_id, ticket_id=run.ticket_id, subject__run=str(run.pk)).order_by("-id").first()
    context = {"trace": told, "ticket": run.ticket, "asked": asked, "recorded": recorded, "position": page_position(member_of(request))}
    return render(request, "console/trace.html", context)


def _found(request: HttpRequest, number: int, run_id: int) -> Trace:
    ticket = found_ticket(request, number)
    versions = ("release__prompt_version", "release__policy_version", "release__snapshot", "message")
    run = AgentRun.objects.filter(ticket=ticket, pk=run_id).of_open_agents(member_of(request)).select_related(*versions).first()
    if run is None:
        raise Http404("There is no such run.")
    run.ticket = ticket
    return trace_of(run)
