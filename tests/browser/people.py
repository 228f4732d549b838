"""The people of the browser tests: customers and teammates, each in a browser context of their own, and what their pages complain of."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, Response, expect

from tests.browser.desk import Desk

PASSWORD = "norrholt-demo-1"  # as `serve --demo` greets with it
PATIENCE = 30_000
expect.set_options(timeout=PATIENCE)

# Set by any script that should never have run.
HOOK = "window.__ran = []; window.alert = window.confirm = window.prompt = (words) => { window.__ran.push(String(words)); };"


class Complaints:
    """Everything a page should not have said: console errors (CSP among them), uncaught errors, answers of 500 and above."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._expected: list[str] = []

    def listen_to(self, context: BrowserContext) -> None:
        """Hear every page of the context."""
        context.on("console", lambda said: self._hear(said.text, said.location) if said.type == "error" else None)
        context.on("weberror", lambda error: self.found.append(f"uncaught: {error.error}"))
        context.on("response", self._weigh)

    def expect(self, pattern: str) -> None:
        """Let pass what belongs to the test, such as the network that was taken away."""
        self._expected.append(pattern)

    def left(self) -> list[str]:
        """What was said and not expected."""
        return [each for each in self.found if not any(re.search(pattern, each) for pattern in self._expected)]

    def _hear(self, text: str, location: Any) -> None:
        self.found.append(f"console: {text} ({location.get('url', '')}:{location.get('lineNumber', '')})")

    def _weigh(self, response: Response) -> None:
        if response.status >= 500:
            self.found.append(f"HTTP {response.status} {response.request.method} {response.url}")


class Customer:
    """A visitor on the chat page."""

    def __init__(self, page: Page, desk: Desk) -> None:
        self.page, self.desk = page, desk
        page.goto(desk.chat)
        self.field = page.locator("#text")
        self.answers = page.locator('.say[data-author="ai"]')
        self.words = page.locator("#log .say:not(#greeting), #log .event, #log .receipt")

    def say(self, text: str) -> None:
        """Write and press Enter."""
        self.field.fill(text)
        self.field.press("Enter")

    def ask(self, text: str) -> Locator:
        """Write, and wait for the agent's next words."""
        before = self.answers.count()
        self.say(text)
        return self.answer(before + 1)

    def answer(self, number: int) -> Locator:
        """The agent's words with this number, waited for."""
        answer = self.answers.nth(number - 1)
        expect(answer).to_be_visible()
        return answer

    def told(self, words: str) -> Locator:
        """A line of news in the thread, waited for."""
        line = self.page.locator("#log .event", has_text=words).last
        expect(line).to_be_visible()
        return line

    def prove(self, email: str) -> None:
        """Answer the newest question who it is, with the code read in the mailbox as a person would."""
        card = self.page.locator('[data-card="code"]').last
        card.locator("input[name=email]").fill(email)
        card.get_by_role("button", name="Send the code").click()
        expect(card.locator("input[name=digits]")).to_be_visible()
        card.locator("input[name=digits]").fill(self.mailed_code(email))
        card.get_by_role("button", name="Continue").click()
        self.told("It is you")

    def mailed_code(self, email: str) -> str:
        """The newest code of this address, read in a tab of its own."""
        tab = self.page.context.new_page()
        tab.goto(f"{self.desk.url}/demo/mailbox/?to={email}")
        code = tab.locator("output.code").first
        expect(code).to_be_visible()
        digits = code.inner_text()
        tab.close()
        return digits


