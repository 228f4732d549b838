"""`manage.py seed_demo`: builds the demo workspace, or brings it up to date."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from supportdesk.demo.workspace import build, norrholt, twin


class Command(BaseCommand):
    """Harmless when run again."""

    help = "Build the demo workspace."

    def add_arguments(self, parser: CommandParser) -> None:
        """--twin URL."""
        parser.add_argument("--twin", default="", metavar="SHOP_URL", help="Build the second, equal workspace, whose shop is there.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Build it."""
        build(twin(options["twin"]) if options["twin"] else norrholt())
