"""What all sockets share."""

from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
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
