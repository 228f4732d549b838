"""`manage.py bench NAME|all [--json FILE] [--pairs N]`: performance bars, each a ratio to a reference measured in the same run."""

import json
import signal
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from supportdesk.bench.bars import MEASURES, measured, report
from supportdesk.bench.harness import LEAST_PAIRS, Result


class Command(BaseCommand):
    """Every bar starts its own servers and databases on this machine and leaves none; exit 1 when one is missed."""

    help = "Measure performance bars as ratios against a reference."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """The bar or `all`, --pairs, --json."""
        parser.add_argument("name", choices=[*MEASURES, "all"])
        parser.add_argument("--pairs", type=int, default=7, help=f"Interleaved pairs, at least {LEAST_PAIRS}.")
        parser.add_argument("--json", default="", help="Write every number there, too.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Measure, print as it goes, and fail when a bar is missed.

        Raises:
            CommandError: with too few pairs.
        """
        if options["pairs"] < LEAST_PAIRS:
            raise CommandError(f"A median needs at least {LEAST_PAIRS} pairs.")
        # A stopped run takes its servers and databases with it.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        results: list[Result] = []
        for name in MEASURES if options["name"] == "all" else [options["name"]]:
            for result in measured(name, options["pairs"]):
                results.append(result)
                self.stdout.write("\n".join(result.lines()))
                self.stdout.flush()
            if options["json"]:
                Path(options["json"]).write_text(json.dumps(report(results), indent=2) + "\n")
        missed = [result.bar.name for result in results if not result.left_out and not result.holds]
        if left_out := [result.bar.name for result in results if result.left_out]:
            self.stderr.write(f"LEFT OUT, not measured: {', '.join(left_out)}")
        if missed:
            self.stderr.write(f"MISSED: {', '.join(missed)}")
            raise SystemExit(1)
