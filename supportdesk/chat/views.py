"""The chat page, a session for it, and the thread it shows."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from supportdesk.chat.places import at_channel, is_flooding
from supportdesk.chat.thread import answerer, thread_of
from supportdesk.core.events import last_position
from supportdesk.core.switches import is_stopped
from tickets.models import Channel
from tickets.receiving import open_session, session_of
from tickets.writing import MAX_BODY, most_characters


@require_GET
@at_channel
def page(request: HttpRequest, channel: Channel) -> HttpResponse:
    """The chat page with its greeting; opens nothing, so a mere visit leaves no rows."""
    context = {
        "channel": channel,
        "brand": channel.brand,
        "answers": answerer(channel.brand, None),
        "agent_is_on": is_stopped() is None,
        "max_body": MAX_BODY,
        "most_characters": most_characters(),
        "suggestions": [
            _("Where is my order?"),
            _("How do returns work?"),
            _("Something is broken"),
            _("Which size fits me?"),
        ],
    }
    return render(request, "chat/page.html", context)


@csrf_exempt  # It reads no cookie: whoever asks gets a new, anonymous session of their own.
@require_POST
@never_cache
@at_channel
def session(request: HttpRequest, channel: Channel) -> HttpResponse:
    """A new anonymous session: JSON {"token"}; 429 when one visitor opens too many."""
    if is_flooding(request, channel):
        message = _("Too many conversations were opened from here. Try again in a minute.")
        return JsonResponse({"error": {"code": "too_many", "message": message}}, status=429, headers={"Retry-After": "60"})
    _session, token = open_session(channel)
    return JsonResponse({"token": token}, status=201)


@require_GET
@never_cache
@at_channel
def thread(request: HttpRequest, channel: Channel) -> HttpResponse:
    """The thread's fragment for the session in the Authorization header: whole, or what came `?after` a seq."""
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    found = session_of(channel, token) if scheme == "Chat" else None
    if found is None:
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Chat"})
    after = request.GET.get("after", "0")
    if not (after.isascii() and after.isdigit() and len(after) < 10):
        return HttpResponse(status=400)
    # Read before the thread: what happens in between is told again, never lost.
    position = last_position(channel.tenant)
    response = render(request, "chat/_thread.html", {"thread": thread_of(found, int(after)), "position": position})
    response["X-Position"] = str(position)
    response["Vary"] = "Authorization, Accept-Language"
    return response