class Teammate:
    """A signed-in teammate in the console."""

    def __init__(self, page: Page, desk: Desk, name: str) -> None:
        self.page, self.desk, self.name = page, desk, name

    def open_list(self, tab: str = "all") -> None:
        """The list of tickets, live: changes from now on arrive by themselves."""
        with self.page.expect_websocket() as opening:
            self.page.goto(f"{self.desk.url}/console/?tab={tab}")
        opening.value.wait_for_event("framereceived")

    def row(self, subject: str) -> Locator:
        """The row with these words in it."""
        return self.page.locator("#tickets > .ticket", has_text=subject)

    def find(self, subject: str) -> int:
        """The number of the ticket with this subject, found by searching as a person would."""
        self.page.goto(f"{self.desk.url}/console/?q={subject}&tab=all")
        return int(self.row(subject).first.get_attribute("data-number") or 0)

    def open_ticket(self, number: int) -> None:
        """The ticket's own page, live."""
        with self.page.expect_websocket() as opening:
            self.page.goto(f"{self.desk.url}/console/tickets/{number}/")
        opening.value.wait_for_event("framereceived")

    def take_over(self) -> None:
        """Press the one button, and wait until the wheel is here."""
        self.page.locator('[data-act="take-over"]').click()
        expect(self.page.locator("#ticket-state")).to_contain_text("You have this ticket.")

    def reply(self, text: str) -> None:
        """Write to the customer."""
        self.page.locator("#composer label", has_text="Reply").click()
        self.page.locator("#text").fill(text)
        self.page.locator("[data-send=reply]").click()
        expect(self.page.locator("#thread .message.teammate:not(.pending)", has_text=text)).to_be_visible()

    def note(self, text: str) -> None:
        """Write to the teammates alone."""
        self.page.locator("#composer label", has_text="Note").click()
        self.page.locator("#text").fill(text)
        self.page.locator("[data-send=note]").click()
        expect(self.page.locator("#thread .message.note:not(.pending)", has_text=text)).to_be_visible()

    def hand_back(self) -> None:
        """Give the ticket back to the agent."""
        self.page.locator('[data-act="hand-back"]').click()
        self.page.locator("#hand-back button[type=submit]").click()
        expect(self.page.locator("#ticket-state")).to_contain_text("Alder has this ticket.")


class People:
    """Opens contexts in one browser against one desk, and keeps who is signed in."""

    def __init__(self, browser: Browser, desk: Desk, signed_in: dict[str, Any]) -> None:
        self.browser, self.desk = browser, desk
        self.complaints = Complaints()
        self._signed_in = signed_in
        self._contexts: list[BrowserContext] = []

    def context(self, **options: Any) -> BrowserContext:
        """A fresh browser profile, listened to."""
        context = self.browser.new_context(**{"locale": "en-GB", "viewport": {"width": 1280, "height": 800}, **options})
        context.set_default_timeout(PATIENCE)
        context.add_init_script(HOOK)
        self.complaints.listen_to(context)
        self._contexts.append(context)
        return context

    def customer(self, **options: Any) -> Customer:
        """Somebody who was never here before."""
        return Customer(self.context(**options).new_page(), self.desk)

    def teammate(self, name: str = "mira", **options: Any) -> Teammate:
        """A teammate, signed in once per run through the sign-in page."""
        if name not in self._signed_in:
            page = self.context().new_page()
            self.sign_in(page, name)
            self._signed_in[name] = page.context.storage_state()
            page.context.close()
        return Teammate(self.context(storage_state=self._signed_in[name], **options).new_page(), self.desk, name)

    def sign_in(self, page: Page, name: str, at: str = "/console/") -> None:
        """Through the page, as a person."""
        page.goto(self.desk.url + at)
        page.get_by_label("Email").fill(f"{name}@norrholt.example")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name=re.compile("^(Sign|Log) in")).click()
        expect(page).not_to_have_url(re.compile("sign-in|login"))

    def close(self) -> None:
        """Close what was opened."""
        for context in self._contexts:
            context.close()


@contextmanager
def without_complaints(people: People) -> Iterator[People]:
    """Fails at the end when a page complained."""
    try:
        yield people
    finally:
        people.close()
    if said := people.complaints.left():
        raise AssertionError("A page complained:\n" + "\n".join(said))
