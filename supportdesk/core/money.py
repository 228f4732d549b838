"""Money: integer minor units beside an ISO 4217 code; never a float, never converted."""

from dataclasses import dataclass
from decimal import Decimal

from moneyed import CURRENCIES
from moneyed import Money as Moneyed
from moneyed.l10n import format_money


class UnknownCurrency(ValueError):
    """A code ISO 4217 does not have."""


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies met; amounts are never converted."""


def exponent(currency: str) -> int:
    """How many decimals the currency has: 2 for EUR, 0 for JPY, 3 for KWD.

    Raises:
        UnknownCurrency: for a code ISO 4217 does not have.
    """
    known = CURRENCIES.get(currency)
    if known is None or known.sub_unit is None:
        raise UnknownCurrency(f"{currency!r} is no ISO 4217 currency code.")
    return len(str(known.sub_unit)) - 1


@dataclass(frozen=True, order=False)
class Money:
    """An amount in minor units (cents, yen, fils) with its currency."""

    amount: int
    currency: str

    def __post_init__(self) -> None:
        if isinstance(self.amount, bool) or not isinstance(self.amount, int):
            raise TypeError("An amount is a whole number of minor units.")
        exponent(self.currency)

    def __add__(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} are not added.")
        return Money(self.amount + other.amount, self.currency)

    @property
    def decimal(self) -> Decimal:
        """The amount in major units."""
        return Decimal(self.amount).scaleb(-exponent(self.currency))

    def text(self, language: str = "en") -> str:
        """The amount as the language writes it: €64.00, 64,00 €."""
        return str(format_money(Moneyed(self.decimal, self.currency), locale={"en": "en_GB"}.get(language, language)))

    def split(self, parts: int) -> list["Money"]:
        """Shares that differ by one minor unit at most and sum to exactly this."""
        share, rest = divmod(self.amount, parts)
        return [Money(share + (1 if index < rest else 0), self.currency) for index in range(parts)]


def amount_text(amount: int, currency: str, language: str = "en") -> str:
    """Minor units as text; an unknown currency is shown bare rather than guessed."""
    try:
        return Money(amount, currency).text(language)
    except UnknownCurrency:
        return f"{amount} {currency}"
