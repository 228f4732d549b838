"""Exact things read out of loosely typed messages."""

import pytest

from agents.runtime.builtin import slots
from agents.runtime.builtin.slots import Address


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("N-20377", ("N-20377",)),
        ("n 20377", ("N-20377",)),
        ("n20377", ("N-20377",)),
        ("#20377", ("N-20377",)),
        ("order 20377", ("N-20377",)),
        ("N–20377 and N-20418", ("N-20377", "N-20418")),
        ("Bestellung Nr. 20512", ("N-20512",)),
        ("رقم طلبي 20533", ("N-20533",)),
        ("el pedido número 20520", ("N-20520",)),
        ("20377", ("N-20377",)),
        ("10115 Berlin", ()),
        ("Calle Mayor 5, 28013 Madrid", ()),
        ("refund RF-5518 and S-301", ()),
        ("AB-123456", ("AB-123456",)),
        ("size 41", ()),
        ("the code is 483920", ()),
    ],
)
def test_order_numbers(text: str, found: tuple[str, ...]) -> None:
    assert slots.order_numbers(text) == found


@pytest.mark.parametrize(
    ("text", "found"), [("cancel S-301", ("S-301",)), ("s-301 please", ("S-301",)), ("S 301", ("S-301",)), ("she's 125 cm", ())]
)
def test_subscription_ids(text: str, found: tuple[str, ...]) -> None:
    assert slots.subscription_ids(text) == found


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("€64.00", "EUR", 6400),
        ("64,00 €", "EUR", 6400),
        ("1.234,50 EUR", "EUR", 123450),
        ("$1,234.50", "USD", 123450),
        ("20 euros", "EUR", 2000),
        ("-5 EUR", "EUR", -500),
        ("€-5", "EUR", -500),
        ("minus 5 euros", "EUR", -500),
        ("0 EUR", "EUR", 0),
        ("¥5000", "JPY", 5000),
        ("12.500 KWD", "KWD", 12500),
        ("20,5 euros", "EUR", 2050),
        ("refund EUR 30", "EUR", 3000),
        ("15 quid", "GBP", 1500),
        ("٢٠ يورو", "EUR", 2000),
    ],
)
def test_money_in_minor_units(text: str, currency: str, minor: int) -> None:
    (found,) = slots.money(text)
    assert (found.currency, found.minor(currency)) == (currency, minor)


def test_a_bare_figure_is_money_only_after_a_word_of_refunding() -> None:
    assert [one.figure for one in slots.money("refund 20 of N-20377")] == ["20"]
    assert slots.money("size 41 boots, order N-20377, S-301") == ()


def test_more_decimals_than_a_currency_has_are_no_amount() -> None:
    assert slots.minor_units("10.505", "JPY") == 10505
    assert slots.minor_units("5.25", "JPY") is None


@pytest.mark.parametrize(
    ("amount", "currency", "language", "text"),
    [
        (6400, "EUR", "en", "€64.00"),
        (123456, "EUR", "de", "1.234,56 €"),
        (5000, "JPY", "en", "¥5,000"),
        (12500, "KWD", "en", "12.500 KWD"),
        (-500, "GBP", "en", "£-5.00"),
    ],
)
def test_money_for_people(amount: int, currency: str, language: str, text: str) -> None:
    assert slots.money_text(amount, currency, language) == text


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Calle Mayor 5, 28013 Madrid, Spain", Address(line1="Calle Mayor 5", postcode="28013", city="Madrid", country="ES")),
        (
            "Ship N-20541 to 12 High Street, Bristol BS1 4DJ, UK please",
            Address(line1="12 High Street", postcode="BS1 4DJ", city="Bristol", country="GB"),
        ),
        ("please use 12 High Street, Bristol, BS1 4DJ", Address(line1="12 High Street", postcode="BS1 4DJ", city="Bristol", country="GB")),
        ("Hauptstr. 12, 10115 Berlin", Address(line1="Hauptstr. 12", postcode="10115", city="Berlin")),
        ("Storgatan 5, 111 22 Stockholm, Sweden", Address(line1="Storgatan 5", postcode="111 22", city="Stockholm", country="SE")),
        ("Keizersgracht 12, 1015 CS Amsterdam", Address(line1="Keizersgracht 12", postcode="1015 CS", city="Amsterdam", country="NL")),
        (
            "Name: Bastian Kroll\nMusterweg 7\n04109 Leipzig\nDeutschland",
            Address(name="Bastian Kroll", line1="Musterweg 7", postcode="04109", city="Leipzig", country="DE"),
        ),
        ("Calle Luna 8, 2º B, 41001 Sevilla", Address(line1="Calle Luna 8", line2="2º B", postcode="41001", city="Sevilla")),
        ("I moved, please change the address", Address()),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    assert slots.address(text) == address


def test_a_later_address_fills_and_corrects_an_earlier_one() -> None:
    old = Address(name="Ida", line1="Via Roma 3", city="Torino", country="IT")
    new = Address(line1="Via Po 9", postcode="10121")
    assert new.over(old) == Address(name="Ida", line1="Via Po 9", postcode="10121", city="Torino", country="IT")
    assert new.missing() == ("name", "city", "country")


@pytest.mark.parametrize(
    ("text", "said"),
    [("yes", True), ("Ja, bitte", True), ("sí", True), ("no", False), ("nein danke", False), ("نعم", True), ("maybe", None)],
)
def test_yes_and_no(text: str, said: bool | None) -> None:
    assert slots.yes_or_no(text) is said


def test_emails_and_codes() -> None:
    assert slots.email("write to ida@mail.example please") == "ida@mail.example"
    assert slots.one_time_code("my code: 483920.") == "483920"
    assert slots.one_time_code("order N-204839 of 12345678") is None
