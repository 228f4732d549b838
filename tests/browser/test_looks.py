"""Narrow screens scroll one way only, and dark means dark."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import People

pytestmark = pytest.mark.browser


def spill(page: Page) -> int:
    """How many pixels the page is wider than the screen, and than the widest thing in it may be."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def brightness(page: Page) -> float:
    """Of what lies under the words: 0 black, 255 white."""
    return float(
        page.evaluate(
            """() => {
              const probe = document.createElement("canvas").getContext("2d");
              const seen = [document.body, document.documentElement].map((each) => getComputedStyle(each).backgroundColor);
              probe.fillStyle = seen.find((each) => !/, 0\\)|transparent/.test(each)) ?? "white";
              probe.fillRect(0, 0, 1, 1);
              const [red, green, blue] = probe.getImageData(0, 0, 1, 1).data;
              return (red + green + blue) / 3;
            }"""
        )
    )


def test_the_chat_fits_a_screen_of_320_pixels(people: People):
    customer = people.customer(viewport={"width": 320, "height": 640}, has_touch=True)
    page = customer.page
    assert spill(page) == 0
    customer.ask("Can I return hiking boots that I only wore once on a carpet at home?")
    assert spill(page) == 0
    customer.say("Averyveryverylongwordwithoutanyspace" * 6)
    customer.ask("Please refund order N-20391")
    expect(page.locator('[data-card="code"]')).to_be_visible()
    assert spill(page) == 0
    customer.prove("owen@mail.example")
    expect(page.locator(".say").last).to_be_visible()
    assert spill(page) == 0
    page.goto(f"{people.desk.url}/help/norrholt/norrholt/en/")
    assert spill(page) == 0


def test_the_console_fits_a_screen_of_390_pixels(people: People):
    mira = people.teammate("mira", viewport={"width": 390, "height": 780}, has_touch=True)
    mira.open_list()
    assert spill(mira.page) == 0
    mira.page.locator("#tickets .subject a").first.click()
    expect(mira.page.locator("#thread")).to_be_visible()
    assert spill(mira.page) == 0
    mira.page.goto(people.desk.url + (mira.page.locator("[data-act=why]").first.get_attribute("href") or ""))
    expect(mira.page.locator(".steps")).to_be_visible()
    assert spill(mira.page) == 0


def test_dark_is_dark_on_every_surface(people: People):
    mira = people.teammate("mira", color_scheme="dark")
    for path in (
        "/chat/norrholt/chat/",
        "/help/norrholt/norrholt/en/",
        "/help/norrholt/norrholt/en/how-to-return/",
        "/console/",
        "/console/tickets/1/",
        "/demo/",
        "/demo/mailbox/",
    ):
        mira.page.goto(people.desk.url + path)
        assert brightness(mira.page) < 60, path
    mira.page.goto(people.desk.url + "/console/")
    mira.page.evaluate("localStorage.setItem('theme', 'light')")
    mira.page.reload()
    assert brightness(mira.page) > 200, "one's own choice outranks the system's"
