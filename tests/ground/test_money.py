"""Money: whole minor units, the currency's own decimals, never converted, never lost."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supportdesk.core.money import CurrencyMismatch, Money, UnknownCurrency, amount_text, exponent


@pytest.mark.parametrize(
    ("amount", "currency", "decimal", "text"),
    [
        (6400, "EUR", "64.00", "€64.00"),
        (5, "EUR", "0.05", "€0.05"),
        (0, "EUR", "0.00", "€0.00"),
        (123_456_789, "EUR", "1234567.89", "€1,234,567.89"),
        (12_900, "GBP", "129.00", "£129.00"),
        (9800, "JPY", "9800", "JP¥9,800"),
        (10_500, "KWD", "10.500", "KWD10.500"),
        (-6400, "EUR", "-64.00", "-€64.00"),
    ],
)
def test_an_amount_reads_as_its_currency_is_written(amount: int, currency: str, decimal: str, text: str):
    money = Money(amount, currency)
    assert str(money.decimal) == decimal
    assert money.text() == amount_text(amount, currency) == text


IN_WORDS = [("de", "1.234,50\xa0€"), ("fr", "1\u202f234,50\xa0€"), ("es", "1.234,50\xa0€"), ("en", "€1,234.50")]


@pytest.mark.parametrize(("language", "text"), IN_WORDS)
def test_each_language_writes_it_its_own_way(language: str, text: str):
    assert Money(123_450, "EUR").text(language) == text


@pytest.mark.parametrize(("currency", "decimals"), [("EUR", 2), ("JPY", 0), ("KRW", 0), ("KWD", 3), ("BHD", 3), ("USD", 2)])
def test_each_currency_has_its_own_decimals(currency: str, decimals: int):
    assert exponent(currency) == decimals


@pytest.mark.parametrize("code", ["", "EURO", "eur", "XXQ", "€", "N/A"])
def test_an_unknown_currency_is_refused_and_shown_bare(code: str):
    with pytest.raises(UnknownCurrency):
        Money(1, code)
    assert amount_text(6400, code) == f"6400 {code}"


@pytest.mark.parametrize("amount", [1.5, 6400.0, "6400", None, True, Decimal("64")])
def test_an_amount_is_a_whole_number(amount: Any):
    with pytest.raises(TypeError):
        Money(amount, "EUR")


def test_currencies_are_never_added_together():
    assert Money(1, "EUR") + Money(2, "EUR") == Money(3, "EUR")
    with pytest.raises(CurrencyMismatch):
        Money(1, "EUR") + Money(1, "GBP")


@given(st.integers(-(10**12), 10**12), st.integers(1, 200), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_shares_sum_to_the_whole_and_differ_by_one_unit_at_most(amount: int, parts: int, currency: str):
    shares = Money(amount, currency).split(parts)
    assert len(shares) == parts
    assert sum(share.amount for share in shares) == amount
    assert max(share.amount for share in shares) - min(share.amount for share in shares) <= 1
    assert {share.currency for share in shares} == {currency}
