"""A policy editor reads and changes rules as sentences."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.people import People

pytestmark = pytest.mark.browser

SENTENCES = {
    "R-1": "may act on the customer's own orders and subscriptions",
    "R-2": "need a proven identity",
    "R-3": "Nothing is changed before the customer said yes",
    "R-4": "Refunds above €100.00 or later than 60 days after delivery",
}


def test_a_policy_editor_finds_the_rules_as_sentences(people: People):
    page = people.context().new_page()
    people.complaints.expect("favicon")
    people.sign_in(page, "priya", at="/admin/")
    page.goto(f"{people.desk.url}/admin/policies/policy/")
    page.get_by_role("link", name="Orders and refunds").click()
    expect(page).to_have_url(re.compile("/policy/[0-9]+/change/"))
    page.locator('a[href="#rules"]').click()
    rules = page.locator("#rules-group")
    for code, words in SENTENCES.items():
        expect(rules.locator("strong", has_text=code)).to_contain_text(words)
