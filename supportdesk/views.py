"""The pages that belong to no surface: the front door, the health answer, the one file-serving view."""

from django.conf import settings
from django.db import connection
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from supportdesk.core.permissions import allowed
from tickets.models import Attachment, Ticket


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The front door: the demo's tour where there is one, else the console."""
    return redirect("demo:tour" if settings.DEMO else "console:queue")


@require_GET
def health(request: HttpRequest) -> JsonResponse:
    """Says ok when the database answers; 500 otherwise."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})


@require_GET
@allowed("file.see")
def attachment(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """One file of a ticket the teammate may see, as a download that cannot run anything; else 404."""
    member = request.membership  # type: ignore[attr-defined]
    found = Attachment.objects.filter(public_id=public_id, ticket__in=Ticket.objects.visible_to(member)).first()
    if found is None:
        raise Http404
    try:
        content = found.opened()
    except FileNotFoundError as error:
        raise Http404 from error
    response = FileResponse(content, as_attachment=True, filename=found.name, content_type=found.content_type)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cache-Control"] = "private, no-store"
    return response
