"""`python -m tests.browser.screens [folder]`: a picture of every page and state, wide and narrow, light and dark, and a sheet of them all.

It starts a desk of its own, plays the customers and the teammates, and replaces what lies in docs/screens.
"""

import json
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, WebSocketRoute, expect, sync_playwright

from tests import servers
from tests.browser.camera import Camera
from tests.browser.desk import ROOT, Desk, running
from tests.browser.people import Customer, People, Teammate


class Director:
    """Stands on a customer's line and holds the agent's stages still for the picture."""

    def __init__(self, page: Page) -> None:
        self.is_holding = False
        self._lines: list[WebSocketRoute] = []
        page.route_web_socket(re.compile("/ws/chat/"), self._open)

    def _open(self, line: WebSocketRoute) -> None:
        desk = line.connect_to_server()
        self._lines.append(line)
        desk.on_message(lambda frame: None if self.is_holding and '"progress"' in str(frame) else line.send(frame))

    @contextmanager
    def held(self, page: Page) -> Iterator[None]:
        """Inside, the page hears of no stage and no answer but those of `show`."""
        self.is_holding = True
        page.route("**/thread/**", lambda route: route.fulfill(status=204))
        yield
        self.is_holding = False
        page.unroute("**/thread/**")
        # What it was told of meanwhile it has not seen.
        self._lines[-1].send(json.dumps({"type": "changed", "position": 0}))

    def show(self, *stages: str) -> None:
        """Tell the page of these stages, one after the other."""
        for stage in stages:
            self._lines[-1].send(json.dumps({"type": "progress", "stage": stage, "detail": ""}))


def a_refund(camera: Camera, people: People) -> int:
    """Ida's talk, from the greeting to the receipt; returns the number of its ticket."""
    customer = people.customer()
    page = customer.page
    director = Director(page)
    page.reload()
    camera.shoot(page, "chat-greeting", "Chat: greeting")
    with director.held(page):
        customer.say("Can I return hiking boots that I only wore once, on a carpet at home?")
        expect(page.locator(".mine")).to_contain_text("Sent")
        director.show("reading", "searching", "writing")
        expect(page.locator('.steps-live [data-stage="writing"][aria-current]')).to_be_visible()
        camera.shoot(page, "chat-progress", "Chat: what the agent is doing")
    customer.answer(1)
    expect(page.locator(".verdict")).to_be_visible()
    camera.shoot(page, "chat-answer", "Chat: an answer with its source")

    customer.ask("Great. Then please refund the boots from order N-20377.")
    camera.shoot(page, "chat-identity", "Chat: who is it?")
    card = page.locator('[data-card="code"]').last
    card.locator("input[name=email]").fill("ida@mail.example")
    card.locator("input[name=email]").press("Enter")
    expect(card.locator("input[name=digits]")).to_be_visible()
    camera.shoot(page, "chat-code", "Chat: the code is on its way")
    code = customer.mailed_code("ida@mail.example")
    card.locator("input[name=digits]").fill("12345")
    card.locator("input[name=digits]").press("Enter")
    expect(card.locator("[data-step=code] .error")).to_be_visible()
    camera.shoot(page, "chat-code-error", "Chat: a wrong code")
    card.locator("input[name=digits]").fill(code)
    card.locator("input[name=digits]").press("Enter")
    confirm = page.locator('[data-card="confirm"]')
    expect(confirm.locator("[data-answer=yes]")).to_be_visible()
    camera.shoot(page, "chat-confirmation", "Chat: nothing happens before the yes")
    confirm.locator("[data-answer=yes]").click()
    expect(page.locator("#log .receipt")).to_be_visible()
    customer.answer(4)
    camera.shoot(page, "chat-receipt", "Chat: done, with the receipt")

    mailbox = people.context().new_page()
    mailbox.goto(f"{people.desk.url}/demo/mailbox/")
    expect(mailbox.locator("output.code").first).to_be_visible()
    camera.shoot(mailbox, "demo-mailbox", "Demo: the mailbox")
    return people.teammate("mira").find("only wore once, on a carpet")


