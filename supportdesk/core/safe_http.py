"""The one outbound HTTP door: resolves once, refuses private addresses, pins what it resolved, follows no redirect, caps the answer."""

import ipaddress
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from json import loads
from typing import TYPE_CHECKING, Any

from django.conf import settings

if TYPE_CHECKING:
    import ssl

    import httpx

# The same words for every address inside, so that a refusal tells nothing of what is there.
INSIDE = "This host is not on the public internet."
NO_URL = "This is no URL of the web."
# Ports that other protocols listen on; what is sent there could be read as their commands.
WEB_PORTS = (80, 443)
STORES = frozenset({1433, 1521, 2375, 2376, 2379, 3306, 3389, 5432, 5672, 5900, 6379, 6443, 9200, 10250, 11211, 15672, 27017})
MAX_ANSWER_BYTES = 2 * 1024 * 1024
# Public by their number, inside by their use: protocol assignments and Oracle's metadata, 6to4 relays, Azure's host.
INSIDE_TOO = [ipaddress.ip_network(each) for each in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32")]
UNICAST = ipaddress.ip_network("2000::/3")


class Refused(Exception):
    """The door does not let this address through."""


class NoAnswer(Exception):
    """The request may or may not have taken effect: nothing complete came back."""


class NotSent(NoAnswer):
    """No connection was made, so nothing can have taken effect."""


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers, and the body as bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ValueError: when it is none.
        """
        return loads(self.body)


@cache
def _trusted() -> "ssl.SSLContext":
    """Whom TLS believes; read from disk once."""
    import httpx

    return httpx.create_ssl_context()


def checked_address(url: str) -> "tuple[httpx.URL, str]":
    """The parsed URL and the one address to connect to.

    Raises:
        Refused: for another scheme, user info, or a host any of whose addresses is not public (unless its host:port is listed in
            OUTBOUND_PRIVATE_HOSTS).
        NotSent: when the name does not resolve.
    """
    # Loaded with the first request: a process that sends none starts sooner.
    import httpx

    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise Refused(NO_URL) from error
    if parsed.scheme not in ("http", "https") or parsed.userinfo or not parsed.host:
        raise Refused("Only plain http and https URLs with a host name are allowed.")
    port = parsed.port or (443 if parsed.scheme == "https" else 80)
    is_listed = f"{parsed.host}:{port}" in settings.OUTBOUND_PRIVATE_HOSTS
    if not is_listed and (port > 65535 or port in STORES or (port < 1024 and port not in WEB_PORTS)):
        raise Refused("Use the web's own port, or one above 1023 that no database or mail server has.")
    if parsed.scheme == "http" and settings.PRODUCTION and not is_listed:
        raise Refused("Use https: what is sent over http can be read on the way.")
    try:
        found = {info[4][0] for info in socket.getaddrinfo(parsed.host, port, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError) as error:
        raise NotSent(f"{parsed.host} does not resolve.") from error
    addresses = sorted(str(address) for address in found)
    if not is_listed and not all(_is_public(address) for address in addresses):
        raise Refused(INSIDE)
    # Loopback names resolve to both families; the service usually listens on the older one.
    return parsed, next((address for address in addresses if ":" not in address), addresses[0])


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    # Global unicast only: the other IPv6 ranges, and 6to4, carry IPv4 addresses that would be reached behind the check's back.
    if isinstance(ip, ipaddress.IPv6Address) and (ip not in UNICAST or ip.sixtofour):
        return False
    if any(ip in network for network in INSIDE_TOO):
        return False
    return ip.is_global and not ip.is_multicast


def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    form: Mapping[str, str] | None = None,
    timeout: float = 10.0,
) -> Answer:
    """Send one request through the door, with a body of JSON or of a form; `timeout` in seconds for each phase, three times that for all.

    Raises:
        Refused: the address or a header is not allowed; nothing was sent.
        NotSent: no connection; nothing took effect.
        NoAnswer: sent, and the answer was lost, late, packed or too large.
    """
    import httpx

    from supportdesk.core.timed_http import TimedTransport

    if not all(value.isascii() and value.isprintable() for value in (headers or {}).values()):
        raise Refused("A header holds characters that cannot be sent.")
    ends = time.monotonic() + 3 * timeout
    parsed, address = checked_address(url)
    sent = httpx.Headers(headers)
    sent["Host"] = parsed.netloc.decode()
    sent["Accept-Encoding"] = "identity"
    pinned = parsed.copy_with(host=address)
    try:
        with (
            httpx.Client(
                timeout=timeout, follow_redirects=False, trust_env=False, transport=TimedTransport(verify=_trusted(), ends=ends)
            ) as client,
            client.stream(
                method,
                pinned,
                headers=sent,
                json=json,
                data=form,
                extensions={"sni_hostname": parsed.host},
            ) as response,
        ):
            # Unpacked, a small answer could be a very large one.
            if response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
                raise NoAnswer("The answer is packed, which was not asked for.")
            body = bytearray()
            for chunk in response.iter_raw():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise NoAnswer("The answer is too large.")
                if time.monotonic() > ends:
                    raise NoAnswer("The answer takes too long.")
            return Answer(response.status_code, dict(response.headers), bytes(body))
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise NotSent(f"{parsed.host} does not answer.") from error
    except httpx.HTTPError as error:
        raise NoAnswer(f"{parsed.host} broke off: {type(error).__name__}") from error
