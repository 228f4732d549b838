"""Rights that are taken are gone from an open page within five seconds, on a real server."""

import time
from typing import Any

import pytest

from tests.browser.people import People

pytestmark = pytest.mark.browser

SECONDS = 5.0


@pytest.mark.reliability(11, "pages", "sockets")
def test_an_open_page_closes_within_five_seconds_of_the_end_of_its_session(people: People) -> None:
    lena, nora = people.teammate("lena"), people.teammate("nora")
    closed: list[float] = []

    def listen(socket: Any) -> None:
        socket.on("close", lambda _socket: closed.append(time.monotonic()))

    lena.page.on("websocket", listen)
    lena.open_list()
    nora.page.goto(f"{nora.desk.url}/console/people/")
    row = nora.page.locator("li", has_text="Lena Okafor")
    row.get_by_text("Change", exact=True).click()
    began = time.monotonic()
    row.get_by_role("button", name="End all sessions").click()
    while not closed and time.monotonic() - began < 2 * SECONDS:
        lena.page.wait_for_timeout(50)
    assert closed, "the socket of the ended session is still open"
    assert closed[0] - began <= SECONDS
    # The page goes to the sign-in page by itself.
    lena.page.wait_for_url("**/sign-in/**")
    # Whoever signs in next begins anew.
    people._signed_in.pop("lena", None)