def a_person(camera: Camera, people: People, mira: Teammate) -> int:
    """A talk that goes to Mira, and one that ends well."""
    customer = people.customer()
    customer.ask("How long is the warranty on tent seams?")
    customer.say("My seam opened on the second night, in the rain. I want to talk to a person.")
    customer.told("Passed on to a person")
    camera.shoot(customer.page, "chat-escalated", "Chat: passed on to a person")
    number = mira.find("warranty on tent seams")
    mira.open_ticket(number)
    mira.take_over()
    mira.note("Seam tape of the spring batch: replace, do not repair.")
    mira.reply("I am sorry about your night. This is a fault of ours: I send you a new inner tent today.")
    expect(customer.page.locator('.say[data-author="teammate"]')).to_be_visible()
    camera.shoot(customer.page, "chat-joined", "Chat: a person joined")
    mira.page.locator("#composer label", has_text="Note").click()
    camera.shoot(mira.page, "console-ticket-human", "Console: a ticket in Mira's hands, writing a note")
    people.complaints.expect("ERR_INTERNET_DISCONNECTED")
    customer.page.context.set_offline(True)
    customer.say("Thank you, Mira. When will it arrive?")
    expect(customer.page.locator('[data-line="offline"]')).to_be_visible()
    camera.shoot(customer.page, "chat-offline", "Chat: offline")
    return number


def a_happy_end(camera: Camera, people: People) -> None:
    """A question, an answer, a verdict."""
    customer = people.customer()
    customer.ask("Which sleeping bag is right for minus eight degrees?")
    customer.answers.last.get_by_role("button", name="This helped").click()
    expect(customer.page.locator("#closed")).to_be_visible()
    camera.shoot(customer.page, "chat-resolved", "Chat: solved")


def the_help_centre(camera: Camera, people: People) -> None:
    """Home, search, article."""
    page = people.context().new_page()
    home = f"{people.desk.url}/help/norrholt/norrholt/en/"
    page.goto(home)
    camera.shoot(page, "help-home", "Help centre: home", whole=True)
    page.goto(f"{home}?q=broken+pole")
    camera.shoot(page, "help-search", "Help centre: search")
    page.goto(f"{home}how-to-return/")
    camera.shoot(page, "help-article", "Help centre: an article", whole=True)


def the_console(camera: Camera, people: People, mira: Teammate, refund: int) -> None:
    """Sign-in, lists, a ticket in the agent's hands, why, trace, palette, keys."""
    page = people.context().new_page()
    page.goto(f"{people.desk.url}/console/sign-in/")
    camera.shoot(page, "console-sign-in", "Console: sign in")
    page = mira.page
    mira.open_list("all")
    camera.shoot(page, "console-queue", "Console: all tickets")
    page.locator("#tickets .subject a").first.click()
    expect(page.locator("#preview #thread")).to_be_visible()
    camera.shoot(page, "console-preview", "Console: a ticket beside the list", sizes=(1440,))
    Customer(people.context().new_page(), people.desk).say("Do you have a shop in Hamburg? I would like to talk to a person.")
    expect(page.locator("#new-tickets")).to_be_visible()
    camera.shoot(page, "console-new-ticket", "Console: a new ticket waits, nothing moved")
    page.goto(f"{people.desk.url}/console/?queue=shipping&tab=all")
    camera.shoot(page, "console-empty", "Console: nothing open in this queue")
    jonas = people.teammate("jonas")
    jonas.page.goto(f"{people.desk.url}/console/")
    camera.shoot(jonas.page, "console-nothing-mine", "Console: nothing waits for me")

    mira.open_ticket(refund)
    expect(page.locator("#orders .num").first).to_be_visible()
    camera.shoot(page, "console-ticket-ai", "Console: a ticket in the agent's hands")
    page.locator("#thread .message.ai", has=page.locator(".slip h3", has_text="Refund €")).locator("[data-act=why]").click()
    expect(page.locator("#why .section").first).to_be_visible()
    camera.shoot(page, "console-why", "Console: why this reply?")
    page.goto(page.locator("#why .head a").evaluate("link => link.href"))
    camera.shoot(page, "console-trace", "Console: the trace of a turn", whole=True)
    mira.open_ticket(refund)
    page.keyboard.press("Control+k")
    expect(page.locator("#palette-options [role=option]").first).to_be_visible()
    camera.shoot(page, "console-palette", "Console: the palette")
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    camera.shoot(page, "console-shortcuts", "Console: the keys")


