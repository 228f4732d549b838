"""What a bad line, a second tab and a hurried writer may not break."""

import secrets

import pytest
from playwright.sync_api import expect

from tests.browser.people import Customer, People

pytestmark = pytest.mark.browser


def test_what_is_written_offline_is_kept_and_sent_once(people: People):
    customer = people.customer()
    page = customer.page
    customer.ask("Where can I find spare tent pegs?")
    people.complaints.expect("ERR_INTERNET_DISCONNECTED")
    page.context.set_offline(True)
    expect(page.locator('[data-line="offline"]')).to_be_visible()
    mark = secrets.token_hex(4)
    customer.say(f"And how do I wash a down jacket? {mark}")
    mine = page.locator(".mine").last
    expect(mine).to_contain_text("Waiting to send")
    assert mark in page.evaluate("JSON.stringify({...localStorage})"), "it survives closing the page"
    page.context.set_offline(False)
    expect(mine).to_contain_text("Sent")
    expect(page.locator('[data-line="offline"]')).to_be_hidden()
    customer.answer(2)
    page.reload()
    expect(page.locator(".mine", has_text=mark)).to_have_count(1)
    expect(customer.answers).to_have_count(2)
    mira = people.teammate("mira")
    mira.open_ticket(mira.find("spare tent pegs"))
    expect(mira.page.locator("#thread .message.customer", has_text=mark)).to_have_count(1)


def thread_of(customer: Customer) -> list[str]:
    return [" ".join(text.split()) for text in customer.page.locator("#log > [data-seq]").all_inner_texts()]


def test_two_tabs_of_one_conversation_stay_equal(people: People):
    first = people.customer()
    first.ask("Which sleeping bag is right for minus eight degrees?")
    second = Customer(first.page.context.new_page(), people.desk)
    expect(second.answers).to_have_count(1)
    second.say("And how do I wash it?")
    expect(first.page.locator(".mine")).to_have_count(2)
    first.answer(2)
    second.answer(2)
    first.say("Thanks, what does express shipping cost?")
    second.answer(3)
    first.answer(3)
    for tab in (first, second):
        expect(tab.answers.last.locator(".verdict")).to_be_visible()
    assert thread_of(first) == thread_of(second)
    first.page.bring_to_front()
    first.answers.last.get_by_role("button", name="This helped").click()
    for tab in (first, second):
        expect(tab.page.locator("#closed")).to_be_visible()
        expect(tab.page.locator(".verdict")).to_have_count(0)
    assert thread_of(first) == thread_of(second)


def test_three_quick_messages_get_one_answer(people: People):
    customer = people.customer()
    for text in ("Hi", "one question", "how long do I have to return things?"):
        customer.say(text)
    expect(customer.answer(1).locator(".sources")).to_contain_text("return")
    expect(customer.page.locator(".working")).to_have_count(0)
    expect(customer.page.locator(".mine", has_text="Sent")).to_have_count(3)
    # The next question's answer is the second: nothing came in between.
    customer.say("What does express shipping cost?")
    expect(customer.answer(2)).to_contain_text("12.90")
    expect(customer.answers).to_have_count(2)
