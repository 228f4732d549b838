"""Exact things in a message: order numbers, subscription ids, money, addresses, yes and no."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from agents.runtime.builtin.words import cue, fold, section, word_list

_NOT_ORDERS = ("S", "RF", "CN", "AD", "SC")
_FULL = re.compile(r"(?<![\w-])([A-Za-z]{1,3})[-‐‑–—](\d{4,8})(?![\w-])")
_LOOSE = re.compile(r"(?<![\w-])[Nn]\s?(\d{5})(?!\w)")
_ORDER_WORDS = "|".join(section("lists", "order_words"))
_NAMED = re.compile(
    rf"(?:#\s?|\b(?:{_ORDER_WORDS})\b[\s.:#°º]*(?:is|ist|es|est|lautet|number|no|nr|nummer|n[uú]mero|هو)?[\s.:#]*)(\d{{5}})(?!\w)", re.I
)
_ALONE = re.compile(r"^\W*(\d{5})\W*$")
_SUBSCRIPTION = re.compile(r"(?<![\w'’-])(?:[Ss][-‐‑–]|S\s?)(\d{3,6})(?![\w-])")
_CODE = re.compile(r"(?<![\w-])(\d{6})(?![\w-])")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


def order_numbers(text: str, prefix: str = "N-") -> tuple[str, ...]:
    """Order numbers in the order named, as `N-20377` however loosely typed; a bare postcode is none."""
    found: list[tuple[int, str]] = []
    for match in _FULL.finditer(text):
        if (letters := match[1].upper()) not in _NOT_ORDERS:
            found.append((match.start(), f"{letters}-{match[2]}"))
    for pattern in (_LOOSE, _NAMED, _ALONE):
        found += [(match.start(1), prefix + match[1]) for match in pattern.finditer(text)]
    return tuple(dict.fromkeys(number for _, number in sorted(found)))


def without_orders(text: str) -> str:
    """The text with full order numbers left out."""
    return _FULL.sub(" ", _LOOSE.sub(" ", text))


def subscription_ids(text: str) -> tuple[str, ...]:
    """Subscription ids as `S-301`."""
    return tuple(dict.fromkeys(f"S-{match[1]}" for match in _SUBSCRIPTION.finditer(text)))


def one_time_code(text: str) -> str | None:
    """The first lone group of six digits."""
    match = _CODE.search(text)
    return match[1] if match else None


def email(text: str) -> str | None:
    """The first e-mail address."""
    match = _EMAIL.search(text)
    return match[0] if match else None


def without_email(text: str, *, keep_lines: bool = False) -> str:
    """The text with e-mail addresses left out, in one line unless lines are kept."""
    clean = _EMAIL.sub(" ", text)
    return clean if keep_lines else " ".join(clean.split())


_EXPONENTS = dict.fromkeys(word_list("no_decimals"), 0) | dict.fromkeys(word_list("three_decimals"), 3)
_SIGNS = {"€": "EUR", "£": "GBP", "$": "USD", "¥": "JPY"}
_NAMES = {name: code for line in section("lists", "currency_names") for code, _, names in [line.partition(": ")] for name in names.split()}
_CODES = word_list("currencies")
_UNIT = "|".join([*map(re.escape, _SIGNS), *sorted(_NAMES, key=len, reverse=True), "dólares", *_CODES])
_FIGURE = r"(?:(?<![\w])(?:[-−]|minus\s|menos\s)\s?)?\d{1,3}(?:[.,'\s\u00a0]\d{3})*(?:[.,]\d{1,3})?(?!\d)|(?:[-−]\s?)?\d+(?:[.,]\d{1,3})?"
_MONEY = re.compile(
    rf"(?:(?P<minus>[-−]|\bminus\s|\bmenos\s)\s?)?(?<!\w)(?P<before>{_UNIT})\s?(?P<a>{_FIGURE})(?![\w-])"
    rf"|(?<![\w-])(?P<b>{_FIGURE})\s?(?P<after>{_UNIT})(?!\w)",
    re.I,
)
_BARE = re.compile(rf"(?:{cue('refunding').pattern})(?P<b>{_FIGURE})(?=\s*(?:$|[.!?,]|{cue('after_amount').pattern}))", re.I)
_PART = cue("part")


@dataclass(frozen=True)
class Money:
    """An amount as the customer wrote it; `figure` is its digits with the sign, `currency` None when not named."""

    figure: str
    currency: str | None

    def minor(self, currency: str) -> int | None:
        """The amount in minor units of this currency; None when it has more decimals than the currency."""
        return minor_units(self.figure, currency)


def exponent(currency: str) -> int:
    """Decimals of a currency by ISO 4217."""
    return _EXPONENTS.get(currency.upper(), 2)


def minor_units(figure: str, currency: str) -> int | None:
    """Minor units of `1.234,50`, `1,234.50`, `64` or `12.500`; None when the decimals do not fit the currency."""
    negative = bool(re.match(r"\s*(?:[-−]|minus|menos)", figure, re.I))
    digits = re.sub(r"[^\d.,]", "", figure).strip(".,")
    places = exponent(currency)
    last = max(digits.rfind("."), digits.rfind(","))
    tail = digits[last + 1 :] if last >= 0 else ""
    both = "." in digits and "," in digits
    repeated = last >= 0 and digits.count(digits[last]) > 1
    is_group = last >= 0 and len(tail) == 3 and not both and (repeated or places != 3)
    if last < 0 or is_group:
        whole, tail = re.sub(r"\D", "", digits), ""
    else:
        whole = re.sub(r"\D", "", digits[:last])
    if len(tail.rstrip("0")) > places:
        return None
    amount: int = int(whole or 0) * 10**places + int((tail[:places]).ljust(places, "0") or 0)
    return -amount if negative else amount


def money(text: str) -> tuple[Money, ...]:
    """Amounts of money named, in order; without any currency only right after a word of refunding."""
    clean = _SUBSCRIPTION.sub(" ", without_orders(text))
    found: list[Money] = []
    for match in _MONEY.finditer(clean):
        unit = match["before"] or match["after"]
        figure = match["a"] or match["b"]
        currency = _SIGNS.get(unit) or _NAMES.get(fold(unit)) or unit.upper()
        found.append(Money(("-" if match["minus"] else "") + figure.strip(), currency))
    if not found and (bare := _BARE.search(clean)) and not _ALONE.match(bare["b"]):
        found.append(Money(bare["b"].strip(), None))
    return tuple(found)


def asks_for_a_part(text: str) -> bool:
    """Whether less than all is meant without saying how much: half, 20 %, a partial refund."""
    return bool(_PART.search(text))


def money_text(amount: int, currency: str, language: str = "en") -> str:
    """`€64.00`, `64,00 €`, `12.500 KWD`: an amount in minor units for people."""
    places = exponent(currency)
    whole, rest = divmod(abs(amount), 10**places)
    continental = language in ("de", "es", "fr", "it", "nl", "pt", "sv")
    grouped = f"{whole:,}".replace(",", "." if continental and language != "fr" else " " if language in ("fr", "sv") else ",")
    figure = ("-" if amount < 0 else "") + grouped + (("," if continental else ".") + f"{rest:0{places}d}" if places else "")
    sign = next((sign for sign, code in _SIGNS.items() if code == currency), None)
    if sign is None:
        return f"{figure} {currency}"
    return f"{figure} {sign}" if continental else f"{sign}{figure}"


_COUNTRY = {
    fold(name).replace("_", " "): code
    for line in section("lists", "country_names")
    for code, _, names in [line.partition(": ")]
    for name in names.split()
}
_POSTCODES = (
    ("GB", re.compile(r"\b([A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2})\b", re.I)),
    ("NL", re.compile(r"\b(\d{4}\s?[A-Z]{2})\b")),
    ("SE", re.compile(r"\b(\d{3}\s\d{2})\b")),
    ("PT", re.compile(r"\b(\d{4}-\d{3})\b")),
    (None, re.compile(r"(?<![\w-])(?:[A-Z]{1,2}-)?(\d{5}|\d{4})(?![\w-])")),
)
_LEAD = re.compile(
    r"^.*(?:\b(?:to|at|an|nach|in|is|ist|lautet|es|sea|a|à|est|address|adresse|anschrift|lieferadresse|dirección|direccion|instead|stattdessen|use|usa|usad|verwenden|utilisez)\b:?|:|إلى)\s+(?=[A-ZÄÖÜÁÉÍÓÚÑÅØ0-9])"
)
_NAME_LABEL = re.compile(
    r"\b(?:name is|name|nombre|nom|für|attn|c/o)\s*:?\s*([A-ZÄÖÜÁÉÍÓÚÑÅØ][\w.'’-]+(?:\s+[A-ZÄÖÜÁÉÍÓÚÑÅØ][\w.'’-]+){1,3})"
)
_NAME = re.compile(r"[A-ZÄÖÜÁÉÍÓÚÑÅØ][\w.'’-]+(?:\s+(?:de|von|van|da|del|la|bin|al)?\s?[A-ZÄÖÜÁÉÍÓÚÑÅØ][\w.'’-]+){1,3}")
_FILLER = cue("filler")


@dataclass(frozen=True)
class Address:
    """A postal address as far as it is known; country as ISO 3166 alpha-2."""

    name: str | None = None
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    postcode: str | None = None
    country: str | None = None

    def over(self, older: "Address") -> "Address":
        """This address with its gaps filled from an older one."""
        return replace(older, **{field.name: value for field in fields(self) if (value := getattr(self, field.name))})

    def missing(self) -> tuple[str, ...]:
        """Fields a parcel cannot do without, in the order people write them."""
        return tuple(field for field in ("name", "line1", "postcode", "city", "country") if not getattr(self, field))


def country_code(text: str) -> str | None:
    """The country a short text names, by name in several languages or by its two letters."""
    folded = fold(text).strip(" .")
    if folded in _COUNTRY:
        return _COUNTRY[folded]
    return folded.upper() if text.strip(" .").isupper() and folded.upper() in _COUNTRY.values() else None


def address(text: str) -> Address:
    """What a free text says of a postal address: `12 High Street, Bristol BS1 4DJ, UK` or `Hauptstr. 12, 10115 Berlin`."""
    clean = _SUBSCRIPTION.sub(" ", without_orders(without_email(text, keep_lines=True)))
    found = Address()
    if label := _NAME_LABEL.search(clean):
        found = replace(found, name=label[1])
        clean = clean.replace(label[0], " ")
    pieces = [
        part
        for raw in re.split(r"[,;\n،]|(?<=[a-zäöüß]{3})\.\s(?=[^\W\d_])", clean)
        if (part := _FILLER.sub("", raw.strip(" .!?")).strip(" .!?"))
    ]
    rest: list[str] = []
    for index, piece in enumerate(pieces):
        short = _LEAD.sub("", piece).strip()
        if code := country_code(short):
            found = replace(found, country=code)
        elif not found.postcode and (took := _with_postcode(short, has_street=bool(found.line1) or any(map(_is_street, pieces[:index])))):
            before, postcode, after, hint = took
            found = replace(found, postcode=postcode, country=found.country or hint)
            if after and (code := country_code(after.split()[-1])) and len(after.split()) > 1:
                found, after = replace(found, country=code), " ".join(after.split()[:-1])
            rest += [before] if before else []
            found = replace(found, city=after) if after else found
        else:
            rest.append(short)
    return _place(found, rest)


def _is_street(piece: str) -> bool:
    return bool(re.search(r"\d", piece) and re.search(r"[^\W\d_]{3}", piece))


def _with_postcode(piece: str, *, has_street: bool) -> tuple[str, str, str, str | None] | None:
    """(before, postcode, after, country hint); the last figure wins, and a house number alone is no postcode."""
    for hint, pattern in _POSTCODES:
        matches = list(pattern.finditer(piece))
        for match in reversed(matches):
            before, after = piece[: match.start()].strip(" -"), piece[match.end() :].strip(" -")
            if hint == "SE" and not (has_street or _is_street(before)):
                continue
            if hint is None and re.match(r"(?:[A-ZÄÖÜ]?[a-zäöüß]+\s)*(?:street|road|avenue|st|rd|ave|lane|drive)\b", after, re.I):
                continue
            return before, match[1].upper(), after, hint
    return None


def _place(found: Address, rest: list[str]) -> Address:
    """Street, second line, city and name out of what neither postcode nor country took."""
    for piece in rest:
        if not found.line1 and _is_street(piece):
            found = replace(found, line1=piece)
        elif found.line1 and not found.city and not re.search(r"\d", piece) and len(piece.split()) <= 4 and piece[:1].isupper():
            found = replace(found, city=piece)
        elif (
            found.line1
            and not found.line2
            and re.search(r"\d|\b(?:flat|floor|apt|whg|stock|piso|étage)\b", piece, re.I)
            and len(piece) < 40
        ):
            found = replace(found, line2=piece)
        elif not found.line1 and not found.name and _NAME.fullmatch(piece):
            found = replace(found, name=piece)
        elif not found.city and found.postcode and re.fullmatch(r"[A-ZÄÖÜÁÉÍÓÚÑÅØ][^\d]{2,40}", piece) and len(piece.split()) <= 3:
            found = replace(found, city=piece)
    return found


_YES = frozenset(word_list("yes"))
_NO = frozenset(word_list("no"))


def yes_or_no(text: str) -> bool | None:
    """True or False for a message that begins with a plain yes or no and is short, else None."""
    said = re.findall(r"[^\W_]+(?:'[^\W_]+)?", fold(text))
    if not said or len(said) > 6:
        return None
    return True if said[0] in _YES else False if said[0] in _NO else None


def last(things: Iterable[str]) -> str | None:
    """The last of some strings, or None."""
    return next(reversed(list(things)), None)