def an_approval(camera: Camera, people: People, mira: Teammate) -> None:
    """A refund that a teammate decides: nothing waits, the card, an edit, a rejection, the decision, the customer's side."""
    page, approvals = mira.page, f"{people.desk.url}/console/approvals/"
    page.goto(approvals)
    camera.shoot(page, "console-approvals-none", "Approvals: every one is decided")
    customer = people.customer()
    customer.ask("Please refund 150.00 EUR of order N-20418, a pole broke.")
    customer.prove("ida@mail.example")
    customer.page.locator('[data-card="confirm"] [data-answer=yes]').click()
    expect(customer.page.locator(".wait")).to_be_visible()
    customer.answer(3)
    camera.shoot(customer.page, "chat-waits", "Chat: a teammate is deciding")
    page.goto(approvals)
    camera.shoot(page, "console-approvals", "Approvals: the list", again=True)
    page.locator("#asks a").first.click()
    expect(page.locator("[data-do=edit]")).to_be_visible()
    camera.shoot(page, "console-approval", "Approvals: the card", whole=True)
    page.locator("[data-do=edit]").click()
    page.get_by_label("Amount in EUR").fill("120.00")
    expect(page.locator(".foreseen")).to_contain_text("€120.00")
    camera.shoot(page, "console-approval-edit", "Approvals: what an edit would come to")
    page.keyboard.press("Escape")
    page.locator("[data-do=reject]").click()
    camera.shoot(page, "console-approval-reject", "Approvals: reject, with a reason")
    page.keyboard.press("Escape")
    mira.open_ticket(mira.find("150.00 EUR of order N-20418"))
    camera.shoot(page, "console-ticket-waits", "Console: a ticket that waits for a decision")
    page.locator("[data-do=approve]").click()
    expect(page.locator("[data-decided]")).to_be_visible()
    camera.shoot(page, "console-approval-decided", "Approvals: decided, on its ticket")
    expect(customer.page.locator("#log .receipt")).to_be_visible()
    camera.shoot(customer.page, "chat-approved", "Chat: a teammate approved it")
    page.goto(approvals)
    camera.shoot(page, "console-approvals-today", "Approvals: none waits, and what was decided today", sizes=(1440,))


def a_rejection(camera: Camera, people: People, mira: Teammate) -> None:
    """A responder reads the card, a supervisor rejects it, the customer is told, and the trace has the decision."""
    customer = people.customer()
    customer.ask("Please refund 105.00 EUR of order N-20382, it broke.")
    customer.prove("marta@mail.example")
    customer.page.locator('[data-card="confirm"] [data-answer=yes]').click()
    expect(customer.page.locator(".wait")).to_be_visible()
    customer.answer(3)
    page, approvals = mira.page, f"{people.desk.url}/console/approvals/"
    page.goto(approvals)
    address = page.locator("#asks a").first.evaluate("link => link.href")
    jonas = people.teammate("jonas")
    jonas.page.goto(address)
    camera.shoot(jonas.page, "console-approval-reader", "Approvals: the card of somebody who may not decide", sizes=(1440,))
    page.goto(address)
    page.locator("[data-do=reject]").click()
    form = page.locator("form[id^=reject-]")
    form.get_by_label("Reason", exact=True).select_option("Evidence is missing")
    form.get_by_label("What should the customer know?").fill("Please send us a photo of the tear.")
    form.locator("[type=submit]").click()
    expect(page.locator("[data-decided]")).to_be_visible()
    customer.told("A teammate decided not to do this.")
    camera.shoot(customer.page, "chat-rejected", "Chat: a teammate decided against it")
    page.goto(address)
    camera.shoot(page, "console-approval-rejected", "Approvals: rejected, with the reason", whole=True)
    page.locator(".decided a", has_text="Trace").click()
    expect(page.locator(".steps")).to_contain_text("rejected this")
    camera.shoot(page, "console-trace-decision", "Console: the trace, with the teammate's decision", whole=True, sizes=(1440,))


