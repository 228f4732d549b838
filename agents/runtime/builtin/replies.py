"""How the built-in model words things: one table of sentences, dates, and what kind of sentence a reply was."""

import json
import re
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from agents.runtime.builtin.words import DATA


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads((DATA / "replies.json").read_text(encoding="utf-8")))


def phrase(key: str, language: str, **fields: object) -> str:
    """One sentence in a language, in English where that language has none."""
    wordings = _table()["replies"][key]
    text: str = wordings.get(language, wordings["en"])
    return " ".join(text.format(**fields).split()) if not text.startswith(" ") else text.format(**fields)


@lru_cache(maxsize=1)
def spoken() -> frozenset[str]:
    """The languages that have every sentence."""
    return frozenset.intersection(*(frozenset(wordings) for key, wordings in _table()["replies"].items() if key != "no_language"))


def has(key: str, language: str) -> bool:
    """Whether a sentence is there in a language."""
    return language in _table()["replies"][key]


@lru_cache(maxsize=256)
def _marks(key: str) -> tuple[str, ...]:
    """The longest fixed stretch of a sentence in each language: how the sentence is known again."""
    pieces = (max(re.split(r"\{\w+\}", text), key=len).strip() for text in _table()["replies"][key].values())
    return tuple(piece for piece in pieces if len(piece) >= 8)


def says(text: str, *keys: str) -> bool:
    """Whether a reply contains one of these sentences, in whatever language."""
    flat = " ".join(text.split())
    return any(mark in flat for key in keys for mark in _marks(key))


def date_text(value: object, language: str, now: str = "") -> str:
    """`24 November`, `24. November`, `24 de noviembre`: a day for people; the year only when it is not this one."""
    try:
        day = datetime.fromisoformat(str(value))
    except ValueError:
        return str(value)
    months = _table()["months"]
    spoken = language if language in months else "en"
    name = months[spoken][day.month - 1]
    year = "" if now[:4] == f"{day.year:04d}" else str(day.year)
    join = {"de": f"{day.day}. {name}", "es": f"{day.day} de {name}"}.get(spoken, f"{day.day} {name}")
    return f"{join}{' de' if spoken == 'es' and year else ''} {year}".strip()


_SPAN = re.compile(r"(\d+)\s*(?:to|-|–)\s*(\d+)\s+(?:working|business)\s+days?", re.I)
_CARD = re.compile(r"card ending (?:in )?(\d+)", re.I)
_TRANSFER = re.compile(r"bank transfer from account ending (?:in )?(\d+)", re.I)
_INVOICE = re.compile(r"^invoice$", re.I)
# What shops say in English of the way money goes and how long it takes: each with its words in the other languages.
_SAID = (
    (_SPAN, "{} to {} working days", ("{} bis {} Werktage", "de {} a {} días laborables", "{} à {} jours ouvrés", "{} إلى {} أيام عمل")),
    (
        _CARD,
        "card ending {}",
        ("Karte mit den Endziffern {}", "tarjeta terminada en {}", "carte se terminant par {}", "البطاقة المنتهية بـ {}"),
    ),
    (
        _TRANSFER,
        "bank account ending {}",
        (
            "Bankkonto mit den Endziffern {}",
            "cuenta bancaria terminada en {}",
            "compte bancaire se terminant par {}",
            "الحساب البنكي المنتهي بـ {}",
        ),
    ),
    (_INVOICE, "invoice", ("Rechnung", "factura", "facture", "الفاتورة")),
)


def localised(text: str, language: str) -> str:
    """What the shop says of ways of payment and working days, in the customer's language; anything else as it is."""
    for pattern, english, others in _SAID:
        words = dict(zip(("de", "es", "fr", "ar"), others, strict=True)).get(language, english)
        text = pattern.sub(lambda match, words=words: words.format(*match.groups()), text)  # type: ignore[misc]
    return text
