"""The customer's chat page and help centre."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    """Templates and views; no models."""

    name = "supportdesk.chat"
    label = "chat"
