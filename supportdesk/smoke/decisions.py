"""Journey C: what the policy does not decide, a teammate does."""

import random
import re
import secrets

from supportdesk.smoke.clients import Failed, Teammate, parsed, until
from supportdesk.smoke.steps import World, check, confirmation, prove

# Orders with more left than the rule lets the agent refund by itself.
LARGE = (("marta@mail.example", "N-20382"), ("ida@mail.example", "N-20418"), ("greta@mail.example", "N-20405"))
ASKED, EDITED = 12000, 10100


def a_refund_above_the_limit_waits_for_a_teammate(world: World) -> str:
    """C. A refund above the limit waits; a teammate sees it appear, edits the amount, approves; it runs once and is told truly."""
    before = world.shop.entries()
    email, order = chosen(world)
    # Cents of its own tell one drive from the next.
    asked, edited = (cents + random.randrange(1, 99) for cents in (ASKED, EDITED))  # noqa: S311
    mark = secrets.token_hex(3)
    with world.colleague() as teammate, world.customer() as customer:
        customer.send(f"Please refund {shown(asked)} EUR of order {order}, it broke. ({mark})")
        customer.answer("the agent asks who it is")
        prove(world, customer, email)
        card = confirmation(customer)
        customer.act(type="confirm", call=card.attributes["data-call"], hash=card.attributes["data-hash"], yes=True)
        waiting = customer.answer("the agent says that a teammate decides")
        check("teammate" in waiting.text.lower(), f"the customer is told to wait for a teammate: {waiting.text[:120]}")
        check(world.shop.entries() == before, "nothing happened before the decision")
        check(teammate.hears(), "the teammates' page is told")
        approval, hashed = until(lambda: waits(teammate, mark), "the approval stands on the teammates' page")
        teammate.decide(approval, "edit", amount=shown(edited), shown=hashed)
        customer.wait(lambda node: node.has("receipt"), "a receipt")
        told = customer.answer("the agent tells what was done")
        check(not teammate.decide_again(approval, hashed), "a second decision is refused")
    new = [entry for entry in world.shop.entries() if entry not in before]
    check([entry["amount"] for entry in new] == [edited], f"exactly one refund of the edited amount: {new}")
    check(shown(edited) in told.text, f"the customer is told the true amount: {told.text[:160]}")
    return f"{shown(asked)} asked, {shown(edited)} approved · {told.text[:90]}"


def chosen(world: World) -> tuple[str, str]:
    """A customer whose order still has enough left.

    Raises:
        Failed: earlier drives used all of them up.
    """
    for email, number in random.sample(LARGE, len(LARGE)):
        order = world.shop.order(number)
        if order["captured"] - order["refunded"] > ASKED + 100:
            return email, number
    raise Failed("an order with enough left: earlier drives used them up, so start the demo with a fresh shop")


def waits(teammate: Teammate, mark: str) -> tuple[int, str] | None:
    """The id and the hash of the open approval of the ticket with this mark."""
    listed = parsed(teammate.http.get("/console/approvals/").text)
    for link in listed.all(lambda node: node.name == "a" and bool(re.search(r"/approvals/\d+/$", node.attributes.get("href", "")))):
        address = link.attributes["href"]
        page = parsed(teammate.http.get(address).text)
        ticket = page.all(lambda node: node.name == "a" and bool(re.search(r"/console/tickets/\d+/$", node.attributes.get("href", ""))))
        numbers = {node.attributes["href"] for node in ticket}
        if not any(mark in teammate.http.get(number).text for number in numbers):
            continue
        hashes = page.all(lambda node: node.name == "input" and node.attributes.get("name") == "shown")
        if hashes:
            return int(address.rstrip("/").rsplit("/", 1)[-1]), hashes[0].attributes["value"]
    return None


def shown(cents: int) -> str:
    """12.34"""
    return f"{cents / 100:.2f}"
