"""`python deploy/sbom.py requirements.txt build/sbom.json`: the bill of materials of a lock, with its hashes, as CycloneDX JSON."""

import re
import sys
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot5
from packageurl import PackageURL

PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^ ;\\]+)")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def bill(lock: str) -> Bom:
    """What the text of a lock installs."""
    found: dict[tuple[str, str], set[str]] = {}
    current: set[str] = set()
    for line in lock.splitlines():
        if pinned := PINNED.match(line):
            current = found.setdefault((pinned[1].lower(), pinned[2]), set())
        current |= set(HASH.findall(line))
    parts = [
        Component(
            type=ComponentType.LIBRARY,
            name=name,
            version=version,
            bom_ref=f"{name}@{version}",
            purl=PackageURL("pypi", name=name, version=version),
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=each) for each in sorted(hashes)],
        )
        for (name, version), hashes in sorted(found.items())
    ]
    whole = Bom(components=parts)
    whole.metadata.component = Component(type=ComponentType.APPLICATION, name="supportdesk", bom_ref="supportdesk")
    return whole


def main(lock: str, target: str) -> None:
    """Write the bill of this lock."""
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = bill(Path(lock).read_text())
    path.write_text(JsonV1Dot5(whole).output_as_string(indent=2))
    sys.stdout.write(f"{len(whole.components)} components in {target}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
