"""What all sockets share."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.urls import URLPattern, re_path

HINTS = ("news", "presence")


class HintedSocket(AsyncWebsocketConsumer):  # type: ignore[misc]
    """A socket the tail hints to: `news` and `presence` touch no database."""

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Take a hint at once: channels would first send a thread to look after connections, for every page."""
        if message["type"] in HINTS:
            await getattr(self, message["type"])(message)
        else:
            await super().dispatch(message)


Application = Callable[[dict[str, Any], Any, Any], Awaitable[Any]]
PORTS = {"http": 80, "https": 443}


class SameOrigin:
    """Lets in pages of the very host and port a socket is opened at; allowed hosts alone would let in every port of them."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        """Refuse the handshake of any other page."""
        headers = dict(scope.get("headers") or [])
        origin, host = (headers.get(name, b"").decode("latin-1").lower() for name in (b"origin", b"host"))
        is_own = is_same_origin(origin, host) or origin in settings.CSRF_TRUSTED_ORIGINS
        return await (self.application if is_own else WebsocketDenier())(scope, receive, send)


def is_same_origin(origin: str, host: str) -> bool:
    """Whether a page of this origin belongs to the host of the request; a request that names no host is judged by others."""
    try:
        page = urlsplit(origin)
        usual = PORTS.get(page.scheme)
        asked = urlsplit(f"{page.scheme}://{host}" if host else origin)
        return usual is not None and (page.hostname, page.port or usual) == (asked.hostname, asked.port or usual)
    except ValueError:
        return False


class UnknownPath(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Closes a socket on a path nobody serves, instead of an error in the log."""

    async def connect(self) -> None:
        """Refuse."""
        await self.close(4404)

    @classmethod
    def pattern(cls) -> URLPattern:
        """The last route: matches what no other does."""
        consumer: Any = cls.as_asgi()
        last: URLPattern = re_path(r"", consumer)
        return last
