"""Words and vectors together: one ranking, how sure it is, and nothing at all where no passage is likely to answer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agents.knowledge.engine.lexical import LexicalHit
from agents.knowledge.engine.text import base_language

# The least confidence of the best hit, and of those shown beside it.
FLOOR = 0.35
COMPANION = 0.5

# A logistic reading of the evidence, fitted to a shop's help centre, its customers' questions and general chatter it cannot answer.
COVERAGE, PAIRING, BIAS = 6.0, 1.6, -5.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """How an embedder's cosine reads: at `low` it says nothing, at `high` the same thing; `trust` is what the span between is worth."""

    low: float
    high: float
    trust: float
    share: float

    def relatedness(self, similarity: float) -> float:
        """A cosine as 0..1."""
        return min(1.0, max(0.0, (similarity - self.low) / (self.high - self.low)))


BUILTIN = Calibration(low=0.05, high=0.55, trust=4.5, share=0.5)
# Sentence encoders put unrelated texts of one subject at 0.2 to 0.4, and a question near its answer above 0.7.
ENCODER = Calibration(low=0.35, high=0.75, trust=6.5, share=1.0)


@dataclass(frozen=True, slots=True)
class FusedHit:
    """One passage found: `score` orders the hits of one answer, `confidence` (0..1) compares between questions.

    `foreign`: in another language than asked for.
    """

    id: int
    score: float
    confidence: float
    language: str
    foreign: bool


def calibration_for(embedder_name: str) -> Calibration:
    """The built-in embedder's own, and one for sentence encoders."""
    return BUILTIN if embedder_name.startswith("builtin") else ENCODER


def fuse(
    lexical: Sequence[LexicalHit],
    vector: Sequence[tuple[int, float]],
    *,
    languages: Mapping[int, str],
    language: str | None,
    calibration: Calibration = BUILTIN,
    floor: float = FLOOR,
    other_languages: bool = True,
    limit: int = 6,
) -> list[FusedHit]:
    """The passages likely to answer, best first; none if even the best is under the floor.

    `vector` holds (id, cosine); `languages` names the language of every id in either list, and ids it lacks are dropped (they left the
    snapshot). Hits in the asked language come alone; if none passes, those of `other_languages` may.
    """
    wanted = base_language(language)
    hits = _judge(lexical, vector, languages, wanted, calibration)
    own = [hit for hit in hits if not hit.foreign]
    found = _above(own, floor)
    if not found and other_languages:
        found = _above([hit for hit in hits if hit.foreign], floor)
    return found[:limit]


def _judge(
    lexical: Sequence[LexicalHit], vector: Sequence[tuple[int, float]], languages: Mapping[int, str], wanted: str, calibration: Calibration
) -> list[FusedHit]:
    by_words = {hit.id: hit for hit in lexical if hit.id in languages}
    related = {id: calibration.relatedness(similarity) for id, similarity in vector if id in languages}
    # Scores of different shelves do not compare, so each language is measured against its own best.
    best: dict[str, float] = {}
    for hit in by_words.values():
        best[hit.language] = max(best.get(hit.language, 0.0), hit.score)
    judged = []
    for id in by_words.keys() | related.keys():
        spoken = base_language(languages[id])
        words = by_words.get(id)
        near = related.get(id, 0.0)
        score = (words.score / best[words.language] if words and words.score > 0 else 0.0) + calibration.share * near
        judged.append(FusedHit(id, score, _confidence(words, near, calibration), spoken, bool(wanted) and spoken != wanted))
    return sorted(judged, key=lambda hit: (-hit.score, hit.id))


def _confidence(words: LexicalHit | None, near: float, calibration: Calibration) -> float:
    evidence = BIAS + calibration.trust * near
    if words:
        evidence += COVERAGE * words.coverage + PAIRING * words.pairing
    return 1 / (1 + math.exp(-evidence))


def _above(hits: Sequence[FusedHit], floor: float) -> list[FusedHit]:
    """The question passes by the surest of its first three hits; companions may be less sure."""
    if not any(hit.confidence >= floor for hit in hits[:3]):
        return []
    return [hit for hit in hits if hit.confidence >= floor * COMPANION]
