"""Journey E in a browser: German, Spanish and Arabic pages, from the question to the receipt, on a phone and on a desk."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.people import Customer, People

pytestmark = pytest.mark.browser

SIZES = [pytest.param({"width": 390, "height": 844}, id="390"), pytest.param({"width": 1440, "height": 900}, id="1440")]


def spill(page: Page) -> int:
    """How many pixels the page is wider than the screen."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def direction(part: Locator) -> str:
    """Which way its words run, as the browser computed it."""
    return str(part.evaluate("node => getComputedStyle(node).direction"))


def prove(customer: Customer, email: str) -> None:
    """The code, by the fields and not by the words on the buttons."""
    card = customer.page.locator('[data-card="code"]').last
    card.locator("input[name=email]").fill(email)
    card.locator("input[name=email]").press("Enter")
    expect(card.locator("input[name=digits]")).to_be_visible()
    card.locator("input[name=digits]").fill(customer.mailed_code(email))
    card.locator("input[name=digits]").press("Enter")


@pytest.mark.parametrize("viewport", SIZES)
@pytest.mark.parametrize(
    ("locale", "language", "question", "follow_up", "says"),
    [
        ("de-DE", "de", "Wie lange dauert die Lieferung nach Deutschland?", "Und nach Österreich?", "Werktage"),
        ("es-ES", "es", "cuanto tarda la entrega en Alemania", "¿Y en Austria?", "días laborables"),
    ],
)
def test_a_question_and_its_follow_up_are_answered_from_articles_of_the_language(
    people: People, viewport: dict[str, int], locale: str, language: str, question: str, follow_up: str, says: str
):
    customer = people.customer(locale=locale, viewport=viewport)
    expect(customer.page.locator("html")).to_have_attribute("lang", language)
    assert spill(customer.page) == 0
    for asked in (question, follow_up):
        answer = customer.ask(asked)
        expect(answer.locator(".words")).to_contain_text(says)
        expect(answer.locator(".sources a").first).to_have_attribute("href", re.compile(rf"^/help/norrholt/norrholt/{language}/"))
    assert spill(customer.page) == 0
    with customer.page.context.expect_page() as opening:
        customer.answers.last.locator(".sources a").first.click()
    article = opening.value
    expect(article.locator("html")).to_have_attribute("lang", language)
    expect(article.locator("h1").first).to_be_visible()
    assert spill(article) == 0


@pytest.mark.parametrize(
    ("viewport", "email", "order"),
    [
        pytest.param({"width": 390, "height": 844}, "elin@mail.example", "N-20367", id="390"),
        pytest.param({"width": 1440, "height": 900}, "joost@mail.example", "N-20429", id="1440"),
    ],
)
def test_a_refund_is_german_from_the_wish_to_the_receipt(people: People, viewport: dict[str, int], email: str, order: str):
    customer = people.customer(locale="de-DE", viewport=viewport)
    customer.ask(f"Bitte 1,50 € von der Bestellung {order} erstatten, ein Teil fehlte")
    prove(customer, email)
    card = customer.page.locator('[data-card="confirm"]')
    expect(card.locator("h2")).to_have_text("1,50\u00a0€ erstatten?")
    expect(card.locator("[data-answer=yes]")).to_have_text("Ja, 1,50\u00a0€ erstatten")
    expect(card.locator("[data-answer=no]")).to_have_text("Nein, so lassen")
    assert spill(customer.page) == 0
    card.locator("[data-answer=yes]").click()
    receipt = customer.page.locator("#log .receipt")
    expect(receipt.locator("h2")).to_contain_text("1,50\u00a0€ erstattet")
    expect(receipt.locator("dt").first).to_have_text("Referenz")
    told = customer.answer(3)
    expect(told.locator(".words")).to_contain_text("Erledigt: 1,50")
    expect(told.locator(".words")).to_contain_text(re.compile(r"Referenz: RF-\d+"))
    assert spill(customer.page) == 0


@pytest.mark.parametrize("viewport", SIZES)
def test_an_arabic_talk_runs_from_right_to_left_and_ends_honestly(people: People, viewport: dict[str, int]):
    customer = people.customer(locale="ar", viewport=viewport)
    page = customer.page
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    assert spill(page) == 0
    answer = customer.ask("كم تكلفة الشحن؟")
    expect(answer.locator(".words")).to_contain_text("باللغة العربية")
    assert direction(answer.locator(".words")) == "rtl"
    assert answer.locator(".sources").count() == 0
    expect(page.locator("#log .event").last).to_contain_text("تم التحويل إلى شخص")
    avatar, words = answer.locator(".avatar").bounding_box(), answer.locator(".words").bounding_box()
    assert avatar is not None
    assert words is not None
    assert avatar["x"] > words["x"], "who speaks stands at the beginning of the line, on the right"
    mine = page.locator("#log .mine").last.bounding_box()
    assert mine is not None
    assert mine["x"] < words["x"] + words["width"] / 2, "one's own words stand at the end of the line, on the left"
    assert spill(page) == 0


def test_english_words_in_an_arabic_page_keep_their_own_direction(people: People):
    customer = people.customer(locale="ar", viewport={"width": 390, "height": 844})
    answer = customer.ask("How long is the warranty on tent seams?")
    assert direction(answer.locator(".words")) == "ltr"
    expect(customer.page.locator("html")).to_have_attribute("dir", "rtl")


@pytest.mark.parametrize(
    ("locale", "heading"), [("de-DE", "Hier ist nichts"), ("ar", "لا يوجد شيء هنا"), ("en-GB", "There is nothing here")]
)
def test_a_page_that_is_not_there_says_so_in_the_browsers_language(people: People, locale: str, heading: str):
    people.complaints.expect("404")
    page = people.context(locale=locale).new_page()
    page.goto(f"{people.desk.url}/help/norrholt/norrholt/en/nothing-of-this-name/")
    expect(page.locator("h1")).to_have_text(heading)
    expect(page.locator("html")).to_have_attribute("dir", "rtl" if locale == "ar" else "ltr")
    page.goto(f"{people.desk.url}/console/nothing-of-this-name/")
    expect(page.locator("h1")).to_have_text("There is nothing here")
