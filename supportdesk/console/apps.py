"""The teammates' screens."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """Templates and views; no models."""

    name = "supportdesk.console"
    label = "console"
