"""What every test gets: a quick and clean world, no network beyond this machine, and a loud word about what could not run.

Settings come from `tests.settings`, which keeps everything out of the folder that `make run` uses.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import translation
from pytest_django import Settings

from supportdesk.core.database import ON_POSTGRES
from tests import servers
from tests.factories import World, make_world
from tests.reliability import report

# Processes that tests start are the product's own, in this run's folder.
os.environ["DJANGO_SETTINGS_MODULE"] = "supportdesk.settings"

_left_out: dict[str, int] = {}


def pytest_configure(config: pytest.Config) -> None:
    """Let `make reliability` know which numbered cases the tests hold."""
    config.pluginmanager.register(report, "reliability-report")


@pytest.fixture(autouse=True)
def _quick_and_clean(settings: Settings, tmp_path: Path) -> Iterator[None]:
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.EMAIL_FILE_PATH = tmp_path / "mail"
    cache.clear()
    translation.deactivate()
    yield
    # Ids begin anew with each test's database, so what a process remembers by id is forgotten.
    if search := sys.modules.get("agents.knowledge.search"):
        search._lexical.clear()
        search._indexed.clear()


@pytest.fixture
def acme(db: None) -> World:
    """Alice owns Acme."""
    return make_world("acme", owner="Alice Ames")


@pytest.fixture
def globex(db: None) -> World:
    """Charlie owns Globex, which is nobody else's business."""
    return make_world("globex", owner="Charlie Chen")


def _obstacle(item: pytest.Item) -> str:
    """The mark that keeps a test from running here, or an empty string."""
    if item.get_closest_marker(servers.POSTGRES) and not ON_POSTGRES:
        return servers.POSTGRES
    if item.get_closest_marker(servers.REDIS) and not servers.redis_answers():
        return servers.REDIS
    if item.get_closest_marker(servers.BROWSER) and not servers.chromium():
        return servers.BROWSER
    return ""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what needs a server that is absent, and say so; in CI that is a failure."""
    for item in items:
        mark = _obstacle(item)
        if not mark:
            continue
        _left_out[mark] = _left_out.get(mark, 0) + 1
        reason = servers.REMEDIES[mark]
        if mark == servers.POSTGRES and servers.postgres_url():
            reason = "runs against the real server in a pytest run of its own: make test"
        elif servers.IN_CI:
            raise pytest.UsageError(f"CI must run {item.nodeid}, but {reason}")
        item.add_marker(pytest.mark.skip(reason=reason))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Name what was left out, just above pytest's closing line."""
    told = os.environ.get("SUPPORTDESK_TESTS_LEFT_OUT", "").split()
    marks = [mark for mark in servers.REMEDIES if mark in told or (_left_out.get(mark) and mark in servers.absent())]
    if not marks:
        return
    terminalreporter.section("LEFT OUT: this machine lacks a server or a browser", sep="!", red=True, bold=True)
    for mark in marks:
        terminalreporter.line(f"{mark} tests: {servers.REMEDIES[mark]}", red=True)
