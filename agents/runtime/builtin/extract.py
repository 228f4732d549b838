"""Answers made of sentences that are already in the sources: chosen, kept in order, cited; or none at all."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from agents.runtime.builtin.words import canonical, concept, concepts, cue, fold, section, sentences, stem, word_list, words

ENOUGH = 0.55
ENOUGH_OF_WHAT_IS_ASKED = 0.34
# No answer is patched together from sentences that each miss most of the question.
ENOUGH_IN_ONE = 0.55
TRUST_IN_ONE = 0.8
MOST_SENTENCES = 3
# How far a sure search lowers what has to be covered, and an unsure one raises it.
TRUST = 0.4
_STOP = frozenset(word_list("small_words"))
_THINGS = frozenset(word_list("things"))
_VAGUE = frozenset(word_list("vague"))
_UNIT = f"(?:{'|'.join(section('lists', 'units_of_time'))})"
_SHAPES = {
    "duration": re.compile(rf"\d+.{{0,24}}{_UNIT}", re.I),
    "cost": re.compile(r"[€£$¥]|\b(?:EUR|GBP|USD)\b|\bfree\b|kostenlos|gratis|gratuit|مجان", re.I),
    "phone": re.compile(r"\+?\d[\d\s()/-]{6,}"),
    "email": re.compile(r"\S+@\S+"),
    "hours": re.compile(r"\d{1,2}(?:[:.]\d{2})?\s?(?:am|pm|uhr|h)?\s?(?:-|–|to|bis|until|a|à)\s?\d{1,2}", re.I),
}
_AIMED_AT_THE_AGENT = cue("aimed_at_the_agent")
_QUESTION_LINE = re.compile(r"[?؟]\s*$")


@dataclass(frozen=True)
class Source:
    """One numbered text an answer may quote; `score` in 0..1 is how sure the search is of it."""

    n: int
    title: str
    text: str
    language: str = "en"
    score: float = 0.5


@dataclass(frozen=True)
class Answer:
    """Sentences with their citations, and the language they are written in; `coverage` is the share of the question they speak to."""

    text: str
    language: str
    cited: tuple[int, ...]
    coverage: float


def terms(text: str, language: str = "en") -> tuple[str, ...]:
    """What a text is about: concepts where known (`=return`), else stems; small words left out."""
    named = [f"={name}" for name in concepts(text) if name not in _VAGUE]
    rest = [
        stem(word, language) for word in words(text) if word not in _STOP and concept(word) is None and (len(word) > 1 or word.isdigit())
    ]
    return tuple(dict.fromkeys(named + rest))


def translated(question: str, language: str) -> str:
    """A question's concepts in the plain words of a language, to search its help centre; empty when too little is known."""
    known = [canonical(name, language) for name in concepts(question) if name not in _VAGUE]
    return " ".join(known) if len(known) >= 2 else ""


def answer(question: str, sources: Sequence[Source], language: str = "en", background: str = "") -> Answer | None:
    """The best one to three sentences for a question, or None when no source covers it well enough.

    `background` is an earlier question this one leans on: its terms help to choose, but need not be covered.
    """
    asked = terms(question, language)
    lines = [
        _Line(depth, source, sentence, language)
        for source in sources
        for depth, sentence in enumerate(one for one in sentences(source.text) if _quotable(one))
    ]
    if not asked or not lines:
        return None
    weights = _weights(asked, lines, _names(question))
    for term in terms(background, language):
        weights.setdefault(term, 0.4)
    if not (chosen := _choose(lines, weights)):
        return None
    trust = max(-0.5, min(0.5, chosen[0].source.score - 0.5))
    covered = set().union(*(line.terms for line in chosen))
    titled = set().union(*(line.title for line in chosen))
    total = sum(weights[term] for term in asked) or 1.0
    coverage = sum(weights[term] * (1.0 if term in covered else 0.8 if term in titled else 0.0) for term in asked) / total
    beyond = [term for term in asked if term not in titled and term[1:] not in _THINGS]
    told = sum(weights[term] for term in beyond if term in covered) / (sum(weights[term] for term in beyond) or 1.0) if beyond else 1.0
    alone = max(sum(weights[term] for term in asked if term in line.terms or term in line.title) for line in chosen) / total
    if alone < ENOUGH_IN_ONE - TRUST_IN_ONE * trust:
        return None
    if coverage < ENOUGH - TRUST * trust or told < ENOUGH_OF_WHAT_IS_ASKED - 0.8 * max(0.0, trust):
        return None
    return _written(lines, chosen, coverage)


