"""Writes docs/permissions.md from the permission table."""

from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandParser

from supportdesk.core.permission_page import page


class Command(BaseCommand):
    """Write the page, or with --check say whether it is stale."""

    help = "Write docs/permissions.md from the permission table; --check: exit 1 when the page is stale."

    def add_arguments(self, parser: CommandParser) -> None:
        """--check."""
        parser.add_argument("--check", action="store_true", help="Write nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write, or compare."""
        path = settings.BASE_DIR / "docs" / "permissions.md"
        if not options["check"]:
            path.write_text(page(), encoding="utf-8")
        elif path.read_text(encoding="utf-8") != page():
            self.stdout.write("docs/permissions.md is stale: run manage.py permissions_page")
            raise SystemExit(1)
