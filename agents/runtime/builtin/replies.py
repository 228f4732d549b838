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
_SPANS = {"de": "{} bis {} Werktage", "es": "de {} a {} días laborables", "fr": "{} à {} jours ouvrés", "ar": "{} إلى {} أيام عمل"}
_CARDS = {
    "de": "Karte mit den Endziffern {}",
    "es": "tarjeta terminada en {}",
    "fr": "carte se terminant par {}",
    "ar": "البطاقة المنتهية بـ {}",
}


def localised(text: str, language: str) -> str:
    """What the shop says of cards and working days, in the customer's language; anything else as it is."""
    text = _SPAN.sub(lambda match: _SPANS.get(language, "{} to {} working days").format(*match.groups()), text)
    return _CARD.sub(lambda match: _CARDS.get(language, "card ending {}").format(match[1]), text)
