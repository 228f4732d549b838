"""Journey A: a question is answered with its source, the customer says it helped, and may write again."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.people import People

pytestmark = pytest.mark.browser


def test_the_first_thing_on_the_page_says_that_an_ai_answers(people: People):
    customer = people.customer()
    first = customer.page.locator("#talk article").first
    expect(first.locator(".by")).to_have_text("Alder · AI agent")
    expect(first).to_contain_text("I am Alder, the AI agent of Norrholt")
    expect(first).to_be_in_viewport()
    expect(customer.page.get_by_role("button", name="Talk to a person")).to_be_visible()
    assert customer.page.evaluate("localStorage.length") == 0, "a mere visit keeps nothing"


def test_a_question_is_answered_with_its_source_resolved_and_reopened(people: People):
    customer = people.customer()
    page = customer.page
    answer = customer.ask("Can I return hiking boots that I only wore once on a carpet at home?")
    expect(answer.locator(".by")).to_contain_text("Alder · AI agent")
    expect(answer.locator("a.cite").first).to_be_visible()
    source = answer.locator(".sources a").first
    with page.context.expect_page() as opening:
        source.click()
    article = opening.value
    expect(article.locator("h1")).to_have_text(re.sub(r"^\d+ ", "", source.inner_text()))
    # The article says what stands before its number.
    quoted = re.split(r"\s1(?:\s|$)", answer.locator(".words").inner_text())[0]
    expect(article.locator("main")).to_contain_text(" ".join(re.findall(r"\w+", quoted)[-4:]))
    article.close()

    answer.get_by_role("button", name="This helped").click()
    customer.told("You marked this as solved.")
    expect(page.locator("#closed")).to_contain_text("Thank you.")
    expect(customer.field).to_have_attribute("placeholder", "Write again to reopen")
    expect(page.locator(".verdict")).to_have_count(0)

    second = customer.ask("And how long does the refund take then?")
    expect(second).to_contain_text(re.compile("working days"))
    expect(page.locator("#closed")).to_have_count(0)
    expect(customer.field).to_have_attribute("placeholder", "Write a message")


def test_a_suggested_question_is_asked_with_one_click(people: People):
    customer = people.customer()
    suggestion = customer.page.locator("#suggest button").first
    words = suggestion.inner_text()
    suggestion.click()
    expect(customer.page.locator(".mine .body")).to_have_text(words)
    customer.answer(1)
    expect(customer.page.locator("#suggest")).to_be_hidden()
