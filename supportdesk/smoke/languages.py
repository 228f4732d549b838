"""Journey E: everybody in their own language, from the question to the receipt; and an honest word where there is nothing in it."""

import random
import re

from supportdesk.smoke.clients import Node, parsed, until
from supportdesk.smoke.steps import World, check, citation, confirmation, prove

# A question and a follow-up that leans on it, in two languages with articles of their own.
TALKS = {
    "de": ("Wie lange dauert die Lieferung nach Deutschland?", "Und nach Österreich?", "Werktage"),
    "es": ("¿Cuánto tarda la entrega en Alemania?", "¿Y en Austria?", "días laborables"),
}
# None of journey B's customers: codes to one address are limited.
REFUNDABLE = (
    ("elin@mail.example", "N-20367"),
    ("joost@mail.example", "N-20429"),
    ("marta@mail.example", "N-20382"),
    ("greta@mail.example", "N-20405"),
    ("sofia@mail.example", "N-20299"),
)
ARABIC = re.compile(r"[\u0600-\u06ff]{2,}")


def each_language_gets_its_own_answer(world: World) -> str:
    """E. German and Spanish from their own articles, a German refund with German card and receipt, Arabic to a person, right to left."""
    for language, (question, follow_up, says) in TALKS.items():
        is_answered(world, language, question, follow_up, says)
    told = a_german_refund(world)
    return f"{told} · {arabic_goes_to_a_person(world)}"


def is_answered(world: World, language: str, question: str, follow_up: str, says: str) -> None:
    """Answer, citation and article in one language; the follow-up too."""
    with world.customer(language=language) as customer:
        for asked in (question, follow_up):
            customer.send(asked)
            answer = customer.answer(f"{language}: an answer to “{asked}”")
            check(says in answer.text, f"{language}: “{says}” in: {answer.text[:160]}")
            place = citation(answer)
            check(re.fullmatch(rf"/help/[^/]+/[^/]+/{language}/.+/", place), f"{language}: the citation leads to {place}")
            article = customer.http.get(world.url + place)
            check(article.status_code == 200, f"{language}: the cited article opens")
            check(_has(article.text, lang=language, dir="ltr"), f"{language}: the article says which language it is in")


def a_german_refund(world: World) -> str:
    """A refund inside the limit, asked for, shown, confirmed and told in German."""
    email, order = random.choice(REFUNDABLE)  # noqa: S311 - codes to one address are limited, so the drives take turns
    cents = random.randrange(101, 199)  # noqa: S311 - only to tell one drive from the next
    amount = f"1,{cents - 100:02d} €"
    before = world.shop.entries()
    with world.customer(language="de") as customer:
        customer.send(f"Bitte {amount} von der Bestellung {order} erstatten, ein Teil war abgenutzt.")
        asked = customer.answer("de: the agent asks who it is")
        check("Zuerst muss ich wissen" in asked.text, f"de: the agent asks in German: {asked.text[:120]}")
        prove(world, customer, email)
        card = confirmation(customer)
        check(f"{amount} erstatten?" in _plain(card.text), f"de: the card's question: {card.text}")
        check(f"Ja, {amount} erstatten" in _plain(card.text), f"de: the card's button: {card.text}")
        customer.act(type="confirm", call=card.attributes["data-call"], hash=card.attributes["data-hash"], yes=True)
        receipt = customer.wait(lambda node: node.has("receipt"), "de: a receipt")
        check(f"{amount} erstattet" in _plain(receipt.text), f"de: the receipt's title: {receipt.text}")
        told = customer.answer("de: the agent tells what was done")
    new = [entry for entry in world.shop.entries() if entry not in before and entry["order"] == order]
    check(len(new) == 1 and new[0]["amount"] == cents, f"de: exactly one refund of {cents} cents, found {new}")
    check(amount in _plain(told.text), f"de: the amount as Germans write it: {told.text[:160]}")
    check(new[0]["reference"] in told.text and "Erledigt" in told.text, f"de: told in German with its reference: {told.text[:160]}")
    said = _plain(told.text)
    return said[said.find("Erledigt") :][:70]


def arabic_goes_to_a_person(world: World) -> str:
    """No article is in Arabic: the customer is told so in Arabic and gets a person, on a page from right to left."""
    with world.customer(language="ar") as customer:
        page = customer.http.get(customer.place)
        check(_has(page.text, lang="ar", dir="rtl"), "ar: the page runs from right to left")
        customer.send("كم تكلفة الشحن؟")
        answer = customer.answer("ar: an answer")
        words = next(iter(answer.all(lambda node: node.has("words"))), None)
        check(words is not None and words.attributes.get("dir") in ("auto", "rtl"), "ar: the message finds its own direction")
        check(words is not None and len(ARABIC.findall(words.text)) > 5, f"ar: the words are Arabic: {answer.text[:120]}")
        check(not answer.all(_leads_to_help), "ar: nothing is cited that the customer cannot read")
        until(lambda: customer.state.get("data-handler") == "human", "ar: the ticket goes to a person")
        return words.text[:60] if words else ""


def _leads_to_help(node: Node) -> bool:
    return node.attributes.get("href", "").startswith("/help/")


def _has(page: str, **attributes: str) -> bool:
    """Whether the document's root carries these attributes."""
    root = next(iter(parsed(page).all(lambda node: node.name == "html")))
    return all(root.attributes.get(name) == value for name, value in attributes.items())


def _plain(text: str) -> str:
    """No-break spaces as spaces."""
    return " ".join(text.replace("\u00a0", " ").replace("\u202f", " ").split())
