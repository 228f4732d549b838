"""`manage.py bench NAME|all [--json FILE]`: performance bars, each the ratio of ours to a reference measured in the same run.

A ratio stands still where seconds do not: both sides run in turn on the same machine and database, and the median of the pairs counts.
"""

import json
import platform
import sqlite3
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction

from supportdesk.core import jobs
from supportdesk.core.models import Job, Tenant
from supportdesk.core.tenancy import acting_for

LEAST_PAIRS = 5
JOBS = 300


@dataclass(frozen=True)
class Bar:
    """One promise: `ours` against `reference`, each a function that does `size` units of work; ours/reference in units a second."""

    name: str
    promise: str
    least: float
    size: int
    ours: Callable[[int], None]
    reference: Callable[[int], None]


@dataclass(frozen=True)
class Result:
    """What one bar came to: rates in units a second, medians of the pairs, and the median of their ratios."""

    name: str
    promise: str
    least: float
    ratio: float
    ours: float
    reference: float
    pairs: list[tuple[float, float]]

    @property
    def holds(self) -> bool:
        """Whether the bar is reached."""
        return self.ratio >= self.least


class Command(BaseCommand):
    """Measures on a database of its own, made for the run and dropped after it; exit 1 when a bar is missed."""

    help = "Measure performance bars as ratios against a reference."

    def add_arguments(self, parser: CommandParser) -> None:
        """The bar or `all`, --pairs, --json."""
        parser.add_argument("name", choices=[*BARS, "all"])
        parser.add_argument("--pairs", type=int, default=7, help=f"Interleaved pairs, at least {LEAST_PAIRS}.")
        parser.add_argument("--json", default="", help="Write the numbers here, too.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Measure, print, and fail when a bar is missed.

        Raises:
            CommandError: on PostgreSQL, or with too few pairs.
        """
        if settings.ON_POSTGRES:
            raise CommandError("These bars measure the embedded default: unset DATABASE_URL.")
        if options["pairs"] < LEAST_PAIRS:
            raise CommandError(f"A median needs at least {LEAST_PAIRS} pairs.")
        chosen = list(BARS.values()) if options["name"] == "all" else [BARS[options["name"]]]
        ordinary = str(connection.settings_dict["NAME"])
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        try:
            results = [measure(bar, options["pairs"]) for bar in chosen]
        finally:
            connection.creation.destroy_test_db(ordinary, verbosity=0)
        for result in results:
            self.stdout.write(
                f"{result.name}: {result.ratio:.3f} of the reference (bar {result.least}: {'holds' if result.holds else 'MISSED'}) — "
                f"{result.ours:,.0f} against {result.reference:,.0f} a second, {len(result.pairs)} pairs\n  {result.promise}"
            )
        if options["json"]:
            Path(options["json"]).write_text(json.dumps(_report(results), indent=2) + "\n")
        if not all(result.holds for result in results):
            raise SystemExit(1)


def measure(bar: Bar, pairs: int) -> Result:
    """Run both sides in turn, the first of each pair alternating, after one pair that does not count."""
    found = []
    for index in range(pairs + 1):
        sides = [bar.ours, bar.reference] if index % 2 else [bar.reference, bar.ours]
        rates = {side: _rate(side, bar.size) for side in sides}
        if index:
            found.append((rates[bar.ours], rates[bar.reference]))
    return Result(
        name=bar.name,
        promise=bar.promise,
        least=bar.least,
        ratio=median(ours / reference for ours, reference in found),
        ours=median(ours for ours, _reference in found),
        reference=median(reference for _ours, reference in found),
        pairs=found,
    )


def _rate(side: Callable[[int], None], size: int) -> float:
    began = time.perf_counter()
    side(size)
    return size / (time.perf_counter() - began)


def _report(results: list[Result]) -> dict[str, Any]:
    about = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version, "machine": platform.machine()}
    return {"about": about, "bars": [{**asdict(result), "holds": result.holds} for result in results]}


def nothing() -> None:
    """The job of the bar: all that is measured is the queue around it."""


def queue_jobs(size: int) -> None:
    """Ours: enqueue, claim by lease, run and settle `size` jobs, one transaction each."""
    jobs.register("bench.nothing", f"{__name__}.nothing")
    tenant, _made = Tenant.objects.get_or_create(slug="bench", defaults={"name": "Bench"})
    with acting_for(tenant):
        for _ in range(size):
            with transaction.atomic():
                jobs.enqueue("bench.nothing")
    done = jobs.run_due(size)
    _all_done(done, size)


def bare_jobs(size: int) -> None:
    """The reference: the same rows through the least SQL that can do it, with the same transactions and no queue."""
    tenant, _made = Tenant.objects.get_or_create(slug="bench", defaults={"name": "Bench"})
    with connection.cursor() as cursor:
        for _ in range(size):
            with transaction.atomic():
                cursor.execute(
                    "INSERT INTO core_job (tenant_id, name, args, dedupe, state, attempts, max_attempts, lease_owner, last_error)"
                    " VALUES (%s, 'bench.nothing', '{}', '', 'queued', 0, 5, '', '')",
                    [tenant.pk],
                )
        done = 0
        while True:
            with transaction.atomic():
                cursor.execute("SELECT id FROM core_job WHERE state = 'queued' ORDER BY run_at, id LIMIT 1")
                row = cursor.fetchone()
                if row is None:
                    break
                cursor.execute("UPDATE core_job SET state = 'running', attempts = attempts + 1 WHERE id = %s AND state = 'queued'", row)
            nothing()
            with transaction.atomic():
                cursor.execute("UPDATE core_job SET state = 'done' WHERE id = %s AND state = 'running'", row)
            done += 1
    _all_done(done, size)


def _all_done(done: int, size: int) -> None:
    """A side that did not do its work must not win.

    Raises:
        CommandError: when jobs were left or lost.
    """
    left = Job.objects.exclude(state=Job.State.DONE).count()
    if done != size or left:
        raise CommandError(f"{done} of {size} jobs were done, {left} are left: this measures nothing.")
    Job.objects.all().delete()


BARS: dict[str, Bar] = {
    bar.name: bar
    for bar in (
        Bar(
            name="jobs",
            promise="Leases, turns among tenants and settling keep at least a twenty-fifth of the rate of a bare claim loop in SQL.",
            least=0.04,
            size=JOBS,
            ours=queue_jobs,
            reference=bare_jobs,
        ),
    )
}
