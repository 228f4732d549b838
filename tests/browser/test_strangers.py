"""Journey G in a browser: another customer's order looks just like one that does not exist."""

import pytest

from tests.browser.people import Customer, People

pytestmark = pytest.mark.browser

FOREIGN, MISSING = "N-20377", "N-29999"
WISHES = (
    "Where is my order {number}?",
    "Please refund 1.00 EUR of order {number}, a part was worn.",
    "Please cancel order {number}.",
    "Please send order {number} to 12 High Street, Bristol BS1 4DJ, UK instead.",
)
# Everything the log shows, without the order's number, the times, and the buttons that come a moment after the newest answer.
SEEN = r"""
number => [...document.querySelectorAll("#log > *")].map(node => {
  const copy = node.cloneNode(true);
  copy.querySelectorAll("time, .when, .verdict").forEach(each => each.remove());
  return `${node.className}: ${copy.textContent.replaceAll(number, "N-…").replace(/\b\d\d:\d\d\b/g, "").replace(/\s+/g, " ").trim()}`;
})
"""


def seen(customer: Customer, number: str) -> list[str]:
    """Each entry of the thread, in order."""
    found: list[str] = customer.page.evaluate(SEEN, number)
    return found


def asks_for_everything(people: People, number: str, email: str) -> list[str]:
    customer = people.customer()
    customer.ask("Hello")
    if email:
        customer.ask("Where are my orders?")
        customer.prove(email)
        customer.answer(3)
    for wish in WISHES:
        customer.ask(wish.format(number=number))
    return seen(customer, number)


@pytest.mark.parametrize("email", ["rafael@mail.example", ""], ids=["proven", "unproven"])
def test_another_customers_order_looks_like_one_that_does_not_exist(people: People, email: str):
    foreign = asks_for_everything(people, FOREIGN, email)
    missing = asks_for_everything(people, MISSING, email)
    assert foreign == missing
    assert len(foreign) > 2 * len(WISHES)
    if email:
        assert sum("I find no order N-… in your name" in entry for entry in foreign) == len(WISHES)
