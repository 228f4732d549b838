"""`manage.py seed_demo`: builds the demo workspace, or brings it up to date."""

from typing import Any

from django.core.management.base import BaseCommand

from supportdesk.demo.workspace import build


class Command(BaseCommand):
    """Harmless when run again."""

    help = "Build the demo workspace."

    def handle(self, *args: Any, **options: Any) -> None:
        """Build it."""
        build()
