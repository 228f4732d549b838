"""Journey C: a refund above the bound waits for a teammate, who sees it live, makes it smaller and approves it; once."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.people import Customer, People, Teammate

pytestmark = pytest.mark.browser


def asked(people: People, amount: str, order: str, email: str) -> Customer:
    """A customer who proved who they are and said yes to a refund that a teammate has to decide."""
    customer = people.customer()
    customer.ask(f"Please refund {amount} EUR of order {order}, it broke.")
    customer.prove(email)
    card = customer.page.locator('[data-card="confirm"]')
    card.get_by_role("button", name=f"Yes, refund €{amount}").click()
    expect(card).to_contain_text("You said yes. A teammate decides now.")
    expect(customer.page.locator(".wait")).to_contain_text("A teammate is deciding")
    return customer


def open_approvals(mate: Teammate) -> None:
    """The page of approvals, live."""
    with mate.page.expect_websocket() as opening:
        mate.page.goto(f"{mate.desk.url}/console/approvals/")
    opening.value.wait_for_event("framereceived")


def row(mate: Teammate, order: str) -> Locator:
    """The row of the approval about this order."""
    return mate.page.locator("#asks > .ticket", has_text=order)


def count(mate: Teammate) -> Locator:
    """The rail's count of what waits."""
    return mate.page.locator('[data-count="rail-approvals"]')


def test_a_refund_waits_is_made_smaller_approved_and_done_once(people: People):
    before = people.desk.shop.entries()
    mira = people.teammate("mira")
    open_approvals(mira)
    expect(mira.page.get_by_role("heading", name=re.compile("Every approval is decided|Nothing waits for a decision"))).to_be_visible()
    expect(count(mira)).to_have_text("0")

    customer = asked(people, "150.00", "N-20418", "ida@mail.example")
    assert people.desk.shop.entries() == before, "nothing happens before the decision"
    expect(row(mira, "N-20418")).to_contain_text("€150.00")
    expect(row(mira, "N-20418")).to_contain_text("Rule R-4: €50.00 above")
    expect(count(mira)).to_have_text("1")
    card = mira.page.locator(".ask.card")
    expect(card).to_contain_text("Refund for order N-20418")
    for evidence in ("rule R-4, policy v1", "Identity: email code, proved", "The customer said yes at", "No refund on this order before"):
        expect(card).to_contain_text(evidence)
    expect(card.locator(".change")).to_contain_text("€349.00")
    expect(card.locator(".change")).to_contain_text("€199.00")
    expect(card.get_by_role("meter")).to_have_attribute("max", "20000")

    mira.page.keyboard.press("j")
    expect(row(mira, "N-20418").get_by_role("link")).to_be_focused()
    mira.page.keyboard.press("y")
    mira.page.keyboard.press("Enter")
    expect(card).to_be_focused()
    expect(card.locator("[data-do=approve]")).to_have_text(re.compile("Approve €150.00"))
    mira.page.keyboard.press("e")
    form = mira.page.locator("form[id^=edit-]")
    field = form.get_by_label("Amount in EUR")
    expect(field).to_be_focused()
    field.fill("500")
    expect(form.locator(".foreseen")).to_contain_text("Between €0.01 and €349.00.")
    field.fill("120,00")
    expect(form.locator(".foreseen")).to_contain_text("Verdict for €120.00: ask, rule R-4. Your approval answers it.")
    form.get_by_role("button", name="Approve €120.00").dblclick()

    expect(mira.page.locator("[data-decided]")).to_contain_text("Mira Solberg changed this at")
    expect(card).to_contain_text("refund €120.00 on order N-20418")
    expect(row(mira, "N-20418")).to_have_count(0)
    expect(count(mira)).to_have_text("0")
    receipt = customer.page.locator("#log .receipt")
    expect(receipt).to_contain_text("Refunded €120.00")
    expect(customer.answers.last).to_contain_text("120.00")
    confirm = customer.page.locator('[data-card="confirm"]')
    expect(confirm).to_contain_text("You said yes. Done.")
    expect(confirm).to_contain_text("A teammate changed it: Refund €120.00.")
    new = [entry for entry in people.desk.shop.entries() if entry not in before]
    assert [(entry["kind"], entry["order"], entry["amount"]) for entry in new] == [("refund", "N-20418", 12000)]

    mira.open_ticket(mira.find("150.00 EUR of order N-20418"))
    thread = mira.page.locator("#thread")
    for line in ("Waits for a decision: refund €150.00", "Mira Solberg changed “refund €150.00", "Mira Solberg approved: refund €120.00"):
        expect(thread).to_contain_text(line)
    expect(mira.page.locator("#ticket-asks .ask")).to_have_count(0)
    thread.locator(".message.ai", has=mira.page.locator(".slip", has_text="Refund €150.00?")).get_by_role("link", name="Why?").click()
    with mira.page.expect_navigation():
        mira.page.locator("#why").get_by_role("link", name="Full trace").click()
    steps = mira.page.locator(".steps")
    expect(steps).to_contain_text("Mira Solberg changed this at")
    expect(steps).to_contain_text("Mira Solberg approved this at")
    steps.get_by_role("link", name="What was shown").first.click()
    expect(card.locator(".amount")).to_have_text("€150.00")


