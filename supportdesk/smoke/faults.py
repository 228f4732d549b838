"""Journey F: the worker is killed around the effect, twice; whatever it left behind is finished by the next one."""

import random
import time
from pathlib import Path

from supportdesk.smoke.steps import World, check, confirmation, prove

REFUNDABLE = {"after_effect": ("joost@mail.example", "N-20429"), "before_effect": ("elin@mail.example", "N-20367")}
WITHIN_SECONDS = 60.0


def a_killed_worker_leaves_exactly_one_effect(world: World) -> str:
    """F. Killed between the shop's effect and our record, and just before the effect: one effect each, and the truth is told."""
    check(world.faults is not None, "a server of this command's own: --managed")
    assert world.faults is not None  # noqa: S101
    return " · ".join(f"{point}: {killed_at(world, world.faults, point):.0f} s" for point in REFUNDABLE)


def killed_at(world: World, faults: Path, point: str) -> float:
    """One refund whose worker dies at the point; seconds from the death to the true answer."""
    before = world.shop.entries()
    email, order = REFUNDABLE[point]
    amount = f"1.{random.randrange(1, 99):02d}"  # noqa: S311 - only to tell one drive from the next
    armed = faults / point
    with world.customer() as customer:
        customer.send(f"Please refund {amount} EUR of order {order}, a part was worn.")
        customer.answer("the agent asks who it is")
        prove(world, customer, email)
        card = confirmation(customer)
        armed.touch()
        customer.act(type="confirm", call=card.attributes["data-call"], hash=card.attributes["data-hash"], yes=True)
        end = time.monotonic() + WITHIN_SECONDS
        while armed.exists():
            check(time.monotonic() < end, f"the worker reaches {point}")
            time.sleep(0.05)
        died = time.monotonic()
        receipt = customer.wait(lambda node: node.has("receipt"), f"{point}: a receipt", seconds=WITHIN_SECONDS)
        told = customer.wait(lambda node: node.attributes.get("data-author") == "ai", f"{point}: the truth", seconds=WITHIN_SECONDS)
        seconds = time.monotonic() - died
    new = [entry for entry in world.shop.entries() if entry not in before]
    check(len(new) == 1, f"{point}: exactly one effect in the shop's ledger, found {len(new)}")
    check(new[0]["idempotency_key"] == card.attributes["data-call"], f"{point}: under the call's own key")
    check(new[0]["reference"] in receipt.text, f"{point}: the receipt names the shop's reference")
    check(amount in told.text, f"{point}: the true amount is told: {told.text[:120]}")
    check(seconds <= WITHIN_SECONDS, f"{point}: within a minute, took {seconds:.0f} s")
    return seconds
