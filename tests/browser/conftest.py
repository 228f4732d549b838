"""One desk and one Chromium for the whole folder; a profile of its own for each person of each test."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests import servers
from tests.browser.desk import Desk, running
from tests.browser.people import People, without_complaints


@pytest.fixture(scope="package")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The product with its demo, started as people start it."""
    with running(tmp_path_factory.mktemp("desk")) as found:
        yield found


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium. Package-wide, not longer: Playwright's event loop would be in the way of other tests."""
    path = servers.chromium()
    if not path:
        assert not servers.IN_CI, servers.REMEDIES[servers.BROWSER]
        pytest.skip(servers.REMEDIES[servers.BROWSER])
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=servers.CHROMIUM_ARGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def signed_in() -> dict[str, Any]:
    """Who signed in during this run, so that each does it once."""
    return {}


@pytest.fixture
def people(browser: Browser, desk: Desk, signed_in: dict[str, Any]) -> Iterator[People]:
    """Opens browsers for customers and teammates; a complaint of any of their pages fails the test."""
    with without_complaints(People(browser, desk, signed_in)) as everybody:
        yield everybody
