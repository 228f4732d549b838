"""Everything can be done without a mouse."""

import secrets

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import People

pytestmark = pytest.mark.browser


def tab_to(page: Page, name: str, key: str = "Tab", limit: int = 14) -> None:
    """Press Tab until the control with this name has the focus, seen by its ring."""
    seen = []
    for _ in range(limit):
        page.keyboard.press(key)
        focused = page.locator(":focus")
        seen.append(" ".join((focused.get_attribute("aria-label") or focused.inner_text() or focused.get_attribute("id") or "").split()))
        if name in seen[-1]:
            assert focused.evaluate("e => getComputedStyle(e).outlineStyle") != "none", f"no ring around “{name}”"
            return
    raise AssertionError(f"“{name}” is not reached: {seen}")


def test_the_chat_is_used_by_keys_alone(people: People):
    customer = people.customer()
    page = customer.page
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to your message")
    expect(page.locator(":focus")).to_be_in_viewport()
    tab_to(page, "Talk to a person", limit=1)
    tab_to(page, "Where is my order?", limit=1)
    tab_to(page, "How do returns work?", limit=1)
    page.keyboard.press("Enter")
    expect(customer.field).to_be_focused()
    customer.answer(1)
    page.keyboard.type("How long is the warranty on tent seams?")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("Mine is two years old.")
    page.keyboard.press("Enter")
    expect(page.locator(".mine .body").last).to_have_text("How long is the warranty on tent seams?\nMine is two years old.")
    answer = customer.answer(2)
    expect(answer.get_by_role("button", name="This helped")).to_be_visible()
    tab_to(page, "This helped", "Shift+Tab", limit=3)
    page.keyboard.press("Enter")
    customer.told("You marked this as solved.")
    expect(customer.field).to_be_focused()


def test_the_console_is_used_by_keys_alone(people: People):
    mark = secrets.token_hex(3)
    customer = people.customer()
    customer.ask(f"How do I care for my boots? ({mark})")
    mira = people.teammate("mira")
    page = mira.page
    mira.open_list()
    rows = page.locator("#tickets > .ticket:not(.left)")
    current = page.locator("#tickets .ticket:has([aria-current]) .subject")
    page.keyboard.press("j")
    expect(current).to_have_text(rows.nth(0).locator(".subject").inner_text())
    page.keyboard.press("j")
    expect(current).to_have_text(rows.nth(1).locator(".subject").inner_text())
    page.keyboard.press("k")
    expect(current).to_have_text(rows.nth(0).locator(".subject").inner_text())
    expect(page.locator("#preview .head h2")).to_have_text(current.inner_text())

    page.keyboard.press("/")
    page.keyboard.type(mark)
    page.keyboard.press("Enter")
    expect(rows).to_have_count(1)
    page.keyboard.press("Escape")
    page.locator(":focus").blur()
    page.keyboard.press("j")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text(mark)
    page.keyboard.press("t")
    expect(page.locator("#ticket-state")).to_contain_text("You have this ticket.")
    expect(page.locator("[name=kind][value=reply]")).to_be_enabled()
    page.keyboard.press("Escape")
    page.locator("body").evaluate("() => document.activeElement.blur()")
    page.keyboard.press("n")
    expect(page.locator("#text")).to_have_attribute("placeholder", "Write a note for teammates")
    page.locator("body").evaluate("() => document.activeElement.blur()")
    page.keyboard.press("r")
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.type("Brush them and let them dry slowly, says Mira.")
    page.keyboard.press("Control+Enter")
    expect(customer.page.locator('.say[data-author="teammate"]')).to_contain_text("says Mira")
    expect(page.locator("#text")).to_have_value("")

    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Command or search")).to_be_focused()
    expect(page.locator("#palette-options [role=option]").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()
    page.locator("body").evaluate("() => document.activeElement.blur()")
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("body").evaluate("() => document.activeElement.blur()")
    page.keyboard.press("h")
    page.locator("#hand-back button[type=submit]").press("Enter")
    expect(page.locator("#ticket-state")).to_contain_text("Alder has this ticket.")
