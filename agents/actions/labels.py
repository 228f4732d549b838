"""What a connected shop says in English of ways of payment and of working days, in the customer's language; anything else as it came."""

import re

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

_CARD = re.compile(r"card ending (?:in )?(\d{2,6})", re.IGNORECASE)
_TRANSFER = re.compile(r"bank transfer(?: from account ending (\d{2,6}))?", re.IGNORECASE)
_INVOICE = re.compile(r"invoice", re.IGNORECASE)
_SPAN = re.compile(r"(?:in )?(\d{1,2}) ?(?:to|-|–) ?(\d{1,2}) (?:working|business) days", re.IGNORECASE)


def payment(label: str) -> str:
    """“Card ending 4402” as the active language says it."""
    if found := _CARD.fullmatch(label.strip()):
        return _("Card ending %(digits)s") % {"digits": found[1]}
    if found := _TRANSFER.fullmatch(label.strip()):
        return _("Bank account ending %(digits)s") % {"digits": found[1]} if found[1] else pgettext("payment", "Bank transfer")
    return pgettext("payment", "Invoice") if _INVOICE.fullmatch(label.strip()) else label


def arrival(text: str) -> str:
    """“3 to 5 working days” as the active language says it."""
    if found := _SPAN.fullmatch(text.strip()):
        return _("In %(least)s to %(most)s working days") % {"least": found[1], "most": found[2]}
    return text
