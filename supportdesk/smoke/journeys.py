"""The journeys, each a promise kept from end to end; they can be driven again and again against the same server."""

import random
import re
import secrets
import time
from collections.abc import Callable

from supportdesk.smoke.clients import Teammate, until
from supportdesk.smoke.decisions import a_refund_above_the_limit_waits_for_a_teammate
from supportdesk.smoke.faults import a_killed_worker_leaves_exactly_one_effect
from supportdesk.smoke.languages import each_language_gets_its_own_answer
from supportdesk.smoke.steps import World, check, citation, confirmation, prove
from supportdesk.smoke.strangers import a_strangers_order_looks_like_none

SILENT_SECONDS = 4.0
REFUNDABLE = (("ida@mail.example", "N-20377"), ("bastian@mail.example", "N-20512"), ("karim@mail.example", "N-20533"))


def a_question_is_answered_and_resolved(world: World) -> str:
    """A. A question is answered with a citation, the customer says it helped, the ticket resolves."""
    with world.customer() as customer:
        customer.send("Can I return hiking boots that I only wore once on a carpet at home?")
        answer = customer.answer()
        article = customer.http.get(world.url + citation(answer))
        check(article.status_code == 200, "the cited article opens")
        customer.act(type="helped")
        until(lambda: customer.state.get("data-status") == "resolved", "the ticket resolves")
        return answer.text[:90]


def a_small_refund_runs_once(world: World) -> str:
    """B. A refund inside the limit: one-time code, confirmation card, executed, receipt; one entry in the shop's ledger."""
    before = world.shop.entries()
    email, order = random.choice(REFUNDABLE)  # noqa: S311 - codes to one address are limited, so the drives take turns
    amount = f"1.{random.randrange(1, 99):02d}"  # noqa: S311 - only to tell one drive from the next
    with world.customer() as customer:
        customer.send(f"Please refund {amount} EUR of order {order}, a part was worn.")
        customer.answer("the agent asks who it is")
        prove(world, customer, email)
        card = confirmation(customer)
        check(amount in card.text, f"the card names €{amount}: {card.text}")
        check(world.shop.entries() == before, "nothing happened before the yes")
        customer.act(type="confirm", call=card.attributes["data-call"], hash=card.attributes["data-hash"], yes=True)
        receipt = customer.wait(lambda node: node.has("receipt"), "a receipt")
        told = customer.answer("the agent tells what was done")
    new = [entry for entry in world.shop.entries() if entry not in before]
    check(len(new) == 1, f"exactly one effect in the shop's ledger, found {len(new)}")
    check(new[0]["kind"] == "refund" and new[0]["order"] == order, "it is the refund")
    check(f"{new[0]['amount'] / 100:.2f}" == amount, "of the amount that was shown")
    check(new[0]["reference"] in receipt.text, "the receipt names the shop's reference")
    check(new[0]["idempotency_key"] == card.attributes["data-call"], "under the call's own key")
    return f"{receipt.text[:60]} · {told.text[:60]}"


HANDOVERS = {
    "asked": "I want a human please",
    "angry": "This is RIDICULOUS, the third time I write and nobody helps me!!",
    "unanswerable": "Which football club does your founder support?",
}


def a_person_takes_over_and_hands_back(world: World) -> str:
    """D. Asking for a person, anger and an unanswerable question each escalate with the packet; a teammate takes over and back."""
    with world.colleague() as teammate:
        for kind, text in HANDOVERS.items():
            escalates(world, teammate, kind, f"{text} ({secrets.token_hex(3)})")
        return takes_the_wheel(world, teammate)


def escalates(world: World, teammate: Teammate, kind: str, text: str) -> None:
    """One handover: the queue hears of it, the packet is on the ticket's page."""
    with world.customer() as customer:
        customer.send(text)
        until(lambda: customer.state.get("data-handler") == "human", f"{kind}: the ticket goes to a person")
        check(teammate.hears(), f"{kind}: the live queue is told")
        number = until(lambda: teammate.finds(text[:40]), f"{kind}: the ticket stands in the queue")
        page = teammate.page(number)
        packet = next(iter(page.all(lambda node: node.has("facts") and "Language" in node.text)), None)
        check(packet is not None, f"{kind}: the handoff packet is on the page")


def takes_the_wheel(world: World, teammate: Teammate) -> str:
    """Take over while the AI has the ticket; it stays silent until it is handed back, then answers."""
    mark = secrets.token_hex(3)
    with world.customer() as customer:
        customer.send(f"How long is the warranty on tent seams? ({mark})")
        customer.answer()
        number = until(lambda: teammate.finds(mark), "the ticket stands in the list")
        teammate.act(number, "take-over")
        until(lambda: customer.state.get("data-handler") == "human", "the customer sees a person")
        customer.send("Are you still there? What does express shipping cost?")
        teammate.act(number, "reply", body="I am here now, this is Mira.", client_id=secrets.token_hex(6))
        customer.wait(lambda node: node.attributes.get("data-author") == "teammate", "the teammate's words")
        customer.send("And what does standard shipping cost?")
        time.sleep(SILENT_SECONDS)
        spoken = [node for node in customer.entries(customer.seen) if node.attributes.get("data-author") == "ai"]
        check(not spoken, "the AI is silent while a person has the ticket")
        teammate.act(number, "hand-back")
        answer = customer.answer("the AI answers again after the hand-back")
        check(re.search(r"4[.,]90", answer.text), f"it answers what is open: {answer.text[:120]}")
        return answer.text[:90]


JOURNEYS: dict[str, Callable[[World], str]] = {
    "A": a_question_is_answered_and_resolved,
    "B": a_small_refund_runs_once,
    "C": a_refund_above_the_limit_waits_for_a_teammate,
    "D": a_person_takes_over_and_hands_back,
    "E": each_language_gets_its_own_answer,
    "F": a_killed_worker_leaves_exactly_one_effect,
    "G": a_strangers_order_looks_like_none,
}
# They kill the server's processes.
NEEDS_FAULTS = frozenset({"F"})
