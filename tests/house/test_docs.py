"""The documents say what is: settings, rooms and rules in them are the code's own."""

import ast
import re
from pathlib import Path
from typing import TypeGuard

from policies.facts import CATALOGUE
from supportdesk.chat.frames import FIELDS
from tests.house.tracked import ROOT

READERS = ("text", "flag", "number", "names")
ROW = re.compile(r"^\| `([A-Z_]+)` \|")


def is_reading(node: ast.AST) -> TypeGuard[ast.Call]:
    """Whether this is a call of a reader of `supportdesk.env`, such as `env.flag("NAME", False)`."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr not in READERS:
        return False
    return isinstance(node.func.value, ast.Name) and node.func.value.id == "env"


def variables_read() -> set[str]:
    """Every environment variable read through `supportdesk.env`, by looking at the code."""
    paths = [path for room in ("supportdesk", "tickets", "policies", "agents") for path in ROOT.glob(f"{room}/**/*.py")]
    calls = [node for path in paths for node in ast.walk(ast.parse(path.read_text())) if is_reading(node)]
    return {str(call.args[0].value) for call in calls if isinstance(call.args[0], ast.Constant)}


def test_the_table_of_settings_lists_exactly_what_is_read():
    rows = [found.group(1) for line in (ROOT / "docs/settings.md").read_text().splitlines() if (found := ROW.match(line))]
    assert len(rows) == len(set(rows))
    assert set(rows) == variables_read()


def test_the_page_on_policies_lists_every_fact():
    page = (ROOT / "docs/policies.md").read_text()
    assert [name for name in CATALOGUE if f"`{name}`" not in page] == []


def test_the_page_on_the_chat_protocol_lists_every_frame():
    page = (ROOT / "docs/chat-protocol.md").read_text()
    assert [name for name in FIELDS if f"`{name}`" not in page] == []


def test_the_readme_fits_on_one_screen_and_leads_with_the_two_commands():
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 60
    text = "\n".join(lines)
    assert 0 < text.index("make run") < text.index("make test") < text.index("docs/operations.md")


def test_links_between_documents_lead_somewhere():
    pages = [ROOT / "README.md", *ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    broken = []
    for page in pages:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
            if not target.startswith(("http://", "https://", "mailto:")) and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []


def test_decisions_are_numbered_without_gaps():
    numbers = [int(path.name[:4]) for path in sorted(Path(ROOT / "docs/decisions").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))
