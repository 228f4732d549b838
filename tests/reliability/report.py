"""Collects which cases the tests of a run held, and sums the runs up: `python -m tests.reliability.report`."""

import json
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.reliability.cases import CASES

BUILD = Path(__file__).resolve().parents[2] / "build"
RUNS = BUILD / "reliability"
NAMED = "reliability"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each test carry its cases to wherever its report is read."""
    for item in items:
        for mark in item.iter_markers(NAMED):
            case, *surfaces = mark.args
            known = CASES.get(case)
            if known and (unknown := set(surfaces) - set(known.surfaces)):
                raise pytest.UsageError(f"{item.nodeid}: case {case} has no surface {', '.join(sorted(unknown))}")
            item.user_properties.append((NAMED, json.dumps([case, surfaces])))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note the outcome of a test that belongs to a case; workers of a parallel run leave that to their controller."""
    into = os.environ.get("SUPPORTDESK_RELIABILITY", "")
    if not into or os.environ.get("PYTEST_XDIST_WORKER") or (report.passed and report.when != "call"):
        return
    with Path(into).open("a") as file:
        for name, value in report.user_properties:
            if name == NAMED:
                case, surfaces = json.loads(str(value))
                file.write(json.dumps({"case": case, "surfaces": surfaces, "test": report.nodeid, "outcome": report.outcome}) + "\n")


def figure(name: str, value: float) -> None:
    """Note a number that `make reliability` prints: how much was walked, swept, compared."""
    into = os.environ.get("SUPPORTDESK_RELIABILITY", "")
    if into:
        with Path(into).with_suffix(".figures").open("a") as file:
            file.write(json.dumps({"name": name, "value": value}) + "\n")


def figures(runs: Path) -> dict[str, float]:
    """Every number that was noted, the last of each name."""
    rows = [json.loads(line) for file in sorted(runs.glob("*.figures")) for line in file.read_text().splitlines()]
    return {row["name"]: row["value"] for row in rows}


def summed(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The state of each case: held, part or open; a surface is held when a test of it passed and none failed."""
    found: dict[str, dict[str, Any]] = {}
    by_case: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_case[row["case"]].append(row)
    for number in sorted({*by_case, *CASES}):
        told = by_case[number]
        tests = {row["test"] for row in told if row["outcome"] == "passed"}
        failed = sorted({row["test"] for row in told if row["outcome"] == "failed"})
        case = CASES.get(number)
        if case is None:
            # A case of a later issue: some tests of it are there, its whole row is not spelled yet.
            found[str(number)] = {"state": "open" if failed or not tests else "part", "surfaces": "", "tests": len(tests), "failed": failed}
            continue
        passed = {surface for row in told if row["outcome"] == "passed" for surface in row["surfaces"]}
        broken = {surface for row in told if row["outcome"] == "failed" for surface in row["surfaces"]}
        held = [surface for surface in case.surfaces if surface in passed - broken]
        lacks = [surface for surface in case.surfaces if surface not in held]
        state = "open" if failed or not held else "part" if lacks or case.missing else "held"
        found[str(number)] = {
            "state": state,
            "surfaces": f"{len(held)}/{len(case.surfaces) + len(case.missing)}",
            "tests": len(tests),
            "failed": failed,
            "lacks": lacks,
            "not yet in the product": list(case.missing),
        }
    return found


def tell(runs: Path = RUNS, into: Path = BUILD / "reliability.json") -> bool:
    """Print case → tests → state, write the file, and say whether no case failed."""
    rows = [json.loads(line) for file in sorted(runs.glob("*.jsonl")) for line in file.read_text().splitlines()]
    cases = summed(rows)
    into.parent.mkdir(exist_ok=True)
    numbers = figures(runs)
    into.write_text(json.dumps({"cases": cases, "figures": numbers}, indent=1) + "\n")
    print("\ncase  state  surfaces  tests")
    for number, told in cases.items():
        said = "; ".join([*told["failed"], *(f"no test holds: {each}" for each in told.get("lacks", ()))])
        if absent := ", ".join(told.get("not yet in the product", ())):
            said += f" · not built yet: {absent}"
        print(f"{number:>4}  {told['state']:<5}  {told['surfaces']:>8}  {told['tests']:>5}  {said}")
    for name, value in numbers.items():
        print(f"{value:>8,}  {name}")
    return not any(told["failed"] for told in cases.values())


if __name__ == "__main__":
    raise SystemExit(not tell())
