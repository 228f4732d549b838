"""What no file of the project may hold: addresses of package indexes, and paths of somebody's machine. `python -m tests.house.tracked`."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Spelled with brackets, so that this file does not name what it looks for.
FORBIDDEN = {
    "the address of a package index": re.compile(
        r"pypi[.]org|pythonhosted[.]org|registry[.]npmjs[.]org|anaconda[.]org|(?<!-emit)-(?:extra-)?index-url[ =]\S|(?:file|https?)://\S+/simple\b"
    ),
    "a path of somebody's machine": re.compile(r"(?<![\w.-])/(?:[w]ork|[r]oot|[h]ome|[U]sers)/[a-z]"),
}


def tracked_files() -> list[Path]:
    """Every file that is or would be committed; in an unpacked archive, every file that is no build product."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode == 0:
        names = [name for name in listed.stdout.decode().split("\0") if name]
    else:
        skipped = {".venv", "var", "build", "staticfiles", "__pycache__"}
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if not skipped & set(path.relative_to(ROOT).parts)]
    return [ROOT / name for name in sorted(names) if (ROOT / name).is_file()]


def trespasses() -> Iterator[str]:
    """Each place where a tracked text file holds what it may not, as `file:line: what`."""
    for path in tracked_files():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            for what, pattern in FORBIDDEN.items():
                if found := pattern.search(line):
                    yield f"{path.relative_to(ROOT)}:{number}: {what}: {found.group(0)}"


if __name__ == "__main__":
    said = list(trespasses())
    print("\n".join(said) or "No package-index address and no path of somebody's machine in any tracked file.")
    raise SystemExit(bool(said))
