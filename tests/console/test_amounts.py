"""Money as people type it: exact minor units, or a sentence that says how to write it."""

import pytest

from supportdesk.console.amounts import NotAnAmount, major, typed_amount, within

READ = [
    ("140", "EUR", 14000),
    ("140.5", "EUR", 14050),
    ("140,50", "EUR", 14050),
    ("€140.00", "EUR", 14000),
    ("140,00 €", "EUR", 14000),
    ("140.00 EUR", "EUR", 14000),
    ("1,240.00", "EUR", 124000),
    ("1.240,00", "EUR", 124000),
    ("1 240,5", "EUR", 124050),
    ("1'240.05", "EUR", 124005),
    ("1,240,000", "EUR", 124000000),
    (".5", "EUR", 50),
    ("0.01", "EUR", 1),
    ("0.29", "EUR", 29),
    ("26800", "JPY", 26800),
    ("26,800", "JPY", 26800),
    ("113.750", "KWD", 113750),
    ("113.7", "KWD", 113700),
]
REFUSED = [
    ("", "EUR", "Write an amount"),
    ("€", "EUR", "Write an amount"),
    ("abc", "EUR", "no amount"),
    ("-5", "EUR", "no amount"),
    ("1e3", "EUR", "no amount"),
    ("12.345", "EUR", "At most 2 decimals"),
    ("1,240", "EUR", "thousands or for decimals"),
    ("113,750", "KWD", "thousands or for decimals"),
    ("12.5", "JPY", "no decimals"),
    ("1,24,00.5", "EUR", "no amount"),
    ("1.240.00", "EUR", "no amount"),
    ("1..2", "EUR", "no amount"),
    ("5.", "EUR", "no amount"),
    ("١٤٠", "EUR", "no amount"),
    ("140\x00", "EUR", "no amount"),
    ("9" * 40, "EUR", "no amount"),
    ("140 USD", "EUR", "no amount"),
]


@pytest.mark.parametrize(("text", "currency", "amount"), READ)
def test_what_is_typed_becomes_minor_units(text: str, currency: str, amount: int) -> None:
    assert typed_amount(text, currency) == amount


@pytest.mark.parametrize(("text", "currency", "why"), REFUSED)
def test_what_is_no_amount_is_refused_with_a_sentence(text: str, currency: str, why: str) -> None:
    with pytest.raises(NotAnAmount, match=why):
        typed_amount(text, currency)


@pytest.mark.parametrize(("amount", "currency"), [(1, "EUR"), (18900, "EUR"), (26800, "JPY"), (113750, "KWD")])
def test_what_a_field_holds_reads_back_as_the_same(amount: int, currency: str) -> None:
    assert typed_amount(major(amount, currency), currency) == amount


@pytest.mark.parametrize("amount", [0, 34901])
def test_bounds_are_named(amount: int) -> None:
    with pytest.raises(NotAnAmount, match=r"Between €0\.01 and €349\.00\."):
        within(amount, 34900, "EUR")
    assert within(34900, 34900, "EUR") == 34900
