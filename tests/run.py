"""`python -m tests.run [reliability]`: the pytest runs behind `make test` and `make reliability`, one after the other.

What needs a real server or browser has a pytest run of its own; where one is absent it is named loudly, and CI fails. The run on
the embedded default comes last, so that its closing lines end the output.
"""

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from tests import servers
from tests.reliability import report

NO_TESTS = 5
WORKERS = min(4, os.cpu_count() or 1)
PLAIN = "not postgres and not redis and not browser"


def main(arguments: list[str]) -> int:
    """Run them all; 0 when everything that can run here passed, and in CI nothing was left out."""
    is_whole = arguments == ["reliability"]
    which = "(slow or reliability)" if is_whole else "not slow"
    if is_whole:
        shutil.rmtree(report.RUNS, ignore_errors=True)
        report.RUNS.mkdir(parents=True)
        os.environ["SUPPORTDESK_RELIABILITY"] = str(report.RUNS)
    missing = servers.absent()
    _tell(missing)
    results: dict[str, int] = {}
    marks = f"({PLAIN} or redis and not browser) and {which}" if servers.redis_answers() else f"{PLAIN} and {which}"
    left_out = {"SUPPORTDESK_TESTS_LEFT_OUT": " ".join(missing)}

    def embedded() -> int:
        return _pytest("the embedded default", ["-m", marks, "-n", str(2 * WORKERS if is_whole else WORKERS)], left_out)

    # A browser mostly waits, and so do races, and processes that were killed until their lease ends: they share the machine well.
    with ThreadPoolExecutor(max_workers=1) as beside:
        races = beside.submit(_on_postgres, which, is_whole)
        if servers.chromium():
            results["browser"] = _pytest("a browser", ["tests/browser", "-m", f"browser and {which}"])
        if is_whole:
            results["embedded default"] = embedded()
        results |= races.result()
    if not is_whole:
        results["embedded default"] = embedded()
    if is_whole and not report.tell():
        results["the cases"] = 1
    failed = [name for name, code in results.items() if code]
    if failed:
        print(f"FAILED: {', '.join(failed)}", file=sys.stderr)
    if missing and servers.IN_CI:
        print(f"FAILED: CI must run the {', '.join(missing)} tests too.", file=sys.stderr)
    return int(bool(failed) or (bool(missing) and servers.IN_CI))


def _on_postgres(which: str, is_whole: bool) -> dict[str, int]:
    """What needs the real server; in the whole run the agent's suite, too, on the database and under the role of the production form."""
    if not servers.postgres_url():
        return {}
    environment = {"DATABASE_URL": servers.postgres_url()}
    races = ["tests/postgres", "tests/production", "-m", f"postgres and {which}"]
    found = {"PostgreSQL": _pytest("PostgreSQL", races, environment, held=True)}
    if is_whole:
        agents = ["tests/agents", "-m", f"{PLAIN} and not slow", "-n", "2"]
        found["PostgreSQL, the agent"] = _pytest("PostgreSQL: the agent's suite as the app role", agents, environment, held=True)
    return found


def _pytest(title: str, arguments: list[str], environment: dict[str, str] | None = None, *, held: bool = False) -> int:
    """One run; `held` keeps its words until it is done, for one that runs beside another."""
    headline = f"\n── tests on {title} " + "─" * 40
    if not held:
        print(headline, flush=True)
    began = time.monotonic()
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL", "SUPPORTDESK_VAR")}
    if "SUPPORTDESK_RELIABILITY" in kept:
        kept["SUPPORTDESK_RELIABILITY"] = str(report.RUNS / f"{title.replace(' ', '-').replace(':', '')}.jsonl")
    command = [sys.executable, "-m", "pytest", *arguments]
    pipe = subprocess.PIPE if held else None
    done = subprocess.run(
        command, env={**kept, **(environment or {})}, check=False, stdout=pipe, stderr=subprocess.STDOUT if held else None
    )
    code = 0 if done.returncode == NO_TESTS else done.returncode
    if held:
        print(headline, done.stdout.decode(errors="replace"), sep="\n", flush=True)
    if code:
        print(f"tests on {title} failed after {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return code


def _tell(missing: list[str]) -> None:
    if not missing:
        return
    print("!" * 100)
    print("LEFT OUT: this machine lacks a server or a browser")
    for mark in missing:
        print(f"  {mark} tests: {servers.REMEDIES[mark]}")
    print("!" * 100, flush=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
