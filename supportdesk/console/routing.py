"""The teammates' socket."""

from typing import Any

from django.urls import path

from supportdesk.console.live import ConsoleSocket

consumer: Any = ConsoleSocket.as_asgi()
websocket_urlpatterns = [path("ws/console/", consumer, name="console-socket")]
