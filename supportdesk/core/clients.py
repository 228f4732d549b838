"""Which address a request comes from: believed as many hops back as there are proxies of ours, and not one more."""

import ipaddress
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest

NOWHERE = "0.0.0.0"  # noqa: S104


def client_address(request: HttpRequest) -> str:
    """The client's address; behind proxies the one the outermost of ours saw. What clients say of themselves does not count."""
    return _seen(request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_X_FORWARDED_FOR", ""))


def client_network(request: HttpRequest) -> str:
    """What tries are counted by: an IPv4 address, or the first address of an IPv6 client's /64."""
    return _network(client_address(request))


def socket_network(scope: Mapping[str, Any]) -> str:
    """The same for whoever opened a socket."""
    headers = dict(scope.get("headers", ()))
    address = (scope.get("client") or ("", 0))[0]
    return _network(_seen(str(address), headers.get(b"x-forwarded-for", b"").decode("latin-1")))


def _seen(address: str, forwarded: str) -> str:
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    if settings.PROXY_COUNT and len(hops) >= settings.PROXY_COUNT:
        address = hops[-settings.PROXY_COUNT]
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return NOWHERE


def _network(address: str) -> str:
    known = ipaddress.ip_address(address)
    # ::ffff:1.2.3.4 is the IPv4 client, not one network with all the others.
    known = getattr(known, "ipv4_mapped", None) or known
    return str(known) if known.version == 4 else str(ipaddress.ip_network(f"{known}/64", strict=False).network_address)
