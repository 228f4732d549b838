"""`manage.py verify_audit`: follows the event chain of each workspace, or of an exported file, and names a broken row."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from supportdesk.core.events import broken_links, stamp
from supportdesk.core.exported import broken_lines
from supportdesk.core.heads import missed_heads
from supportdesk.core.models import Tenant


class Command(BaseCommand):
    """Exit 1 when any chain does not hold."""

    help = "Verify the event chain of each workspace and its exported heads; with --file, an exported trail, without the database."

    def add_arguments(self, parser: CommandParser) -> None:
        """--file for an export."""
        parser.add_argument("--file", help="An exported trail (JSONL).")

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify."""
        if not (self._file(options["file"]) if options["file"] else self._chains()):
            raise SystemExit(1)

    def _chains(self) -> bool:
        """Stamp what waits, then follow every chain."""
        while stamp():
            pass
        broken = 0
        for tenant in Tenant.objects.order_by("slug"):
            said = [*broken_links(tenant), *missed_heads(tenant)]
            broken += len(said)
            for line in said or ["holds"]:
                self.stdout.write(f"{tenant.slug}: {line}")
        return not broken

    def _file(self, name: str) -> bool:
        try:
            with Path(name).open(encoding="utf-8", errors="replace") as file:
                count, said = broken_lines(file)
        except OSError as error:
            raise CommandError(f"{name}: {error.strerror}") from error
        for line in said or [f"{count} event{'' if count == 1 else 's'}, holds"]:
            self.stdout.write(f"{name}: {line}")
        return not said
