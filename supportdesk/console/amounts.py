"""Money as people type it, turned into minor units exactly, or refused with a sentence that says how to write it."""

import re

from django.utils.translation import gettext as _

from supportdesk.core.money import Money, amount_text, exponent

LONGEST = 24
SPACES = re.compile(r"[\s\u00a0\u202f'’_]+")
GROUPED = re.compile(r"\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*")


class NotAnAmount(ValueError):
    """What was typed is no amount of the currency; the text says why."""


def typed_amount(text: str, currency: str) -> int:
    """Minor units of what was typed: `140`, `140.5`, `140,50`, `€1,240.00`, `1.240,00 EUR`.

    Raises:
        NotAnAmount: for no number, too many decimals, or a comma that may mean either thing.
        UnknownCurrency: for a code ISO 4217 does not have.
    """
    places = exponent(currency)
    example = major(14000, currency)
    bare = SPACES.sub("", text.replace(currency, "").replace(_symbol(currency), ""))
    if not bare:
        raise NotAnAmount(_("Write an amount, like %(example)s.") % {"example": example})
    if len(text) > LONGEST or not re.fullmatch(r"[0-9.,]+", bare) or not bare[-1].isdigit():
        raise NotAnAmount(_("This is no amount. Write it like %(example)s.") % {"example": example})
    whole, decimals = _parts(bare, places, example)
    if len(decimals) > places:
        if places == 0:
            raise NotAnAmount(_("%(currency)s has no decimals.") % {"currency": currency})
        raise NotAnAmount(_("At most %(places)d decimals, like %(example)s.") % {"places": places, "example": example})
    return int(whole + decimals.ljust(places, "0"))


def _parts(bare: str, places: int, example: str) -> tuple[str, str]:
    """The digits before and after the decimal mark, whichever of the two marks it is."""
    mark = max(bare.rfind("."), bare.rfind(","))
    if mark < 0:
        return bare, ""
    kinds = {each for each in bare if not each.isdigit()}
    if len(kinds) == 1 and bare.count(bare[mark]) == 1:
        whole, decimals = bare[:mark], bare[mark + 1 :]
        if bare[mark] == "," and len(decimals) == 3 and whole:
            if places == 0:
                return whole + decimals, ""
            raise NotAnAmount(_("Is the comma for thousands or for decimals? Write it like %(example)s.") % {"example": example})
        return whole or "0", decimals
    last_is_decimal = len(kinds) == 2 and bare.count(bare[mark]) == 1
    whole, decimals = (bare[:mark], bare[mark + 1 :]) if last_is_decimal else (bare, "")
    if not GROUPED.fullmatch(whole):
        raise NotAnAmount(_("This is no amount. Write it like %(example)s.") % {"example": example})
    return re.sub(r"[.,]", "", whole), decimals


def major(amount: int, currency: str) -> str:
    """Minor units as a field holds them: 189.00, 26800, 113.750."""
    return f"{Money(amount, currency).decimal:f}"


def within(amount: int, most: int, currency: str) -> int:
    """The amount, when it is above nothing and at most `most`.

    Raises:
        NotAnAmount: outside; names the bounds.
    """
    if not 0 < amount <= most:
        raise NotAnAmount(_("Between %(least)s and %(most)s.") % {"least": amount_text(1, currency), "most": amount_text(most, currency)})
    return amount


def _symbol(currency: str) -> str:
    return re.sub(r"[\d.,\s\u00a0\u202f]", "", amount_text(1, currency)) or currency
