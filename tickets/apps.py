"""The first floor: customers, channels, queues, tickets, messages."""

from django.apps import AppConfig


class TicketsConfig(AppConfig):
    """Who writes, where, and what becomes of it."""

    name = "tickets"

    def ready(self) -> None:
        """Name the jobs of this app, how the tail learns where tickets are, and the ground which are hidden."""
        from supportdesk.core.jobs import register
        from supportdesk.core.sight import hide_with
        from supportdesk.core.tail import locate_with
        from tickets.sight import hidden_ids, places_of

        locate_with(places_of)
        hide_with(hidden_ids)
        register("tickets.send_code", "tickets.identity.send_code")
