"""The first floor: customers, channels, queues, tickets, messages."""

from django.apps import AppConfig


class TicketsConfig(AppConfig):
    """Who writes, where, and what becomes of it."""

    name = "tickets"

    def ready(self) -> None:
        """Name the jobs of this app."""
        from supportdesk.core.jobs import register

        register("tickets.send_code", "tickets.identity.send_code")
