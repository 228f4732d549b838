"""Which channel or brand an address means, and who knocks: the doors of the customer's pages."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import Http404, HttpRequest, HttpResponse

from supportdesk.core.clients import client_network
from supportdesk.core.models import Brand, Tenant
from supportdesk.core.shared import counted
from supportdesk.core.tenancy import acting_for
from tickets.models import Channel

P = ParamSpec("P")
SESSIONS_A_MINUTE = 30


def chat_channel(tenant_slug: str, key: str) -> Channel | None:
    """The open chat channel at this address, with its brand and tenant; None for unknown and inactive ones."""
    tenant = Tenant.objects.filter(slug=tenant_slug, is_active=True).first()
    if tenant is None:
        return None
    with acting_for(tenant):
        channel: Channel | None = (
            Channel.objects.select_related("brand", "tenant").filter(key=key, kind=Channel.Kind.CHAT, is_active=True).first()
        )
    return channel


def at_channel(view: Callable[[HttpRequest, Channel], HttpResponse]) -> Callable[[HttpRequest, str, str], HttpResponse]:
    """Let a view run at an open chat channel, acting for its tenant; 404 for every other address."""

    @wraps(view)
    def at(request: HttpRequest, tenant: str, channel: str) -> HttpResponse:
        found = chat_channel(tenant, channel)
        if found is None:
            raise Http404
        with acting_for(found.tenant):
            return view(request, found)

    return at


def at_brand(view: Callable[Concatenate[HttpRequest, Brand, P], HttpResponse]) -> Callable[..., HttpResponse]:
    """Let a view run in a brand's help centre, acting for its tenant; 404 for every other address."""

    @wraps(view)
    def at(request: HttpRequest, tenant: str, brand: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        owner = Tenant.objects.filter(slug=tenant, is_active=True).first()
        if owner is None:
            raise Http404
        with acting_for(owner):
            found = Brand.objects.select_related("tenant").filter(key=brand).first()
            if found is None:
                raise Http404
            return view(request, found, *args, **kwargs)

    return at


def is_flooding(request: HttpRequest, channel: Channel) -> bool:
    """Whether this visitor opened more sessions at the workspace within the minute than anybody needs; counts this one."""
    return counted(channel.tenant_id, "chat-sessions", client_network(request), int(time.time() // 60), seconds=120) > SESSIONS_A_MINUTE
