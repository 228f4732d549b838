"""Journey D: whatever the AI should not handle goes to a person, who has the wheel until it is handed back."""

import secrets

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.people import Customer, People, Teammate

pytestmark = pytest.mark.browser


def heard_by(page: Page) -> list[str]:
    """Everything a page is told from now on: frames of its sockets, and the text of its answers."""
    heard: list[str] = []
    page.on("websocket", lambda line: line.on("framereceived", lambda frame: heard.append(str(frame))))
    page.on("requestfinished", lambda request: heard.append(_text(request)) if "/thread/" in request.url else None)
    return heard


def _text(request: Request) -> str:
    response = request.response()
    return response.text() if response else ""


def arrives(teammate: Teammate, mark: str) -> None:
    """A ticket comes to the live list: announced first, shown on demand."""
    waiting = teammate.page.locator("#new-tickets")
    expect(waiting).to_be_visible()
    expect(teammate.row(mark)).to_have_count(0)
    waiting.click()
    expect(teammate.row(mark)).to_be_visible()


def test_asking_anger_and_the_unanswerable_each_reach_the_queue_without_moving_it(people: People):
    mira = people.teammate("mira")
    mira.open_list()
    pressed, asked, angry, stuck = (secrets.token_hex(3) for _ in range(4))

    held = mira.page.locator("#tickets > .ticket").nth(1)
    held.hover()
    number, box = held.get_attribute("data-number"), held.bounding_box()
    customer = people.customer()
    customer.say(f"Hello, my ticket is {pressed}.")
    customer.page.get_by_role("button", name="Talk to a person").click()
    customer.told("Passed on to a person")
    expect(mira.page.locator("#new-tickets")).to_be_visible()
    assert (held.get_attribute("data-number"), held.bounding_box()) == (number, box), "the row under the pointer moved"
    arrives(mira, pressed)

    for text, mark in (
        (f"I want a human please, it is about {asked}", asked),
        (f"This is RIDICULOUS, the third time I write about {angry} and nobody helps me!!", angry),
        (f"Which football club does your founder support? ({stuck})", stuck),
    ):
        customer = people.customer()
        customer.say(text)
        customer.told("Passed on to a person")
        arrives(mira, mark)
        expect(mira.row(mark).locator(".handler")).to_contain_text("Nobody")

    mira.row(angry).locator(".subject a").click()
    expect(mira.page.locator("#preview #thread")).to_contain_text(angry)
    mira.open_ticket(int(mira.row(angry).get_attribute("data-number") or 0))
    packet = mira.page.locator("#side-who section", has_text="Handoff packet")
    for name in ("Reason", "Asks", "Language"):
        expect(packet.locator("dt", has_text=name).first).to_be_visible()
    expect(packet).to_contain_text(angry)


def opened(people: People, customer: Customer, question: str, name: str = "mira") -> Teammate:
    """A teammate on the page of the ticket that a customer's answered question made."""
    mark = secrets.token_hex(3)
    customer.ask(f"{question} ({mark})")
    teammate = people.teammate(name)
    teammate.open_ticket(teammate.find(mark))
    return teammate


def test_a_teammate_takes_the_wheel_and_gives_it_back(people: People):
    customer = people.customer()
    heard = heard_by(customer.page)
    mira = opened(people, customer, "How long is the warranty on tent seams?")
    mira.take_over()
    customer.told("Mira (Orders team) joined. Alder is silent now.")
    expect(customer.page.locator("#who")).to_contain_text("Mira")

    customer.say("Are you there? What does express shipping cost?")
    expect(mira.page.locator("#thread .message.customer", has_text="express shipping")).to_be_visible()
    secret = f"Only for us: {secrets.token_hex(8)}"
    mira.note(secret)
    mira.reply("I am here now. Express is 12.90.")
    reply = customer.page.locator('.say[data-author="teammate"]')
    expect(reply).to_contain_text("I am here now.")
    expect(reply.locator(".by")).to_contain_text("Mira")
    customer.say("Thank you. And what does standard shipping cost?")
    expect(mira.page.locator("#thread .message.customer", has_text="standard shipping")).to_be_visible()
    expect(customer.answers).to_have_count(1)

    mira.hand_back()
    customer.told("Mira handed back to Alder.")
    expect(customer.answer(2)).to_contain_text("4.90")
    expect(mira.page.locator("#thread .message.ai").last).to_contain_text("4.90")
    expect(customer.answers).to_have_count(2)
    assert secret not in customer.page.content()
    assert heard
    assert not [each for each in heard if secret in each or "Only for us" in each]


def test_of_two_who_take_over_the_second_reads_who_has_it(people: People):
    customer = people.customer()
    mira = opened(people, customer, "How do I dry my tent?")
    jonas = people.teammate("jonas")
    jonas.open_ticket(int(mira.page.locator("#thread").get_attribute("data-number") or 0))
    # News reaches him late: he presses a button that is still there.
    jonas.page.route("**/news/**", lambda route: route.fulfill(status=204))
    mira.take_over()
    people.complaints.expect(r"status of 409")
    jonas.page.locator('[data-act="take-over"]').click()
    expect(jonas.page.locator("#toasts")).to_contain_text("Mira Solberg already has this ticket.")
    expect(jonas.page.locator("#ticket-state")).to_contain_text("Mira Solberg has this ticket.")
    expect(jonas.page.locator("[name=kind][value=reply]")).to_be_disabled()
    expect(customer.page.locator("#log .event", has_text="joined")).to_have_count(1)
