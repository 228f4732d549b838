"""What became of a call, told truly in every language: approved, changed or refused by a teammate, or refused by a system."""

import json
from typing import Any

import pytest

from agents.runtime.builtin.refusals import WHY
from agents.runtime.checks import Evidence, Findings, examine
from agents.runtime.outcomes import AMOUNTS, money_texts
from tests.builtin.talk import Outcome, settled, turn

LANGUAGES = ("en", "de", "es", "fr", "ar")
ASKED = {
    "en": "Please refund N-20418, the pole broke",
    "de": "Bitte erstatten Sie N-20418, die Stange ist gebrochen",
    "es": "Quiero un reembolso del pedido N-20418, se rompió el palo",
    "fr": "Je veux le remboursement de la commande N-20418, le mât est cassé",
    "ar": "أريد استرداد المبلغ عن الطلب N-20418",
}
CALL = {"order_number": "N-20418", "amount": 14000, "currency": "EUR", "reason": "broken"}
DONE = {"reference": "RF-5531", "order": "N-20418", "amount": 14000, "currency": "EUR", "to": "Card ending 4402"}
DONE |= {"arrives": "3 to 5 working days"}
AMOUNT = {"en": "€140.00", "de": "140,00 €", "es": "140,00 €", "fr": "140,00 €", "ar": "€140.00"}
BEFORE = {"en": "€189.00", "de": "189,00 €", "es": "189,00 €", "fr": "189,00 €", "ar": "€189.00"}
INSTEAD = {"en": "instead of", "de": "statt", "es": "en lugar de", "fr": "au lieu de", "ar": "بدلا من"}
APPROVED = {"en": "approved", "de": "zugestimmt", "es": "aprobado", "fr": "accord", "ar": "وافق"}
DECIDED_NO = {"en": "decided against", "de": "dagegen entschieden", "es": "ha decidido que no", "fr": "a décidé que non", "ar": "قرر عدم"}


def told(language: str, name: str = "create_refund", arguments: dict[str, Any] | None = None, **result: Any) -> Outcome:
    """The turn after a call is settled."""
    then = settled(name, arguments or CALL, **result)
    return turn(ASKED[language], then=then, trigger="call_settled", language=language)


def checked(text: str, language: str, *, done: str = "", **result: Any) -> Findings:
    """The pre-send checks, with the evidence the runtime gives them."""
    seen = json.dumps([result, CALL], ensure_ascii=False)
    evidence = Evidence(
        sources=[],
        texts=[AMOUNTS.sub("", seen), *money_texts(seen)],
        customer_texts=[ASKED[language]],
        done_tools=frozenset({done} if done else ()),
        language=language,
    )
    return examine(text, evidence)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_teammate_approved_is_told_as_approved_and_done(language: str) -> None:
    data = DONE | {"approved_by_teammate": True, "amount_text": AMOUNT[language]}
    text = told(language, data=data).text
    assert APPROVED[language] in text
    assert AMOUNT[language] in text
    assert "RF-5531" in text
    assert checked(text, language, done="create_refund", **data).why == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_amount_a_teammate_changed_is_told_beside_the_one_asked_for(language: str) -> None:
    data = DONE | {"edited_from": {"amount": 18900, "currency": "EUR", "amount_text": BEFORE[language]}, "amount_text": AMOUNT[language]}
    text = told(language, data=data).text
    before = text.index(BEFORE[language])
    assert text.index(AMOUNT[language]) < text.index(INSTEAD[language]) < before
    assert "RF-5531" in text
    assert "4402" in text
    assert checked(text, language, done="create_refund", **data).why == ""


@pytest.mark.parametrize("language", ["en", "de", "es", "fr"])
def test_an_edit_says_that_it_is_done_so_it_needs_the_ledger(language: str) -> None:
    """The claim is there for the check to see: without the entry it is not sent."""
    data = DONE | {"edited_from": {"amount": 18900, "currency": "EUR"}}
    findings = checked(told(language, data=data).text, language, **data)
    assert findings.why.startswith("claims")


