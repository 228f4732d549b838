"""Words of customer service that mean the same thing, in nine languages: what lets `send back` find `returns`, and `Rückgabe` too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from agents.knowledge.engine.text import base_language, stems, stop_stems

_TABLE = Path(__file__).with_name("data") / "concepts.txt"

Phrases = dict[tuple[str, ...], tuple[str, ...]]


def concepts(text: str, language: str) -> list[tuple[str, tuple[str, ...]]]:
    """Concepts named in a text, each with the stems that named it; nothing for a language without a table.

    `send it back` names what `send back` does: phrases are sought again without the small words.
    """
    words = stems(text, language)
    named = list(find(words, language))
    seen = set(named)
    small = stop_stems(base_language(language))
    named += [found for found in find([word for word in words if word not in small], language) if found not in seen]
    return named


def find(words: Sequence[str], language: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """As `concepts`, over stems with small words kept. Longer phrases are tried first, and single words inside them still count."""
    phrases, longest = _phrases(base_language(language))
    if not phrases:
        return
    for at in range(len(words)):
        for length in range(min(longest, len(words) - at), 0, -1):
            named = tuple(words[at : at + length])
            for concept in phrases.get(named, ()):
                yield concept, named


@lru_cache(maxsize=32)
def _phrases(language: str) -> tuple[Phrases, int]:
    found: dict[tuple[str, ...], list[str]] = {}
    for paragraph in _TABLE.read_text(encoding="utf-8").strip().split("\n\n")[1:]:
        name, *lines = paragraph.split("\n")
        for line in lines:
            code, _, words = line.partition(" ")
            if code != language:
                continue
            for phrase in words.split(", "):
                names = found.setdefault(tuple(stems(phrase, language)), [])
                if name not in names:
                    names.append(name)
    return {phrase: tuple(names) for phrase, names in found.items()}, max(map(len, found), default=0)
