"""What a customer types is text, whatever it looks like."""

import secrets

import pytest
from playwright.sync_api import expect

from tests.browser.people import People

pytestmark = pytest.mark.browser

MARK = secrets.token_hex(3)
HOSTILE = (
    f"{MARK} <script>window.__ran.push('script')</script>",
    "<img src=x onerror=\"window.__ran.push('img')\"> <svg onload=\"window.__ran.push('svg')\">",
    "[click me](javascript:window.__ran.push('link')) javascript:window.__ran.push('bare') <a href=\"javascript:alert(1)\">here</a>",
    '"><iframe srcdoc="<script>parent.__ran.push(1)</script>"></iframe> {{ 7*7 }} ${7*7} %(x)s',
    "[Your invoice](https://elsewhere.example/pay) and **bold**",
    "Invoice \u202egnp.exe\u202c and \u200bzero\u200bwidth",
    "long " * 1600,
)
ELEMENTS = "script, iframe, object, img, [onerror], [onload], a[href^='javascript' i]"


def test_hostile_words_run_nowhere_and_look_harmless(people: People):
    customer = people.customer()
    for text in HOSTILE:
        customer.say(text.strip())
        expect(customer.page.locator(".mine").last).to_contain_text("Sent")
    expect(customer.page.locator(".mine")).to_have_count(len(HOSTILE))
    customer.page.reload()
    expect(customer.page.locator(".mine")).to_have_count(len(HOSTILE))
    mira = people.teammate("mira")
    number = mira.find(MARK)
    listed = mira.row(MARK).inner_text()
    assert "<script>window.__ran" in listed
    mira.row(MARK).locator(".subject a").click()
    expect(mira.page.locator("#preview #thread .message.customer")).to_have_count(len(HOSTILE))
    assert mira.page.evaluate("window.__ran") == []
    mira.open_ticket(number)
    expect(mira.page.locator("#thread")).to_contain_text("{{ 7*7 }} ${7*7}")
    expect(mira.page.locator("#thread")).to_contain_text("[Your invoice](https://elsewhere.example/pay)")
    expect(mira.page.locator("#thread a[href*='elsewhere']")).to_have_count(0)
    expect(mira.page.locator("#thread .message.customer")).to_have_count(len(HOSTILE))
    for page, own in ((customer.page, "#log .mine"), (mira.page, "#thread .message.customer")):
        assert page.evaluate("window.__ran") == []
        assert page.locator(f"{own} :is({ELEMENTS})").count() == 0
        shown = page.locator(own)
        expect(shown.nth(0)).to_contain_text("<script>window.__ran.push('script')</script>")
        expect(shown.nth(1)).to_contain_text("onerror=")
        expect(shown.nth(3)).to_contain_text("{{ 7*7 }}")
        # The override ends with its own words: what stands after it reads left to right.
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
