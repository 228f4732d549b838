"""`manage.py check_invariants`: the eight invariants; exit 1 and the offending rows when one fails."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from agents.runtime.invariants import CHECKS


class Command(BaseCommand):
    """One line per invariant, then what breaks it."""

    help = "Check the eight invariants over all rows."

    def add_arguments(self, parser: CommandParser) -> None:
        """--json FILE."""
        parser.add_argument("--json", help="Write the findings there.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check all, even after one failed."""
        found = {}
        for name, check in CHECKS.items():
            said = list(check())
            found[name] = [finding.text for finding in said if not finding.is_note]
            self.stdout.write(f"{name} {(check.__doc__ or '').partition(':')[2].strip().rstrip('.')}: {len(found[name]) or 'holds'}")
            for finding in said:
                self.stdout.write(f"   {'(note) ' if finding.is_note else ''}{finding.text}")
        if options["json"]:
            with open(options["json"], "w", encoding="utf-8") as out:
                json.dump(found, out, indent=1)
        if any(found.values()):
            raise SystemExit(1)
