"""How long things stay: retention, legal hold, export and erasure of a customer."""

from django.apps import AppConfig


class LifecycleConfig(AppConfig):
    """How long things stay: retention, legal hold, export and erasure of a customer."""

    name = "supportdesk.lifecycle"
