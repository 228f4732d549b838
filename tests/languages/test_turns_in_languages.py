"""Whole turns in the customer's language: answers from its articles, the language kept or followed, an honest end where there is none."""

import re

import pytest

from agents.runtime.models import Step
from tests.agents.desk import Chat, Desk
from tickets.models import Kind

pytestmark = pytest.mark.usefixtures("promises")

# Answered from the articles of the language; typed as people type: short, without accents, with names of products, half in English.
ANSWERED = {
    "de": [
        ("Wie lange kann ich Schuhe zurückgeben, die ich nur drinnen getragen habe?", "zurückgeben"),
        ("Lieferzeit?", "2 Werktage"),
        ("Wie lange dauert der Refund?", "3 bis 5 Werktage"),
        ("Welche Größe bei den Ridge Boots?", "Wanderstiefel Ridge"),
        ("garantie zelt nähte", "5 Jahre"),
        ("wie kündige ich mein abo", "kündigen"),
        ("Was kostet der Rückversand?", "4,90 €"),
    ],
    "es": [
        ("¿Cuánto tardan en devolverme el dinero?", "días laborables"),
        ("cuanto cuesta la devolucion", "50 €"),
        ("como cancelo un pedido", "cancelar un pedido"),
        ("que talla de botas Ridge necesito", "botas Ridge"),
        ("plazo de entrega?", "días laborables"),
        ("garantia de la tienda Skarn 2", "2 años"),
        ("quiero borrar mis datos", "eliminar su cuenta"),
    ],
}
# No articles in these: a person, and words that say so.
HANDED_OVER = {
    "fr": [
        "Combien coûte la livraison ?",
        "remboursement",
        "ma tente Skarn 2 fuit",
        "Puis-je retourner des chaussures portées à l'intérieur ?",
        "Quelle est la durée de la garantie ?",
        "je veux parler a une personne",
    ],
    "ar": [
        "كم تكلفة الشحن؟",
        "كم مدة الضمان؟",
        "هل خيمة Skarn 2 مقاومة للماء؟",
        "Brisk Jacket مقاس؟",
        "كيف أعيد المنتج؟",
        "أريد التحدث مع شخص",
    ],
    "it": [
        "Dov'è il mio ordine?",
        "Quanto costa la spedizione?",
        "La cerniera è rotta",
        "Posso restituire gli scarponi Ridge?",
        "Vorrei parlare con una persona",
        "Vorrei un rimborso per N-20377",
    ],
}
OUR_WORDS = {
    "fr": ("personne de notre équipe", "une personne"),
    "ar": ("أعضاء فريقنا", "شخص"),
    "it": ("persona del nostro team",),
    "pl": ("I do not write your language",),
}


def checks_that_failed(chat: Chat) -> list[str]:
    return [f"{step.name}: {step.output.get('why')}" for step in chat.steps(Step.Kind.CHECK) if not step.output.get("passed")]


@pytest.mark.parametrize(("language", "question", "says"), [(one, *pair) for one, pairs in ANSWERED.items() for pair in pairs])
def test_a_question_is_answered_from_an_article_in_its_language(desk: Desk, language: str, question: str, says: str) -> None:
    chat = desk.chat()
    chat.says(question)
    assert chat.ticket.language == language
    assert says in chat.last.body
    assert {url.split("/")[4] for url in (one["url"] for one in chat.last.citations)} == {language}
    assert not chat.is_with_a_person


@pytest.mark.parametrize(("language", "question"), [(one, text) for one, texts in HANDED_OVER.items() for text in texts])
def test_a_language_without_articles_gets_a_person_and_is_told_so_in_it(desk: Desk, language: str, question: str) -> None:
    chat = desk.chat()
    chat.says(question)
    assert chat.ticket.language == language
    assert chat.is_with_a_person
    assert any(words in chat.last.body for words in OUR_WORDS[language]), chat.last.body
    assert not chat.last.citations
    assert checks_that_failed(chat) == []


@pytest.mark.parametrize("question", ["Gdzie jest moje zamówienie?", "Chcę zwrotu pieniędzy", "Dzień dobry, mam pytanie"])
def test_a_language_nobody_gave_it_words_for_is_told_so_in_plain_english(desk: Desk, question: str) -> None:
    chat = desk.chat()
    chat.says(question)
    assert chat.ticket.language == "pl"
    assert chat.is_with_a_person
    assert "I do not write your language. A person will answer you here." in chat.last.body
    assert checks_that_failed(chat) == []


