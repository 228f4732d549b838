"""Promises of the house that a machine can keep."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command

from supportdesk.core.permissions import PERMISSIONS
from tests.house.tracked import ROOT, tracked_files

ROOMS = ("supportdesk", "tickets", "policies", "agents")


def modules() -> list[Path]:
    """The product's own modules, migrations aside."""
    found = [path for path in tracked_files() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in ROOMS]
    return [path for path in found if "migrations" not in path.parts]


def templates() -> list[Path]:
    return [path for path in tracked_files() if path.suffix == ".html" and "templates" in path.parts]


def test_every_module_says_what_it_is():
    silent = [path for path in modules() if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))]
    assert [str(path.relative_to(ROOT)) for path in silent] == []


def test_imports_point_down_only():
    done = subprocess.run([str(Path(sys.executable).parent / "lint-imports")], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.django_db
def test_every_model_change_has_its_migration():
    call_command("makemigrations", check=True, dry_run=True, verbosity=1)


def test_every_permission_of_the_table_guards_something():
    source = "\n".join(path.read_text() for path in modules() if path.name != "permissions.py")
    assert [name for name in PERMISSIONS if f'"{name}"' not in source] == []


def test_no_permission_is_asked_for_that_the_table_lacks():
    asked = re.compile(r"""(?:allowed\(|may\([^()"']*,\s*)"([a-z_.]+)\"""")
    found = {name for path in modules() for name in asked.findall(path.read_text())}
    assert found - set(PERMISSIONS) == set()


INLINE = {
    "an inline style": re.compile(r"<style\b|\sstyle\s*=", re.IGNORECASE),
    "an inline script": re.compile(r"<script\b(?![^>]*\bsrc\s*=)(?![^>]*type=\"application/json\")", re.IGNORECASE),
    "an event handler": re.compile(r"<[^>]*\son[a-z]+\s*=|\bhx-on\b", re.IGNORECASE),
    "a javascript link": re.compile(r"href\s*=\s*[\"']?\s*javascript:", re.IGNORECASE),
}


def inline_code() -> Iterator[str]:
    for path in templates():
        for number, line in enumerate(path.read_text().splitlines(), 1):
            yield from (f"{path.relative_to(ROOT)}:{number}: {what}" for what, pattern in INLINE.items() if pattern.search(line))


def test_templates_hold_no_inline_scripts_styles_or_handlers():
    assert list(inline_code()) == []


def test_templates_load_nothing_from_elsewhere():
    elsewhere = re.compile(r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)\s*=\s*[\"']?(?:https?:)?//", re.IGNORECASE)
    assert [str(path.relative_to(ROOT)) for path in templates() if elsewhere.search(path.read_text())] == []