class _Line:
    def __init__(self, depth: int, source: Source, sentence: str, language: str) -> None:
        self.depth, self.source, self.sentence = depth, source, sentence
        self.terms = set(terms(sentence, source.language or language)) | {stem(word, language) for word in words(sentence)}
        self.shapes = {f"={name}" for name, shape in _SHAPES.items() if shape.search(sentence)}
        self.terms |= self.shapes
        self.spoken = {name for term in self.terms if term[:1] == "=" and (name := term[1:]) not in {*_VAGUE, *_THINGS, *_SHAPES}}
        self.title = set(terms(source.title, source.language or language)) | {stem(word, language) for word in words(source.title)}

    def score(self, weights: dict[str, float]) -> float:
        """Weight of the terms met; a figure where one is asked counts more, matters nobody asked about a little less."""
        met = sum(
            weight * (0.6 if term[1:] in _SHAPES and term not in self.shapes else 1.0)
            for term, weight in weights.items()
            if term in self.terms
        )
        titled = sum(weight * (0.25 if term in self.terms else 0.5) for term, weight in weights.items() if term in self.title)
        return (
            (met + titled) * (0.7 + 0.6 * self.source.score)
            - 0.1 * len([name for name in self.spoken if f"={name}" not in weights])
            - 0.04 * min(self.depth, 5)
            # Sources come best first: of two sentences that say as much, the better source's is meant.
            - 0.15 * min(self.source.n - 1, 4)
        )


def _quotable(sentence: str) -> bool:
    return len(words(sentence)) >= 3 and not _QUESTION_LINE.search(sentence) and not _AIMED_AT_THE_AGENT.search(fold(sentence))


def _names(question: str) -> set[str]:
    """Proper names in a question: capitalised inside a sentence that is not written in capitals throughout."""
    found = re.findall(r"(?<=[^\W_.!?][ ,])[A-ZÄÖÜÁÉÍÓÚÑ][^\W\d_]{3,}", question)
    return {fold(name) for name in found}


def _weights(asked: Sequence[str], lines: Sequence[_Line], names: set[str]) -> dict[str, float]:
    """Rare terms weigh more; what something costs or how long it takes weighs most, the product named weighs least."""
    weights: dict[str, float] = {}
    for term in asked:
        seen = sum(term in line.terms or term in line.title for line in lines)
        weight = (
            0.6 + math.log(1 + len(lines) / seen) / math.log(1 + len(lines))
            if seen
            else 2.4
            if any(name.startswith(term) for name in names)
            else 1.6
        )
        if term[1:] in _SHAPES:
            weight = max(weight, 1.2)
        weights[term] = weight * (0.35 if term[0] == "=" and term[1:] in _THINGS else 1.0)
    return weights


def _choose(lines: Sequence[_Line], weights: dict[str, float]) -> list[_Line]:
    """The best line, then those of the same or other sources that add something new."""
    ranked = sorted(lines, key=lambda line: (-line.score(weights), line.source.n, line.depth))
    best = ranked[0]
    if all(term in best.title for term in weights):
        # The question names the article and nothing in it: what it says first is what it says.
        return [line for line in lines if line.source.n == best.source.n][:2]
    if not any(term in best.terms for term in weights):
        return []
    chosen, top = [best], best.score(weights)
    open_terms = {term: weight for term, weight in weights.items() if term not in best.terms}
    for line in ranked[1:]:
        if len(chosen) == MOST_SENTENCES or not open_terms:
            break
        same = line.source.n == best.source.n
        gain = sum(weight for term, weight in open_terms.items() if term in line.terms and (same or term[1:] not in _SHAPES))
        if (
            fold(line.sentence) not in {fold(one.sentence) for one in chosen}
            and line.score(weights) >= (0.45 if same else 0.6) * top
            and gain >= 0.35
        ):
            chosen.append(line)
            open_terms = {term: weight for term, weight in open_terms.items() if term not in line.terms}
    return chosen


def _written(lines: Sequence[_Line], chosen: Sequence[_Line], coverage: float) -> Answer:
    kept = [line for line in lines if line in chosen]
    parts: list[str] = []
    for line, following in zip(kept, [*kept[1:], None], strict=True):
        sentence = line.sentence if re.search(r"[.!…。؟?]$", line.sentence) else line.sentence.rstrip(":;,") + "."
        last = following is None or following.source.n != line.source.n
        parts.append(f"{sentence} [{line.source.n}]" if last else sentence)
    return Answer(" ".join(parts), kept[0].source.language, tuple(dict.fromkeys(line.source.n for line in kept)), round(coverage, 3))
