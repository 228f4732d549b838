"""Chat page, help centre, cards, words and mails in the languages of customers."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core import mail
from django.template.loader import render_to_string
from django.test import Client
from django.utils import translation

from agents.actions import labels
from agents.actions.cards import confirmation_card, receipt
from agents.actions.facts import Seen
from agents.runtime.handoff import words_for
from supportdesk.chat.acts import spoken
from supportdesk.chat.news import sentence
from supportdesk.chat.thread import _statement, answerer
from supportdesk.core.tenancy import acting_for
from tests.factories import World, make_session, make_ticket, say
from tests.languages.catalogues import LANGUAGES
from tickets.errors import Unacceptable
from tickets.identity import ask_for_code, send_code
from tickets.models import Message, Ticket
from tickets.writing import MAX_BODY, clean_body

PAGE = "/chat/acme/web/"
PERSON = {
    "de": "Mit einem Menschen sprechen",
    "es": "Hablar con una persona",
    "fr": "Parler à une personne",
    "ar": "التحدث مع شخص",
}
REASONS = (
    "asked_for_human",
    "angry",
    "legal_or_safety",
    "no_answer",
    "out_of_scope",
    "policy_asks",
    "tool_failed",
    "outcome_unknown",
    "ai_off",
    "anything_else",
)


def shown(client: Client, accept: str, path: str = PAGE) -> str:
    """The page as a browser with this language gets it."""
    return client.get(path, headers={"Accept-Language": accept}).content.decode()


@pytest.mark.parametrize(
    ("accept", "language", "direction"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", "de", "ltr"),
        ("es-MX", "es", "ltr"),
        ("fr-CA,fr", "fr", "ltr"),
        ("ar-EG,ar;q=0.9", "ar", "rtl"),
        ("nl-NL", "en", "ltr"),
    ],
)
def test_the_chat_page_is_in_the_browsers_language_and_direction(
    acme: World, client: Client, accept: str, language: str, direction: str
) -> None:
    page = shown(client, accept)
    assert f'<html lang="{language}" dir="{direction}">' in page
    assert PERSON.get(language, "Talk to a person") in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_english_sentence_is_left_on_the_chat_page(acme: World, client: Client, language: str) -> None:
    page = shown(client, language)
    english = (
        "AI agent",
        "Talk to",
        "Write a",
        "Sent",
        "Where is",
        "Reading",
        "You are",
        "Reconnecting",
        "This helped",
        "is writing",
        "Try",
    )
    assert [words for words in english if words in page] == []


def test_the_greeting_names_agent_and_brand_in_german(acme: World, client: Client) -> None:
    page = shown(client, "de")
    assert "Hallo, ich bin Alder, der KI-Agent von Acme." in page
    assert "Sie können jederzeit mit einem Menschen sprechen." in page


def test_the_thread_is_told_in_the_browsers_language_whatever_the_ticket_speaks(acme: World, client: Client) -> None:
    with acting_for(acme.tenant):
        session, token = make_session(acme)
        say(session, "Where is my order?")
    response = client.get(f"{PAGE}thread/", headers={"Authorization": f"Chat {token}", "Accept-Language": "ar"})
    page = response.content.decode()
    assert "أُرسلت" in page
    assert "Alder، وكيل ذكاء اصطناعي" in page
    assert "Accept-Language" in response["Vary"]


@pytest.mark.parametrize(("asked", "found"), [("de-CH", "de"), ("ar", "ar"), ("ES", "es"), ("xx", "en"), ("", "en")])
def test_the_socket_speaks_the_pages_language(asked: str, found: str) -> None:
    assert spoken(asked) == found


@pytest.mark.parametrize(("language", "direction"), [("de", "ltr"), ("ar", "rtl")])
def test_the_help_centre_is_in_the_language_of_its_address(acme: World, client: Client, language: str, direction: str) -> None:
    with acting_for(acme.tenant):
        acme.brand.languages = ["en", language]
        acme.brand.save(update_fields=["languages"])
    page = shown(client, "en", f"/help/acme/main/{language}/")
    assert f'<html lang="{language}" dir="{direction}">' in page
    assert {"de": "Wie können wir helfen?", "ar": "كيف يمكننا المساعدة؟"}[language] in page


def seen(**arguments: Any) -> Seen:
    """A call about a pair of boots, as the gateway saw it."""
    order = {
        "currency": "EUR",
        "captured": 6400,
        "items": [{"name": "Ridge", "quantity": 1, "unit_price": 6400}],
        "payment": {"label": "Visa 4402"},
        "shipping_address": {"name": "Ida", "city": "Bonn"},
        "name": "Box",
    }
    return Seen(facts={}, arguments=arguments, target="N-20377", thing=order)


REFUND = {"order_number": "N-20377", "amount": 6400, "currency": "EUR", "reason": "returned"}


@pytest.mark.parametrize(
    ("language", "title", "yes", "no"),
    [
        ("de", "64,00\u00a0€ erstatten?", "Ja, 64,00\u00a0€ erstatten", "Nein, so lassen"),
        ("es", "¿Reembolsar 64,00\u00a0€?", "Sí, reembolsar 64,00\u00a0€", "No, dejarlo así"),
        ("fr", "Rembourser 64,00\u00a0€\u00a0?", "Oui, rembourser 64,00\u00a0€", "Non, ne rien changer"),
        ("ar", "استرداد \u200f64.00\u00a0€؟", "نعم، أريد استرداد \u200f64.00\u00a0€", "لا، اتركه كما هو"),
    ],
)
def test_a_card_names_act_and_amount_in_the_customers_language(language: str, title: str, yes: str, no: str) -> None:
    card = confirmation_card("create_refund", seen(**REFUND), language)
    assert (card["title"], card["yes"], card["no"]) == (title, yes, no)


def test_the_facts_of_a_card_are_named_in_german_and_borrow_no_words_of_django() -> None:
    card = confirmation_card("create_refund", seen(**REFUND), "de")
    assert card["facts"] == [["Für", "Ridge"], ["Bestellung", "N-20377"], ["An", "Visa 4402"], ["Ankunft", "In 3 bis 5 Werktagen"]]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("tool", ["create_refund", "cancel_order", "change_address", "cancel_subscription", "another"])
def test_every_card_has_its_own_words_in_every_language(tool: str, language: str) -> None:
    wanted = seen(**REFUND, name="Ida", city="Köln")
    theirs, english = confirmation_card(tool, wanted, language), confirmation_card(tool, wanted, "en")
    assert {theirs[part] for part in ("title", "yes", "no")} & {english[part] for part in ("title", "yes", "no")} == set()
    assert {name for name, _value in theirs["facts"]} & {name for name, _value in english["facts"]} == set()


def test_a_receipt_is_in_the_customers_language() -> None:
    done = {"amount": 6400, "currency": "EUR", "reference": "RF-5518", "to": "Visa 4402"}
    made = receipt("create_refund", REFUND, done, "fr", datetime(2026, 11, 20, tzinfo=UTC))
    assert made["title"] == "64,00\u00a0€ remboursés"
    assert [name for name, _value in made["facts"]] == ["Référence", "Date", "Vers"]


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_a_cards_question_becomes_a_phrase_in_every_language(language: str) -> None:
    card = confirmation_card("create_refund", seen(**REFUND), language)
    phrase = _statement(card)
    assert "64" in phrase
    assert not set(phrase) & set("¿?؟")
    assert phrase == phrase.strip()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", REASONS)
def test_a_handover_is_told_in_the_customers_language(reason: str, language: str) -> None:
    english = words_for(reason)
    with translation.override(language):
        assert words_for(reason) not in ("", english)


def test_german_handovers_speak_politely() -> None:
    with translation.override("de"):
        assert words_for("no_answer").endswith("Ich frage einen Menschen, der Ihnen hier schreibt.")


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (1, "عادة خلال دقيقة واحدة"),
        (2, "عادة خلال دقيقتين"),
        (5, "عادة خلال 5 دقائق"),
        (20, "عادة خلال 20 دقيقة"),
        (100, "عادة خلال 100 دقيقة"),
    ],
)
def test_minutes_are_counted_as_arabic_counts_them(acme: World, minutes: int, words: str) -> None:
    acme.brand.reply_minutes = minutes
    with translation.override("ar"), acting_for(acme.tenant):
        ticket = Ticket(handler="human", status="open", brand=acme.brand)
        assert answerer(acme.brand, ticket) == ("سيجيبك شخص", words)
        news = sentence(Message(data={"code": "escalated", "team": "Care", "minutes": minutes}), "Alder")
        assert news is not None
        assert news.text == f"تم التحويل إلى شخص (Care). {words}."


@pytest.mark.parametrize(
    ("language", "subject"),
    [
        ("de", "Ihr Code für Acme"),
        ("es", "Su código para Acme"),
        ("fr", "Votre code pour Acme"),
        ("ar", "رمزك لدى Acme"),
        ("nl", "Your code for Acme"),
    ],
)
def test_the_code_is_mailed_in_the_language_of_the_ticket(acme: World, language: str, subject: str) -> None:
    with acting_for(acme.tenant):
        ticket = make_ticket(acme)
        Ticket.objects.filter(pk=ticket.pk).update(language=language)
        send_code(ask_for_code(ticket_id=ticket.pk, email="ida@mail.example").pk)
    assert [sent.subject for sent in mail.outbox] == [subject]


def test_both_halves_of_a_code_keep_their_order_in_an_arabic_mail(acme: World) -> None:
    """Two groups of digits in text from right to left would change places; a left-to-right mark before them keeps them."""
    with acting_for(acme.tenant):
        ticket = make_ticket(acme)
        Ticket.objects.filter(pk=ticket.pk).update(language="ar")
        send_code(ask_for_code(ticket_id=ticket.pk, email="ida@mail.example").pk)
    before, digits = str(mail.outbox[0].body).split("\n")[0].split("\u200e ")
    assert before == "رمزك هو"
    assert len(digits.replace(" ", "")) == 6


@pytest.mark.parametrize(("language", "most"), [("en", "8,000"), ("de", "8.000"), ("es", "8.000"), ("fr", "8\u202f000"), ("ar", "8,000")])
def test_the_longest_message_is_named_as_the_language_writes_numbers(acme: World, client: Client, language: str, most: str) -> None:
    with translation.override(language), pytest.raises(Unacceptable, match=most):
        clean_body("a" * (MAX_BODY + 1))
    page = shown(client, language)
    assert f" {most} " in page
    assert f'data-max="{MAX_BODY}"' in page


@pytest.mark.parametrize(
    ("language", "direction", "heading"),
    [
        ("en", "ltr", "There is nothing here"),
        ("de", "ltr", "Hier ist nichts"),
        ("es", "ltr", "Aquí no hay nada"),
        ("fr", "ltr", "Il n&#x27;y a rien ici"),
        ("ar", "rtl", "لا يوجد شيء هنا"),
    ],
)
@pytest.mark.parametrize("path", ["/chat/acme/nowhere/", "/help/nobody/main/en/"])
def test_a_customers_address_that_leads_nowhere_says_so_in_the_browsers_language(
    acme: World, client: Client, path: str, language: str, direction: str, heading: str
) -> None:
    page = shown(client, language, path)
    assert f'<html lang="{language}" dir="{direction}">' in page
    assert f"<h1>{heading}</h1>" in page.replace("'", "&#x27;")


def test_teammates_read_english_whatever_their_browser_speaks(acme: World, client: Client) -> None:
    assert "<h1>There is nothing here</h1>" in shown(client, "de", "/console/nothing/")


@pytest.mark.parametrize(("language", "title"), [("de", "Bei uns ist etwas kaputtgegangen"), ("ar", "حدث خلل لدينا")])
def test_the_page_of_our_own_faults_speaks_too(language: str, title: str) -> None:
    with translation.override(language):
        assert title in render_to_string("500.html")
    with translation.override(language):
        assert "SupportDesk" in render_to_string("403.html")


@pytest.mark.parametrize(
    ("label", "language", "words"),
    [
        ("Card ending 4402", "de", "Karte mit den Endziffern 4402"),
        ("card ending in 4402", "es", "Tarjeta terminada en 4402"),
        ("Bank transfer from account ending 7702", "fr", "Compte bancaire se terminant par 7702"),
        ("Bank transfer", "de", "Überweisung"),
        ("Invoice", "ar", "فاتورة"),
        ("Store credit 12", "de", "Store credit 12"),
        ("", "de", ""),
    ],
)
def test_a_way_of_payment_is_named_in_the_customers_language(label: str, language: str, words: str) -> None:
    with translation.override(language):
        assert labels.payment(label) == words


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        ("3 to 5 working days", "de", "In 3 bis 5 Werktagen"),
        ("3-5 business days", "es", "En 3 a 5 días laborables"),
        ("soon", "fr", "soon"),
    ],
)
def test_when_money_arrives_is_said_in_the_customers_language(text: str, language: str, words: str) -> None:
    with translation.override(language):
        assert labels.arrival(text) == words
