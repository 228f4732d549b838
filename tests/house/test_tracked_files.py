"""The project speaks of the project alone, and installs only what the locks name."""

import re

import pytest

from tests.house.tracked import ROOT, tracked_files, trespasses

NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*")


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted(path: str) -> set[str]:
    lines = (ROOT / path).read_text().splitlines()
    return {normalised(found.group(0)) for line in lines if (found := NAME.match(line.strip()))}


def locked(path: str) -> dict[str, list[str]]:
    """The hashes of each locked requirement."""
    hashes: dict[str, list[str]] = {}
    current = ""
    for line in (ROOT / path).read_text().splitlines():
        if found := re.match(r"^([A-Za-z0-9._-]+)(\[[^\]]*\])?==", line):
            current = normalised(found.group(1))
            hashes.setdefault(current, [])
        if "--hash=sha256:" in line:
            hashes[current].append(line)
    return hashes


def test_no_tracked_file_names_a_package_index_or_a_path_of_somebodys_machine():
    assert list(trespasses()) == []


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_every_requirement_is_locked_with_hashes(name: str):
    lock = locked(f"{name}.txt")
    assert lock
    assert [each for each, hashes in lock.items() if not hashes] == []


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_the_lock_holds_every_direct_requirement(name: str):
    assert wanted(f"{name}.in") - set(locked(f"{name}.txt")) == set()


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_the_lock_serves_every_python_from_3_11(name: str):
    """`make lock` resolves for all of them; a lock for one misses what only another needs (async-timeout before 3.11.3)."""
    assert "make lock" in (ROOT / f"{name}.txt").read_text()[:200]


def test_both_locks_agree_on_every_version():
    versions: dict[str, set[str]] = {}
    for name in ("requirements.txt", "requirements-dev.txt"):
        for found in re.finditer(r"^([A-Za-z0-9._-]+)==([^ \\]+)([^\\\n]*)", (ROOT / name).read_text(), re.MULTILINE):
            versions.setdefault(f"{found.group(1)}{found.group(3).strip()}", set()).add(found.group(2))
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_no_data_of_a_running_desk_is_tracked():
    names = [str(path.relative_to(ROOT)) for path in tracked_files()]
    assert [name for name in names if name.startswith(("var/", ".venv/")) or ".sqlite3" in name or name.endswith(".pyc")] == []
