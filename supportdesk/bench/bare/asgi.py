"""Django over HTTP and one consumer over WebSocket."""

import json
import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "supportdesk.bench.bare.settings")
http = get_asgi_application()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path  # noqa: E402


class Everybody(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Passes on what the group is sent."""

    async def connect(self) -> None:
        """Join."""
        await self.channel_layer.group_add("everybody", self.channel_name)
        await self.accept()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Answer a resume as the product's socket does."""
        await self.send(text_data=json.dumps({"type": "ready", "position": 0}))

    async def news(self, message: dict[str, Any]) -> None:
        """Pass on."""
        await self.send(
            text_data=json.dumps({"type": "changed", "position": message["position"], "ticket_id": message["ticket_id"], "code": "x"})
        )


consumer: Any = Everybody.as_asgi()
application = ProtocolTypeRouter({"http": http, "websocket": URLRouter([path("ws/console/", consumer)])})
