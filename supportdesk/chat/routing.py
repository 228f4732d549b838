"""The chat page's socket."""

from django.urls import path

from supportdesk.chat.consumers import ChatConsumer

websocket_urlpatterns = [path("ws/chat/<slug:tenant>/<slug:channel>/", ChatConsumer.as_asgi())]
