"""Journey B: a refund inside the limit, from the first word to the receipt, once."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.people import Customer, People

pytestmark = pytest.mark.browser

AMOUNT = "12.50"


def words_of(customer: Customer) -> list[str]:
    """Everything that stands in the thread, in order."""
    return [" ".join(text.split()) for text in customer.page.locator("#log > [data-seq]").all_inner_texts()]


def test_a_small_refund_is_proved_confirmed_and_done_once(people: People):
    before = people.desk.shop.entries()
    customer = people.customer()
    page = customer.page
    customer.ask(f"Please refund {AMOUNT} EUR of order N-20377, the laces were worn.")

    card = page.locator('[data-card="code"]').last
    card.get_by_label("Your email address").fill("ida@mail.example")
    card.get_by_role("button", name="Send the code").click()
    digits = card.get_by_label("6-digit code")
    expect(digits).to_be_focused()
    code = customer.mailed_code("ida@mail.example")

    digits.fill(f"{(int(code) + 1) % 1_000_000:06d}")
    digits.press("Enter")
    error = card.locator("[data-step=code] .error")
    expect(error).to_contain_text("That code is not right or no longer valid.")
    expect(digits).to_have_attribute("aria-invalid", "true")
    expect(digits).to_be_focused()
    assert error.get_attribute("id") in (digits.get_attribute("aria-describedby") or "")
    field, said = digits.bounding_box(), error.bounding_box()
    assert field
    assert said
    assert said["y"] >= field["y"] + field["height"], "the error stands under the field"

    digits.fill(f"{code[:3]} {code[3:]}")
    expect(error).to_be_hidden()
    digits.press("Enter")
    customer.told("It is you. Proved by email code until")

    card = page.locator('[data-card="confirm"]')
    expect(card).to_contain_text(f"Refund €{AMOUNT}?")
    for fact in ("Ridge hiking boots, size 41", "N-20377", "Card ending 4402"):
        expect(card.locator(".facts")).to_contain_text(fact)
    assert people.desk.shop.entries() == before, "nothing happens before the yes"
    call = card.get_attribute("data-call")
    card.get_by_role("button", name=f"Yes, refund €{AMOUNT}").dblclick()

    receipt = page.locator("#log .receipt")
    expect(receipt).to_contain_text(f"Refunded €{AMOUNT}")
    expect(card).to_contain_text("You said yes. Done.")
    expect(card.get_by_role("button")).to_have_count(0)
    new = [entry for entry in people.desk.shop.entries() if entry not in before]
    assert [(entry["kind"], entry["order"], entry["amount"], entry["idempotency_key"]) for entry in new] == [
        ("refund", "N-20377", 1250, call)
    ]
    expect(receipt).to_contain_text(new[0]["reference"])
    expect(customer.answers.last).to_contain_text(f"€{AMOUNT}")

    expect(page.get_by_role("button", name="This helped")).to_be_visible()
    kept = words_of(customer)
    page.reload()
    expect(page.locator("#log .receipt")).to_be_visible()
    expect(page.get_by_role("button", name="This helped")).to_be_visible()
    assert words_of(customer) == kept
    assert len([entry for entry in people.desk.shop.entries() if entry not in before]) == 1

    mira = people.teammate("mira")
    mira.open_ticket(mira.find(f"{AMOUNT} EUR of order N-20377"))
    thread = mira.page.locator("#thread")
    expect(thread.locator(".slip", has_text=f"Refund €{AMOUNT}?")).to_contain_text(new[0]["reference"])
    expect(thread.locator(".slip", has_text="The customer has this receipt.")).to_contain_text(f"Refunded €{AMOUNT}")
    expect(mira.page.locator("#side-who")).to_contain_text("ida@mail.example, proved")
    thread.locator(".message.ai", has=mira.page.locator(".slip", has_text=f"Refund €{AMOUNT}?")).get_by_role("link", name="Why?").click()
    drawer = mira.page.locator("#why")
    expect(drawer).to_contain_text("Rule R-3")
    with mira.page.expect_navigation():
        drawer.get_by_role("link", name="Full trace").click()
    rules = mira.page.locator(".steps table", has=mira.page.locator("th", has_text="Rule")).last
    for rule in ("R-1", "R-2", "R-3", "R-4"):
        expect(rules).to_contain_text(rule)


def test_a_refund_that_is_declined_leaves_the_shop_alone(people: People):
    before = people.desk.shop.entries()
    customer = people.customer()
    customer.ask("Please refund 5.00 EUR of order N-20544.")
    customer.prove("claire@mail.example")
    card = customer.page.locator('[data-card="confirm"]')
    card.get_by_role("button", name=re.compile("^No")).click()
    expect(card).to_contain_text("You said no. Nothing was changed.")
    assert people.desk.shop.entries() == before
