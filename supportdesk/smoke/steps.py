"""What several journeys do: the world they run in, proving who one is, reading a card."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from supportdesk.smoke.clients import Customer, Failed, Node, Seen, Shop, Teammate, parsed, until


@dataclass(frozen=True)
class World:
    """Where customers and teammates reach the server, who may sign in, and the folder that arms faults when it is the command's own.

    Of twins each has a world: its workspace, a word that everything its customers write carries, and what was seen of it. Codes are mailed
    to the same addresses in both, so they take turns there.
    """

    url: str
    shop: Shop
    teammate: str
    password: str
    desk_url: str
    faults: Path | None = None
    tenant: str = "norrholt"
    canary: str = ""
    seen: Seen = field(default_factory=Seen)
    mailbox: AbstractContextManager[Any] = field(default_factory=nullcontext)

    def customer(self, language: str = "en") -> Customer:
        """A new visitor."""
        return Customer(self.url, self.tenant, language=language, canary=self.canary, seen=self.seen)

    def colleague(self) -> Teammate:
        """The teammate, signed in anew."""
        return Teammate(self.desk_url, self.teammate, self.password, seen=self.seen)


def check(holds: object, what: str) -> None:
    """Go on only if it holds.

    Raises:
        Failed: saying what was expected.
    """
    if not holds:
        raise Failed(what)


def prove(world: World, customer: Customer, email: str) -> None:
    """Ask for a code and enter the one in the mailbox."""
    with world.mailbox:
        known = codes(world, customer, email)
        customer.act(type="ask_code", email=email)
        fresh = until(lambda: next((code for code in codes(world, customer, email) if code not in known), None), "a mailed code")
        customer.act(type="code", digits=fresh)


def codes(world: World, customer: Customer, email: str) -> list[str]:
    """The codes in the demo's mailbox, newest first."""
    page = parsed(customer.http.get(f"{world.url}/demo/mailbox/", params={"to": email}).text)
    return [node.text for node in page.all(lambda node: node.name == "output")]


def confirmation(customer: Customer) -> Node:
    """The open card."""
    message = customer.wait(
        lambda node: bool(node.all(lambda inner: inner.attributes.get("data-card") == "confirm")), "a confirmation card"
    )
    return message.all(lambda inner: inner.attributes.get("data-card") == "confirm")[0]


def citation(answer: Node) -> str:
    """Where the first source under an answer leads.

    Raises:
        Failed: when there is none.
    """
    link = next(iter(answer.all(lambda node: node.name == "a" and node.attributes.get("href", "").startswith("/help/"))), None)
    if link is None:
        raise Failed(f"a citation under: {answer.text[:120]}")
    return link.attributes["href"]