def test_of_two_teammates_one_decides_and_the_other_learns_who(people: People):
    customer = asked(people, "110.00", "N-20544", "claire@mail.example")
    mira, nora = people.teammate("mira"), people.teammate("nora")
    people.complaints.expect("409")
    for mate in (mira, nora):
        open_approvals(mate)
        row(mate, "N-20544").get_by_role("link").click()
        expect(mate.page.locator(".ask.card [data-do=approve]")).to_be_visible()
    nora.page.locator("[data-do=reject]").click()
    words = nora.page.get_by_label("What should the customer know?")
    words.fill("We send a new cover today.")

    mira.page.locator("[data-do=approve]").click()
    expect(mira.page.locator("[data-decided]")).to_contain_text("Mira Solberg approved this at")
    expect(nora.page.locator("[data-decided]")).to_contain_text("Mira Solberg approved this at")
    form = nora.page.locator("form[id^=reject-]")
    expect(form.locator(".error")).to_contain_text("Mira Solberg approved this at")
    expect(words).to_have_value("We send a new cover today.")
    expect(form.locator("[type=submit]")).to_be_disabled()
    nora.page.keyboard.press("Escape")
    expect(form).to_have_count(0)
    expect(customer.page.locator("#log .receipt")).to_contain_text("Refunded €110.00")


def test_a_rejection_reaches_the_customer_and_the_ticket_page_shows_it_live(people: People):
    before = people.desk.shop.entries()
    customer = asked(people, "105.00", "N-20382", "marta@mail.example")
    mira = people.teammate("mira")
    mira.open_ticket(mira.find("105.00 EUR of order N-20382"))
    card = mira.page.locator("#ticket-asks .ask.card")
    expect(card).to_contain_text("€105.00")
    expect(mira.page.locator("#ticket-head")).to_contain_text("Waits for a decision")
    card.focus()
    mira.page.keyboard.press("Shift+N")
    form = mira.page.locator("form[id^=reject-]")
    form.get_by_role("button", name="Reject €105.00").click()
    expect(form.locator(".error")).to_contain_text("Say why you reject it")
    form.get_by_label("Reason", exact=True).select_option("Evidence is missing")
    form.get_by_label("What should the customer know?").fill("Please send us a photo of the tear.")
    form.get_by_role("button", name="Reject €105.00").click()
    expect(card.locator("[data-decided]")).to_contain_text("Mira Solberg rejected this at")
    expect(mira.page.locator("#thread")).to_contain_text("Mira Solberg rejected: refund €105.00 on order N-20382 (Evidence is missing)")
    people.complaints.expect("422")

    customer.told("A teammate decided not to do this.")
    expect(customer.answers.last).to_contain_text("Please send us a photo of the tear.")
    expect(customer.page.locator('[data-card="confirm"]')).to_contain_text("A teammate decided against it.")
    assert "Evidence is missing" not in customer.page.locator("#log").inner_text()
    assert people.desk.shop.entries() == before