def the_languages(camera: Camera, people: People) -> None:
    """A German answer with its source, an Arabic talk from right to left, the API's own page."""
    for locale, question, words in (
        ("de-DE", "Wie lange dauert die Lieferung nach Deutschland?", "Chat in German"),
        ("ar", "كم تكلفة الشحن؟", "Chat in Arabic, passed on to a person"),
    ):
        customer = people.customer(locale=locale)
        customer.ask(question)
        camera.shoot(customer.page, f"chat-{locale[:2]}", words)
    page = people.context().new_page()
    page.goto(f"{people.desk.url}/api/v1/docs/")
    expect(page.locator(".opblock").first).to_be_visible()
    camera.shoot(page, "api-docs", "The API, read and tried in a browser", sizes=(1440,))


def the_policies(camera: Camera, people: People) -> None:
    """A policy editor's pages."""
    people.complaints.expect("favicon")
    page = people.context().new_page()
    people.sign_in(page, "priya", at="/admin/")
    admin = f"{people.desk.url}/admin/policies"
    page.goto(f"{admin}/policy/")
    camera.shoot(page, "admin-policies", "Policies: the list", again=True)
    page.get_by_role("link", name="Orders and refunds").click()
    camera.shoot(page, "admin-policy", "Policies: one policy", again=True)
    page.locator('a[href="#rules"]').click()
    expect(page.locator("#rules-group")).to_contain_text("R-4")
    camera.shoot(page, "admin-policy-rules", "Policies: its rules", again=True)
    page.goto(f"{admin}/rule/")
    camera.shoot(page, "admin-rules", "Policies: every rule as a sentence", again=True)
    page.get_by_role("link", name="R-4").click()
    camera.shoot(page, "admin-rule", "Policies: one rule", whole=True, again=True)
    page.locator("[name=message]").fill("Above €100.00, or later than 60 days after delivery, a teammate of the orders team decides.")
    page.get_by_role("button", name="Save and continue editing").click()
    page.wait_for_load_state()
    page.goto(page.url.replace("/change/", "/history/"))
    camera.shoot(page, "admin-history", "Policies: who changed the rule", again=True)


def take(desk: Desk, browser: Browser, folder: Path) -> None:
    """Every picture, and the sheet."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.webp"):
        old.unlink()
    camera, people = Camera(folder), People(browser, desk, {})
    try:
        page = people.context().new_page()
        page.goto(f"{desk.url}/demo/")
        camera.shoot(page, "demo-tour", "Demo: the tour", whole=True)
        refund = a_refund(camera, people)
        mira = people.teammate("mira")
        a_person(camera, people, mira)
        a_happy_end(camera, people)
        the_help_centre(camera, people)
        the_console(camera, people, mira, refund)
        an_approval(camera, people, mira)
        a_rejection(camera, people, mira)
        the_languages(camera, people)
        the_policies(camera, people)
    finally:
        people.close()
    camera.sheet()
    if said := people.complaints.left():
        raise SystemExit("A page complained:\n" + "\n".join(said))


def main(arguments: list[str]) -> None:
    """Start a desk and a browser, take the pictures, say how large they are."""
    folder = Path(arguments[0]) if arguments else ROOT / "docs" / "screens"
    path = servers.chromium()
    if not path:
        raise SystemExit(servers.REMEDIES[servers.BROWSER])
    with tempfile.TemporaryDirectory(prefix="supportdesk-screens-") as place, running(Path(place)) as desk, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=servers.CHROMIUM_ARGS)
        take(desk, browser, folder)
        browser.close()
    files = list(folder.glob("*.webp"))
    print(f"{len(files)} pictures, {sum(file.stat().st_size for file in files) / 1e6:.1f} MB: {folder / 'index.html'}")


if __name__ == "__main__":
    main(sys.argv[1:])
