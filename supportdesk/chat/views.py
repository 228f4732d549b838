"""The chat page, a session for it, signing in and leaving, and the thread it shows."""

import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from supportdesk.chat.places import at_channel, is_flooding
from supportdesk.chat.thread import answerer, thread_of
from supportdesk.core.events import last_position
from supportdesk.core.switches import is_stopped
from tickets import access
from tickets.errors import NotSigned
from tickets.models import Channel, ChatSession
from tickets.receiving import open_session, session_of
from tickets.writing import MAX_BODY, most_characters

HANDOFF = "chat_handoff"
MAX_REQUEST = 8 * 1024


@require_GET
@at_channel
def page(request: HttpRequest, channel: Channel) -> HttpResponse:
    """The chat page with its greeting; opens nothing, so a mere visit leaves no rows."""
    context = {
        "channel": channel,
        "brand": channel.brand,
        "answers": answerer(channel.brand, None),
        "agent_is_on": is_stopped() is None,
        "has_handoff": bool(request.COOKIES.get(HANDOFF)),
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


# What a cookie could do here: a handoff's opens one session within a minute, and other sites' requests do not carry it.
@csrf_exempt
@require_POST
@never_cache
@at_channel
def session(request: HttpRequest, channel: Channel) -> HttpResponse:
    """A session: JSON {"token"}; anonymous, or of whom the host site signed. 403 for a signature that is none, 429 for too many."""
    if is_flooding(request, channel):
        message = _("Too many conversations were opened from here. Try again in a minute.")
        return JsonResponse({"error": {"code": "too_many", "message": message}}, status=429, headers={"Retry-After": "60"})
    asked, previous = _asked(request), _session_of(request, channel)
    try:
        if "identity" in asked:
            _found, token = access.sign_in(channel=channel, signed_text=asked["identity"], previous=previous)
        elif asked.get("handoff") is True:
            _found, token = access.take_handoff(channel=channel, code=request.COOKIES.get(HANDOFF, ""), previous=previous)
        else:
            _found, token = open_session(channel)
    except NotSigned as refusal:
        answer = JsonResponse({"error": {"code": refusal.code, "message": str(refusal)}}, status=403)
    else:
        answer = JsonResponse({"token": token or _token(request)}, status=201)
    if "handoff" in asked:
        answer.delete_cookie(HANDOFF, path=_folder(request, "session/"))
    return answer


@csrf_exempt  # It reads no cookie: the form carries what the host site signed.
@require_POST
@never_cache
@at_channel
def signed(request: HttpRequest, channel: Channel) -> HttpResponse:
    """Take a form the host site posts, and show the chat to whom it signed; the token itself never reaches an address."""
    try:
        if is_flooding(request, channel):
            raise access.not_signed()
        text = request.POST.get("identity", "") if int(request.META.get("CONTENT_LENGTH") or 0) <= MAX_REQUEST else ""
        code = access.hand_off(channel=channel, signed_text=text, origin=request.headers.get("Origin", ""))
    except NotSigned as refusal:
        return render(request, "chat/not_signed.html", {"channel": channel, "brand": channel.brand, "said": str(refusal)}, status=403)
    answer = redirect("chat:page", channel.tenant.slug, channel.key)
    answer.status_code = 303
    answer.set_cookie(
        HANDOFF,
        code,
        max_age=access.HANDOFF_SECONDS,
        path=_folder(request, "signed/"),
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return answer


@csrf_exempt  # It reads no cookie: who shows the token may end it.
@require_POST
@never_cache
@at_channel
def leave(request: HttpRequest, channel: Channel) -> HttpResponse:
    """End the session in the Authorization header; the answer is the same when there is none."""
    found = _session_of(request, channel)
    if found is not None:
        access.leave(found)
    return HttpResponse(status=204)


def _token(request: HttpRequest) -> str:
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme == "Chat" else ""


def _session_of(request: HttpRequest, channel: Channel) -> ChatSession | None:
    return session_of(channel, _token(request))


def _asked(request: HttpRequest) -> dict[str, Any]:
    """The JSON object a request carries; an empty one for anything else."""
    if request.content_type != "application/json" or int(request.META.get("CONTENT_LENGTH") or 0) > MAX_REQUEST:
        return {}
    try:
        asked = json.loads(request.body)
    except (ValueError, RecursionError):
        return {}
    return asked if isinstance(asked, dict) else {}


def _folder(request: HttpRequest, below: str) -> str:
    return request.path.removesuffix(below)


@require_GET
@never_cache
@at_channel
def thread(request: HttpRequest, channel: Channel) -> HttpResponse:
    """The thread's fragment for the session in the Authorization header: whole, or what came `?after` a seq."""
    found = _session_of(request, channel)
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
