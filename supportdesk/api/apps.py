"""The API: what integrators' programs call."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """One version, under /api/v1/."""

    name = "supportdesk.api"

    def ready(self) -> None:
        """Let the document know how a key is sent."""
        from supportdesk.api import schema  # noqa: F401
