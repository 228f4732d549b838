"""The migration that gives every job a tenant: finished jobs of nobody go, one that still waits stops it."""

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

settle = import_module("supportdesk.core.migrations.0004_jobs_have_tenants").settle_jobs_of_nobody


class OldJobs:
    """The table as the migration sees it."""

    def __init__(self, *rows: tuple[int, str, str]) -> None:
        self.rows = list(rows)
        self._chosen: list[tuple[int, str, str]] = []

    def using(self, _alias: str) -> "OldJobs":
        return self

    def filter(self, **which: Any) -> "OldJobs":
        self._chosen = [row for row in self.rows if row[2] in which.get("state__in", (row[2],))]
        return self

    def delete(self) -> None:
        self.rows = [row for row in self.rows if row not in self._chosen]

    def values_list(self, *_names: str) -> "OldJobs":
        return self

    def first(self) -> tuple[int, str] | None:
        return self.rows[0][:2] if self.rows else None


def run(table: OldJobs) -> None:
    settle(
        SimpleNamespace(get_model=lambda *_a: SimpleNamespace(objects=table)), SimpleNamespace(connection=SimpleNamespace(alias="default"))
    )


def test_finished_jobs_of_nobody_go() -> None:
    table = OldJobs((1, "x", "done"), (2, "y", "dead"))
    run(table)
    assert table.rows == []


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_job_of_nobody_that_is_not_finished_stops_the_migration(state: str) -> None:
    with pytest.raises(RuntimeError, match="Job 3"):
        run(OldJobs((1, "x", "done"), (3, "z", state)))
