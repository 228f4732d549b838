"""The first floor: customers, channels, queues, tickets, messages."""

from django.apps import AppConfig


class TicketsConfig(AppConfig):
    """Who writes, where, and what becomes of it."""

    name = "tickets"

    def ready(self) -> None:
        """Name the jobs of this app, and how the tail learns where tickets are."""
        from supportdesk.core.jobs import register
        from supportdesk.core.tail import locate_with
        from tickets.sight import places_of

        locate_with(places_of)
        register("tickets.send_code", "tickets.identity.send_code")
