"""`manage.py rotate_secrets [--check]`: seal every stored secret again with the newest key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from supportdesk.core.rotation import BATCH, left_over, rotate


class Command(BaseCommand):
    """Seal every stored secret again with the newest of SEALING_KEYS; safe while the desk works."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """`--check` only counts; `--batch` rows are read at a time."""
        parser.add_argument("--check", action="store_true", help="only say how many secrets still need an older key; exit 1 if any")
        parser.add_argument("--batch", type=int, default=BATCH)

    def handle(self, *args: Any, check: bool = False, batch: int = BATCH, **options: Any) -> None:
        """Rotate, then say what is left."""
        if not check:
            for told in rotate(batch=max(1, batch)):
                self.stdout.write(f"{told.column}: {told.resealed} sealed again, {told.closed} do not open and must be entered anew")
        left = left_over()
        for told in left:
            self.stdout.write(f"{told.column}: {told.left} still need an older key")
        if total := sum(told.left for told in left):
            raise CommandError(f"{total} secrets still need an older key: keep it in SEALING_KEYS.")
        self.stdout.write("Every secret is sealed with the newest key; older ones may go.")
