"""All bars by the name one asks for, and the report of a run."""

import os
import platform
import sqlite3
import subprocess
from collections.abc import Callable
from importlib import metadata
from typing import Any

import psycopg

from supportdesk.bench import ground, jobs, queue, screen, turn, walls, web
from supportdesk.bench.harness import Bar, LeftOut, Result

Measure = Callable[[int], list[Result]]
MEASURES: dict[str, tuple[Measure, tuple[Bar, ...]]] = {
    "turn": (turn.measure, (turn.BAR,)),
    "queue": (queue.measure, (queue.BAR,)),
    "walls": (walls.measure, (walls.QUEUE, walls.API)),
    "web": (web.measure, (web.START, web.MEMORY)),
    "jobs": (jobs.measure, (jobs.BARE,)),
    "jobs_embedded": (jobs.measure_embedded, (jobs.EMBEDDED,)),
    "screen": (screen.measure, (screen.BAR,)),
}
PACKAGES = ("Django", "channels", "daphne", "celery", "redis", "psycopg", "langchain", "langgraph", "websockets")


def measured(name: str, pairs: int) -> list[Result]:
    """What the bars of this name come to; those that cannot be measured here say why."""
    measure, bars = MEASURES[name]
    try:
        return measure(pairs)
    except LeftOut as missing:
        return [Result(bar, [], left_out=str(missing)) for bar in bars]


def report(results: list[Result]) -> dict[str, Any]:
    """The JSON of a run."""
    return {"about": about(), "bars": [result.as_json() for result in results]}


def about() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "commit": _commit(),
        "cores": os.cpu_count(),
        "load_before": list(os.getloadavg()),
        "machine": platform.machine(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "postgres": _postgres(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
    }


def _commit() -> str:
    told = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ground.ROOT, capture_output=True, text=True, check=False)  # noqa: S607
    return told.stdout.strip()


def _postgres() -> str:
    try:
        with psycopg.connect(f"{ground.postgres_server().replace('postgres://', 'postgresql://', 1)}/postgres") as server:
            return str(server.info.parameter_status("server_version"))
    except LeftOut:
        return ""
