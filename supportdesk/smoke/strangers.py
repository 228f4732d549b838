"""Journey G: somebody else's order and one that does not exist sound the same, look the same, and leave the same trace."""

import random
import re
import secrets
from dataclasses import dataclass

from supportdesk.smoke.clients import Customer, Failed, Node, Teammate, parsed, until
from supportdesk.smoke.steps import World, check, prove

# Each drive proves one of them twice; codes to one address are limited.
ASKERS = ("rafael@mail.example", "claire@mail.example", "tom@mail.example", "owen@mail.example", "yuki@mail.example", "dana@mail.example")
# Orders of two people who are not among them.
FOREIGN = ("N-20377", "N-20512")
WISHES = {
    "look up": "Where is my order {number}?",
    "refund": "Please refund 1.00 EUR of order {number}, a part was worn.",
    "cancel": "Please cancel order {number}.",
    "address": "Please send order {number} to 12 High Street, Bristol BS1 4DJ, UK instead.",
}
FIGURES = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True)
class Heard:
    """What one visitor got for each wish, and what teammates see of how it came about; the order's number is left out of both."""

    replies: dict[str, list[str]]
    traces: list[list[str]]


def a_strangers_order_looks_like_none(world: World) -> str:
    """G. Asking for another customer's order tells nothing: replies and traces equal those for a number that does not exist."""
    with world.colleague() as teammate:
        email = random.choice(ASKERS)  # noqa: S311 - codes to one address are limited, so the drives take turns
        for who in ("", email):
            foreign = listens(world, teammate, who, random.choice(FOREIGN))  # noqa: S311 - any of them will do
            missing = listens(world, teammate, who, f"N-29{random.randrange(100, 999)}")  # noqa: S311 - nobody has one of these
            compare(foreign, missing, "proven" if who else "unproven")
    return f"{len(WISHES)} wishes, proven and not: the same words and the same {len(foreign.traces)} traces"


def compare(foreign: Heard, missing: Heard, who: str) -> None:
    """Both are equal.

    Raises:
        Failed: showing the first difference.
    """
    for wish in WISHES:
        check(foreign.replies[wish] == missing.replies[wish], f"{who}, {wish}: {foreign.replies[wish]} is not {missing.replies[wish]}")
    check(len(foreign.traces) == len(missing.traces) >= len(WISHES), f"{who}: {len(foreign.traces)} and {len(missing.traces)} traces")
    for number, (one, other) in enumerate(zip(foreign.traces, missing.traces, strict=True), 1):
        different = next((pair for pair in zip(one, other, strict=False) if pair[0] != pair[1]), None)
        check(one == other, f"{who}, trace {number}: {different or (len(one), len(other))}")


def listens(world: World, teammate: Teammate, email: str, number: str) -> Heard:
    """One visitor, proven when there is an address, asks for everything about one number."""
    # A word, not figures: those could be taken for a code, and the ticket would begin with another intent.
    mark = "".join(secrets.choice("bdfgklmnprstv") + secrets.choice("aeiou") for _ in range(4))
    with world.customer() as customer:
        customer.send(f"Hello ({mark})")
        customer.answer("a greeting")
        if email:
            prove(world, customer, email)
            customer.answer("the agent says that it knows who it is")
        replies = {wish: asks(customer, text.format(number=number), number) for wish, text in WISHES.items()}
    found = until(lambda: teammate.finds(mark), "the ticket stands in the list")
    return Heard(replies, traces_of(teammate, found, number, mark))


def asks(customer: Customer, text: str, number: str) -> list[str]:
    """Everything that is shown after one message until it is answered, in order: what kind of thing it is, and its words."""
    since = customer.send(text)
    customer.answer(f"an answer to “{text}”")
    return [f"{node.attributes.get('class')}: {node.text.replace(number, 'N-…')}" for node in customer.entries(since)]


def traces_of(teammate: Teammate, ticket: int, number: str, mark: str) -> list[list[str]]:
    """The shape of each turn of a ticket, oldest first: every element of the trace with its words, figures left out.

    The greeting's turn is left out: it knows no number yet, and its words differ by the mark that finds the ticket.
    """
    links = teammate.page(ticket).all(lambda node: node.attributes.get("data-act") == "why")[1:]
    shapes = []
    for link in links:
        answer = teammate.http.get(link.attributes["href"])
        if answer.status_code != 200:
            raise Failed(f"a trace answers {answer.status_code}")
        steps = next(iter(parsed(answer.text).all(lambda node: node.name == "ol" and node.has("steps"))), None)
        if steps is None:
            raise Failed("a trace without steps")
        shapes.append([shape(node, number, mark) for node in steps.all(lambda _node: True)])
    return shapes


def shape(node: Node, number: str, mark: str) -> str:
    """One element without its number, times and counts."""
    own = " ".join(" ".join(node.own).split()).replace(number, "N-…").replace(mark, "…")
    return f"{node.name}.{node.attributes.get('class', '')}: {FIGURES.sub('#', own)}"
