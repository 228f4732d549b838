"""Which channel or brand an address means, and who knocks: the doors of the customer's pages."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from supportdesk.core.clients import client_network
from supportdesk.core.models import Brand, Tenant
from supportdesk.core.shared import counted
from supportdesk.core.suspension import Suspended, must_be_active
from supportdesk.core.tenancy import acting_for
from tickets.models import Channel

P = ParamSpec("P")
SESSIONS_A_MINUTE = 30
CLOSED_SECONDS = 600


def chat_channel(tenant_slug: str, key: str) -> Channel | None:
    """The open chat channel at this address, with its brand and tenant; None for unknown and inactive ones.

    Raises:
        Suspended: the workspace is.
    """
    tenant = Tenant.objects.filter(slug=tenant_slug).first()
    if tenant is None:
        return None
    must_be_active(tenant)
    with acting_for(tenant):
        channel: Channel | None = (
            Channel.objects.select_related("brand", "tenant").filter(key=key, kind=Channel.Kind.CHAT, is_active=True).first()
        )
    return channel


def at_channel(view: Callable[[HttpRequest, Channel], HttpResponse]) -> Callable[[HttpRequest, str, str], HttpResponse]:
    """Let a view run at an open chat channel, acting for its tenant; 404 for every other address."""

    @wraps(view)
    def at(request: HttpRequest, tenant: str, channel: str) -> HttpResponse:
        try:
            found = chat_channel(tenant, channel)
            if found is None:
                raise Http404
            with acting_for(found.tenant):
                return view(request, found)
        except Suspended:
            return closed_for_now(request)

    return at


def at_brand(view: Callable[Concatenate[HttpRequest, Brand, P], HttpResponse]) -> Callable[..., HttpResponse]:
    """Let a view run in a brand's help centre, acting for its tenant; 404 for every other address."""

    @wraps(view)
    def at(request: HttpRequest, tenant: str, brand: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        owner = Tenant.objects.filter(slug=tenant).first()
        if owner is None:
            raise Http404
        if not owner.is_active:
            return closed_for_now(request)
        with acting_for(owner):
            found = Brand.objects.select_related("tenant").filter(key=brand).first()
            if found is None:
                raise Http404
            return view(request, found, *args, **kwargs)

    return at


def closed_words() -> str:
    """What customers of a suspended workspace are told; not why."""
    return _("We cannot answer here at the moment. What you wrote before is kept. Please come back later.")


def closed_for_now(request: HttpRequest) -> HttpResponse:
    """503 with a calm page, or with JSON for the page's own requests; the same for every address of a suspended workspace."""
    answer: HttpResponse
    if request.method != "GET" or request.headers.get("Authorization"):
        answer = JsonResponse({"error": {"code": "closed", "message": closed_words()}}, status=503)
    else:
        answer = render(request, "chat/closed.html", {"said": closed_words()}, status=503)
    answer["Retry-After"], answer["Cache-Control"] = str(CLOSED_SECONDS), "no-store"
    return answer


def is_flooding(request: HttpRequest, channel: Channel) -> bool:
    """Whether this visitor opened more sessions at the workspace within the minute than anybody needs; counts this one."""
    return counted(channel.tenant_id, "chat-sessions", client_network(request), int(time.time() // 60), seconds=120) > SESSIONS_A_MINUTE
