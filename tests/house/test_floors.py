"""Supply chain: versions below known holes are not locked, everything is locked with hashes, and a bill of materials can be written."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.version import Version

from tests.house.test_tracked_files import locked
from tests.house.tracked import ROOT

# The first version without the hole, and what the hole was.
FLOORS = {
    "django": ("5.2.8", "SQL injection through _connector and dictionary expansion (CVE-2025-64459)"),
    "langchain-core": ("1.2.5", "objects revived from user data (CVE-2025-68664); later ones narrow load() and image addresses"),
    "langgraph-checkpoint": ("3.0.0", "code run from checkpoint bytes (CVE-2025-64439)"),
    "cryptography": ("44.0.1", "OpenSSL of the wheels (CVE-2024-12797)"),
    "requests": ("2.32.4", "credentials of netrc leaked (CVE-2024-47081)"),
    "urllib3": ("2.6.0", "unbounded decompression (CVE-2025-66418, CVE-2025-66471)"),
    "pillow": ("11.3.0", "heap overflow in DDS (CVE-2025-48379)"),
    "jinja2": ("3.1.6", "sandbox breakout through attr (CVE-2025-27516)"),
    "h11": ("0.16.0", "request smuggling by chunked bodies (CVE-2025-43859)"),
}


def versions(name: str) -> dict[str, list[str]]:
    """Each package of a lock and the versions that are locked of it."""
    found: dict[str, list[str]] = {}
    for line in (ROOT / name).read_text().splitlines():
        head, sign, rest = line.partition("==")
        if sign and not line.startswith((" ", "#")):
            found.setdefault(head.partition("[")[0].lower().replace("_", "-"), []).append(rest.split(" ")[0].rstrip("\\").strip(" ;"))
    return found


@pytest.mark.reliability(70, "advisories")
@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
@pytest.mark.parametrize("name", FLOORS)
def test_nothing_below_a_known_hole_is_locked(lock: str, name: str):
    floor, why = FLOORS[name]
    assert [each for each in versions(lock).get(name, []) if Version(each) < Version(floor)] == [], why


@pytest.mark.reliability(70, "advisories")
def test_the_floors_are_about_something_that_is_locked():
    assert {"django", "langchain-core", "langgraph-checkpoint"} <= set(versions("requirements.txt"))


@pytest.mark.reliability(70, "lock")
@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_everything_installed_is_pinned_by_hash(lock: str):
    assert all(hashes for hashes in locked(lock).values())
    assert "--require-hashes" in (ROOT / "deploy/setup.sh").read_text() + (ROOT / "deploy/Dockerfile").read_text()


@pytest.mark.reliability(70, "bill of materials")
def test_the_bill_of_materials_names_every_locked_package_with_its_hashes(tmp_path: Path):
    target = tmp_path / "sbom.json"
    subprocess.run([sys.executable, "deploy/sbom.py", "requirements.txt", str(target)], cwd=ROOT, check=True, capture_output=True)
    told = json.loads(target.read_text())
    assert told["bomFormat"] == "CycloneDX"
    assert {each["name"] for each in told["components"]} == set(locked("requirements.txt"))
    assert all(each["hashes"] and each["purl"].startswith("pkg:pypi/") for each in told["components"])


@pytest.mark.reliability(70, "advisories")
@pytest.mark.parametrize(
    ("says", "code", "ends"),
    [
        ("No known vulnerabilities found", 0, 0),
        ("Found 2 known vulnerabilities in 1 package", 1, 1),
        ("ConnectionError: no route", 1, 0),
        ("django could not be audited", 0, 0),
    ],
)
def test_the_audit_fails_for_holes_and_is_loud_when_nobody_answers(tmp_path: Path, says: str, code: int, ends: int):
    fake = tmp_path / "pip-audit"
    fake.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
    fake.chmod(0o755)
    done = subprocess.run(
        ["deploy/audit.sh", "requirements.txt"],
        cwd=ROOT,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ends
    assert ("NOT AUDITED" in done.stderr) == ("known" not in says)
