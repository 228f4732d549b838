"""What several journeys do: the world they run in, proving who one is, reading a card."""

from dataclasses import dataclass
from pathlib import Path

from supportdesk.smoke.clients import Customer, Failed, Node, Shop, parsed, until


@dataclass(frozen=True)
class World:
    """Where customers and teammates reach the server, who may sign in, and the folder that arms faults when it is the command's own."""

    url: str
    shop: Shop
    teammate: str
    password: str
    desk_url: str
    faults: Path | None = None


def check(holds: object, what: str) -> None:
    """Go on only if it holds.

    Raises:
        Failed: saying what was expected.
    """
    if not holds:
        raise Failed(what)


def prove(world: World, customer: Customer, email: str) -> None:
    """Ask for a code and enter the one in the mailbox."""
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