@pytest.mark.parametrize("language", LANGUAGES)
def test_amounts_without_a_text_are_written_as_the_language_writes_them(language: str) -> None:
    text = told(language, data=DONE | {"edited_from": {"amount": 18900, "currency": "EUR"}}).text
    assert AMOUNT[language] in text
    assert BEFORE[language] in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_teammates_no_is_told_with_their_words_and_never_with_their_reason(language: str) -> None:
    data = {"reason": "This customer returns everything"}
    outcome = told(language, status="rejected", message="The pole was bent on purpose.", data=data)
    assert outcome.calls == []
    assert DECIDED_NO[language] in outcome.text
    assert "The pole was bent on purpose." in outcome.text
    assert "returns everything" not in outcome.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_no_without_words_is_told_in_the_customers_language_only(language: str) -> None:
    text = told(language, status="rejected", data={"reason": "No."}).text
    assert DECIDED_NO[language] in text
    assert "“" not in text
    assert "«" not in text
    assert checked(text, language).why == ""


def test_yes_to_a_person_after_a_teammates_no_reaches_one() -> None:
    no = told("de", status="rejected").text
    outcome = turn(ASKED["de"], f"> {no}", "Ja, bitte", language="de")
    assert outcome.last[0] == "escalate"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_nobody_decided_in_time_goes_to_a_person(language: str) -> None:
    outcome = told(language, status="expired")
    assert outcome.last[0] == "escalate"
    assert checked(outcome.text, language).why == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_waits_for_a_teammate_is_told_as_waiting(language: str) -> None:
    outcome = told(language, status="ask", message="Above €100.00 a teammate of the orders team decides.")
    assert outcome.calls == []
    assert "orders team" not in outcome.text
    assert checked(outcome.text, language).why == ""


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("cancel_order", {"reference": "CN-7", "order": "N-20418", "refunded_amount": 14000, "currency": "EUR"}),
        ("change_address", {"reference": "AD-3", "order": "N-20418", "shipping_address": {"name": "Ida", "city": "Bonn", "country": "DE"}}),
        ("cancel_subscription", {"reference": "SC-2", "subscription": "S-301"}),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_other_acts_name_the_approval_too(language: str, name: str, data: dict[str, Any]) -> None:
    arguments = {"order_number": "N-20418", "subscription_id": "S-301"}
    text = told(language, name, arguments, data=data | {"approved_by_teammate": True}).text
    assert APPROVED[language] in text
    assert data["reference"] in text
    assert checked(text, language, done=name, **data).why == ""


# Each refusal as it comes: the English of the gateway or the shop, and where there is one the stable code.
REFUSALS = [
    ("exceeds_left", "Only 12300 (minor units of EUR) are left to refund on this order."),
    ("nothing_left", "Nothing is left to refund on this order."),
    ("currency", "This order was paid in EUR; a refund in GBP is not possible."),
    ("currency_mismatch", "Order N-20418 was paid in EUR."),
    ("exceeds_captured", "Only 12300 EUR (minor units) of order N-20418 can still be refunded."),
    ("not_cancellable", "Order N-20418 is packed and cannot be cancelled."),
    ("address_locked", "Order N-20418 is shipped: its address cannot be changed."),
    ("already_cancelled", "Subscription S-301 is cancelled already."),
    ("switched_off", "This is switched off at the moment; a person can do it."),
]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("code", "message"), REFUSALS)
@pytest.mark.parametrize("coded", [True, False])
def test_a_refusal_gives_its_reason_in_the_customers_language(language: str, code: str, message: str, coded: bool) -> None:
    outcome = told(language, status="refused", message=message, data={"code": code} if coded else None)
    assert outcome.calls == []
    assert message.rstrip(".") not in outcome.text
    assert "minor units" not in outcome.text
    assert len(outcome.text) > len(told(language, status="refused").text)
    assert checked(outcome.text, language, message=message).why == ""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", sorted(WHY))
def test_every_code_has_words_in_every_language(language: str, code: str) -> None:
    mine = told(language, status="refused", data={"code": code}).text
    assert mine != told(language, status="refused").text
    assert language == "en" or mine != told("en", status="refused", data={"code": code}).text


def test_what_is_left_is_named_as_money() -> None:
    data = {"code": "exceeds_left", "left": {"amount": 12300, "currency": "EUR"}}
    text = told("de", status="refused", message=REFUSALS[0][1], data=data).text
    assert "nur noch 123,00 € erstattet" in text
    assert checked(text, "de", data=data).why == ""


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != "en"])
def test_prose_in_english_stays_with_the_teammates(language: str) -> None:
    message = "Later than 60 days after delivery nothing is refunded without a teammate."
    outcome = told(language, status="deny", message=message)
    assert outcome.text == told(language, status="deny").text


def test_a_customer_of_english_reads_the_rules_own_sentence() -> None:
    message = "Later than 60 days after delivery nothing is refunded without a teammate."
    assert message in told("en", status="deny", message=message).text