@pytest.mark.parametrize(
    ("opening", "language", "after"),
    [
        ("Wie lange dauert eine Erstattung?", "de", ["ok", "N-20377", "482913", "Ridge hiking boots, size 41", "Ida", "thanks", "👍"]),
        ("¿Cuánto tarda el envío?", "es", ["ok", "si", "Brisk Jacket", "N-20533", "please", "merci"]),
        ("أين طلبي N-20377؟", "ar", ["ok", "N-20377", "Skarn 2", "ida@mail.example"]),
    ],
)
def test_a_word_a_name_or_a_number_keeps_the_language(desk: Desk, opening: str, language: str, after: list[str]) -> None:
    chat = desk.chat()
    for text in (opening, *after):
        chat.says(text)
        assert chat.ticket.language == language, text


@pytest.mark.parametrize(
    ("opening", "then", "language", "says"),
    [
        ("Wie lange dauert eine Erstattung?", "How long is the warranty on tent seams?", "en", "5 years"),
        ("How long is the warranty on tent seams?", "Und wie lange dauert die Lieferung?", "de", "Werktage"),
        ("Wie lange dauert eine Erstattung?", "¿Cuánto tarda la entrega?", "es", "días laborables"),
        ("¿Cuánto tarda la entrega?", "deutsch bitte! Wie lange dauert die Erstattung?", "de", "3 bis 5 Werktage"),
    ],
)
def test_a_real_change_of_language_is_followed(desk: Desk, opening: str, then: str, language: str, says: str) -> None:
    chat = desk.chat()
    chat.says(opening)
    chat.says(then)
    assert chat.ticket.language == language
    assert says in chat.last.body
    assert f"/{language}/" in chat.last.citations[0]["url"]


@pytest.mark.parametrize(
    ("opening", "follow_up", "says"),
    [
        ("Wie lange dauert die Lieferung nach Deutschland?", "Und nach Österreich?", "2 bis 3 Werktage"),
        ("¿Cuánto tarda la entrega en Alemania?", "¿Y en Austria?", "Austria"),
    ],
)
def test_a_follow_up_stays_in_the_language_and_on_the_topic(desk: Desk, opening: str, follow_up: str, says: str) -> None:
    chat = desk.chat()
    chat.says(opening)
    language = chat.ticket.language
    chat.says(follow_up)
    assert says in chat.last.body
    assert f"/{language}/" in chat.last.citations[0]["url"]


@pytest.mark.parametrize(
    ("wish", "email", "language", "card", "receipt"),
    [
        (
            "Bitte 1,50 € von N-20429 erstatten, die Schnürsenkel fehlten",
            "joost@mail.example",
            "de",
            "1,50\u00a0€ erstatten?",
            "1,50\u00a0€ erstattet",
        ),
        (
            "Quiero un reembolso de 1,50 € del pedido N-20299, falta una correa",
            "sofia@mail.example",
            "es",
            "¿Reembolsar 1,50\u00a0€?",
            "Se han reembolsado 1,50\u00a0€",
        ),
        ("أريد استرداد 1.50 EUR للطلب N-20533", "karim@mail.example", "ar", "استرداد \u200f1.50\u00a0€؟", "1.50\u00a0€"),
    ],
)
def test_a_refund_is_asked_for_done_and_told_in_one_language(
    desk: Desk, wish: str, email: str, language: str, card: str, receipt: str
) -> None:
    chat = desk.chat()
    chat.says(wish)
    assert chat.last.kind == Kind.CODE
    chat.proves(email)
    assert chat.card.data["card"]["title"] == card
    assert not desk.shop.ledger()
    chat.answers(yes=True)
    assert receipt in chat.messages(Kind.RECEIPT)[-1].body
    entry = desk.shop.ledger()[-1]
    assert (entry["kind"], entry["amount"]) == ("refund", 150)
    assert chat.ticket.language == language
    assert entry["reference"] in chat.last.body
    assert checks_that_failed(chat) == []
    assert not re.search(r"\b(?:Done|Reference|card ending|Bank transfer|working days)\b", chat.last.body), chat.last.body
