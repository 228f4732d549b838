"""Search by words: BM25 over stems, pairs, pieces and concepts, a shelf per language, and how much of a question each hit covers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from agents.knowledge.engine.concepts import concepts
from agents.knowledge.engine.text import (
    FAINT_WORTH,
    Tokens,
    base_language,
    faint_stems,
    is_part_of_word,
    sentences,
    stems,
    tokens,
    without_contacts,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

K1 = 1.2
B = 0.75
TITLE_WEIGHT, HEADING_WEIGHT = 3.0, 2.0
WORDS_WEIGHT, PAIRS_WEIGHT, PIECES_WEIGHT, CONCEPTS_WEIGHT = 1.0, 0.7, 0.5, 2.0
TITLE_SHARE = 0.5
FAINT_RANK = 0.5

# A word that no document holds may still be a sibling of one that is: a compound, an ending, a slip of the finger.
ALIKE = 0.6
MOST_ALIKE = 8
MOST_REMEMBERED = 20_000
# Another word for the same thing counts a little less than the word itself.
SYNONYM = 0.75
# Information every question is short of, so that one common word is never all of an answer.
PRIOR = 1.0
# Beyond this many words a message tells a story; then its best sentence is what is asked.
STORY_WORDS = 14


@dataclass(frozen=True, slots=True)
class Document:
    """One passage as the index wants it; `id` is the caller's and unique."""

    id: int
    title: str
    heading: str
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class LexicalHit:
    """A document found by words. `coverage` (0..1) is the share of the question's information it holds, `naming` the share its title and
    heading hold, `pairing` the share of neighbouring words it holds as neighbours; `score` compares within one answer only."""

    id: int
    language: str
    score: float
    coverage: float
    naming: float
    pairing: float


class LexicalIndex:
    """An immutable index over passages of any languages; building is linear, and a search of 5,000 passages takes a few milliseconds."""

    def __init__(self, documents: Iterable[Document]) -> None:
        by_language: dict[str, list[Document]] = {}
        for document in sorted(documents, key=lambda document: document.id):
            by_language.setdefault(base_language(document.language), []).append(document)
        self._shelves = {language: _Shelf(language, shelf) for language, shelf in sorted(by_language.items())}

    def __len__(self) -> int:
        return sum(len(shelf.ids) for shelf in self._shelves.values())

    @property
    def languages(self) -> tuple[str, ...]:
        """Base codes of the languages present, sorted; ``""`` where an article names none."""
        return tuple(self._shelves)

    def search(self, query: str, language: str | None, limit: int = 20) -> list[tuple[int, float]]:
        """The best (id, score) in one language, or in all of them without a language; best first, equal scores by id."""
        return [(hit.id, hit.score) for hit in self.match(query, language, limit)]

    def match(self, query: str, language: str | None, limit: int = 20) -> list[LexicalHit]:
        """As `search`, with what `fuse` needs to judge a hit."""
        query = without_contacts(query)
        wanted = base_language(language)
        shelves = [(name, shelf) for name, shelf in self._shelves.items() if not wanted or name == wanted]
        hits = [hit for name, shelf in shelves for hit in shelf.match(query, wanted or name, limit)]
        return sorted(hits, key=lambda hit: (-hit.score, hit.id))[:limit]

    def match_elsewhere(self, query: str, language: str | None, limit: int = 20) -> list[LexicalHit]:
        """Hits in every language but this one: names, numbers and words that languages share."""
        query = without_contacts(query)
        wanted = base_language(language)
        hits = [hit for name, shelf in self._shelves.items() if name != wanted for hit in shelf.match(query, wanted or name, limit)]
        return sorted(hits, key=lambda hit: (-hit.score, hit.id))[:limit]


class _Postings:
    """Which documents hold a term and what that is worth: (document, value) pairs grouped by term."""

    def __init__(self, counts: Sequence[Mapping[str, float]]) -> None:
        import numpy as np

        self.size = len(counts)
        self.vocabulary: dict[str, int] = {}
        ids = self.vocabulary
        terms = np.fromiter((ids.setdefault(term, len(ids)) for count in counts for term in count), dtype=np.int32)
        documents = np.repeat(np.arange(self.size, dtype=np.int32), [len(count) for count in counts])
        values = np.fromiter((value for count in counts for value in count.values()), dtype=np.float32)
        order = np.argsort(terms, kind="stable")
        self.documents, self.values = documents[order], values[order]
        self.frequency = np.bincount(terms, minlength=len(ids)).astype(np.int64)
        self.starts = np.concatenate(([0], np.cumsum(self.frequency)))
        self.idf = np.log1p((self.size - self.frequency + 0.5) / (self.frequency + 0.5)).astype(np.float32)
        self.unseen = math.log1p((self.size + 0.5) / 0.5)
        self.lengths = np.bincount(documents, weights=values, minlength=self.size)

    def as_bm25(self) -> _Postings:
        """Make each value what BM25 adds for it."""
        import numpy as np

        norm = K1 * (1 - B + B * self.lengths / (float(self.lengths.mean() or 1.0) if self.size else 1.0))
        self.values = (self.values * (K1 + 1) / (self.values + norm[self.documents]) * np.repeat(self.idf, self.frequency)).astype(
            np.float32
        )
        return self

    def as_share(self) -> _Postings:
        """Make each value its term's share of the document's information: a document's values sum to one."""
        import numpy as np

        worth = np.repeat(self.idf, self.frequency)
        total = np.bincount(self.documents, weights=worth, minlength=self.size)
        self.values = (worth / total[self.documents]).astype(np.float32)
        return self

    def holders(self, term: str) -> NDArray[np.int32]:
        """Positions of the documents that hold a term."""
        at = self.vocabulary.get(term)
        return self.documents[0:0] if at is None else self.documents[self.starts[at] : self.starts[at + 1]]

    def worth(self, term: str) -> float:
        """A term's information; that of an unknown one is the highest."""
        at = self.vocabulary.get(term)
        return self.unseen if at is None else float(self.idf[at])

    def score(self, query: Mapping[str, float]) -> NDArray[np.float64]:
        """The weighted sum of the query's terms for every document."""
        import numpy as np

        known = [(self.vocabulary[term], weight) for term, weight in query.items() if term in self.vocabulary]
        if not known:
            return np.zeros(self.size)
        spans = [slice(self.starts[term], self.starts[term + 1]) for term, _ in known]
        documents = np.concatenate([self.documents[span] for span in spans])
        values = np.concatenate([self.values[span] * weight for span, (_, weight) in zip(spans, known, strict=True)])
        total: NDArray[np.float64] = np.bincount(documents, weights=values, minlength=self.size).astype(np.float64)
        return total


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question, or one sentence of it, as one shelf reads it."""

    tokens: Tokens
    concepts: tuple[str, ...]
    synonyms: Mapping[str, frozenset[str]]

    @classmethod
    def read(cls, text: str, shelf: str, spoken: str) -> _Asked:
        """Words are cut the shelf's way; concepts are read in the language the question is asked in."""
        named = concepts(text, spoken)
        synonyms: dict[str, set[str]] = {}
        for concept, words in named:
            for word in words:
                synonyms.setdefault(word, set()).add(concept)
        parsed = tokens(text, shelf, spoken=spoken)
        if spoken != shelf:
            # The same words in the same order, cut twice: the stem the table knows leads to the stem the shelf knows.
            pairs = zip(stems(text, spoken), stems(text, shelf), strict=True)
            synonyms = {here: synonyms[there] for there, here in pairs if there in synonyms}
        return cls(parsed, tuple(name for name, _ in named), {word: frozenset(names) for word, names in synonyms.items()})

    @property
    def title_terms(self) -> dict[str, float]:
        return dict.fromkeys((*self.tokens.words, *self.tokens.pairs, *map(_mark, self.concepts)), 1.0)


class _Shelf:
    """The documents of one language."""

    def __init__(self, language: str, documents: Sequence[Document]) -> None:
        import numpy as np

        self.language = language
        self.ids = np.array([document.id for document in documents], dtype=np.int64)
        # Passages of one article share their title: read it once.
        read = lru_cache(maxsize=8192)(lambda text: _Asked.read(text, language, language))
        names = [(read(document.title), read(document.heading)) for document in documents]
        fields = [(*name, _Asked.read(document.text, language, language)) for name, document in zip(names, documents, strict=True)]
        self.words = _Postings([_count([field.tokens.words for field in row]) for row in fields]).as_bm25()
        self.pairs = _Postings([_count([field.tokens.pairs for field in row]) for row in fields]).as_bm25()
        self.pieces = _Postings([_count([field.tokens.pieces for field in row]) for row in fields]).as_bm25()
        self.concepts = _Postings([_count([field.concepts for field in row]) for row in fields]).as_bm25()
        self.titles = _Postings([title.title_terms for title, _ in names]).as_share()
        self.named_words = _Postings([dict.fromkeys((*t.tokens.words, *h.tokens.words), 1.0) for t, h in names])
        self.named_concepts = _Postings([dict.fromkeys((*t.concepts, *h.concepts), 1.0) for t, h in names])
        self.spellings = list(self.words.vocabulary)
        cut = [_spelling(word) for word in self.spellings]
        self.spelling = _Postings(cut)
        self.spelling_sizes = np.array([len(count) for count in cut], dtype=np.float64)
        self.alike: dict[str, list[tuple[float, str]]] = {}

    def match(self, query: str, spoken: str, limit: int) -> list[LexicalHit]:
        """The best documents for a question asked in a language, with how much of it each covers."""
        import numpy as np

        parts = [_Asked.read(sentence, self.language, spoken) for sentence in sentences(query)]
        if not parts:
            return []
        whole = parts[0] if len(parts) == 1 else _Asked.read(query, self.language, spoken)
        scores = WORDS_WEIGHT * self.words.score(self._weighed(whole.tokens.words))
        scores += PAIRS_WEIGHT * self.pairs.score(Counter(whole.tokens.pairs))
        scores += PIECES_WEIGHT * self.pieces.score(Counter(whole.tokens.pieces))
        scores += CONCEPTS_WEIGHT * self.concepts.score(Counter(whole.concepts))
        named = np.max([self.titles.score(part.title_terms) for part in parts], axis=0)
        scores += TITLE_SHARE * float(scores.max(initial=0.0)) * named
        found = _best(scores, self.ids, limit)
        told = parts if len(set(whole.tokens.words)) > STORY_WORDS else [whole]
        evidence = np.max([self._evidence(part, found) for part in told], axis=0)
        return [
            LexicalHit(int(self.ids[at]), self.language, float(scores[at]), *map(float, evidence[:, row])) for row, at in enumerate(found)
        ]

    def _weighed(self, words: Sequence[str]) -> dict[str, float]:
        """How often each word was asked for, faint ones counting less."""
        faint = faint_stems(self.language)
        return {word: count * (FAINT_RANK if word in faint else 1.0) for word, count in Counter(words).items()}

    def _evidence(self, asked: _Asked, found: NDArray[np.int64]) -> NDArray[np.float64]:
        """Coverage, naming and pairing of the found documents: three rows, a column each."""
        import numpy as np

        evidence = np.zeros((3, len(found)))
        covered, named, paired = evidence
        place = np.full(len(self.ids), -1, dtype=np.int64)
        place[found] = np.arange(len(found))
        total = PRIOR
        for word in dict.fromkeys(asked.tokens.words):
            names = asked.synonyms.get(word, frozenset())
            known = word in self.words.vocabulary
            if not known and not names and any(char.isdigit() for char in word):
                continue  # an order number or a size says nothing about what is asked
            worth = self._worth(word, names)
            total += worth
            in_text, in_name = np.zeros((2, len(found)))
            for alike, spelling in self._alike(word):
                _raise(in_text, place[self.words.holders(spelling)], alike)
                _raise(in_name, place[self.named_words.holders(spelling)], alike)
            for name in names:
                _raise(in_text, place[self.concepts.holders(name)], SYNONYM)
                _raise(in_name, place[self.named_concepts.holders(name)], SYNONYM)
            covered += worth * in_text
            named += worth * in_name
        partial = [pair for pair in dict.fromkeys(asked.tokens.pairs) if is_part_of_word(pair, self.language)]
        for pair in partial:
            total += (worth := self.pairs.worth(pair))
            _raise(in_pair := np.zeros(len(found)), place[self.pairs.holders(pair)], worth)
            covered += in_pair
        pairs = {pair: self.pairs.worth(pair) for pair in asked.tokens.pairs}
        for pair, worth in pairs.items():
            _raise(in_pair := np.zeros(len(found)), place[self.pairs.holders(pair)], worth)
            paired += in_pair
        evidence /= np.array([[total or 1.0], [total or 1.0], [sum(pairs.values()) or 1.0]])
        return evidence

    def _worth(self, word: str, names: frozenset[str]) -> float:
        """How much a word tells of what is asked: that of its concept where it has one, little for a faint word."""
        worth = self.words.worth(word)
        if names:
            concept = max(self.concepts.worth(name) for name in names)
            return (worth + concept) / 2 if word in self.words.vocabulary else concept
        return FAINT_WORTH * worth if word in faint_stems(self.language) or is_part_of_word(word, self.language) else worth

    def _alike(self, word: str) -> list[tuple[float, str]]:
        """Words of the shelf spelled much like this one, with how much (ALIKE to 1); itself first if it is there."""
        if (known := self.alike.get(word)) is None:
            if len(self.alike) >= MOST_REMEMBERED:
                self.alike.clear()
            known = self.alike[word] = self._look_alike(word)
        return known

    def _look_alike(self, word: str) -> list[tuple[float, str]]:
        import numpy as np

        same = [(1.0, word)] if word in self.words.vocabulary else []
        if len(word) < 4:
            return same
        spelling = _spelling(word)
        dice = 2 * self.spelling.score(spelling) / (len(spelling) + self.spelling_sizes)
        near = np.flatnonzero(dice >= ALIKE)
        near = near[np.argsort(-dice[near], kind="stable")[:MOST_ALIKE]]
        return same + [(float(dice[at]), self.spellings[at]) for at in near if self.spellings[at] != word]


def _raise(row: NDArray[np.float64], columns: NDArray[np.int64], to: float) -> None:
    import numpy as np

    columns = columns[columns >= 0]
    row[columns] = np.maximum(row[columns], to)


def _mark(concept: str) -> str:
    """A concept's name, kept apart from words of the same spelling."""
    return f"@{concept}"


def _spelling(word: str) -> dict[str, float]:
    padded = f"^{word}$"
    return {padded[at : at + 3]: 1.0 for at in range(max(1, len(padded) - 2))}


def _count(fields: Sequence[Sequence[str]]) -> dict[str, float]:
    """Weighted counts over (title, heading, text)."""
    count: dict[str, float] = {}
    for terms, weight in zip(fields, (TITLE_WEIGHT, HEADING_WEIGHT, 1.0), strict=True):
        for term in terms:
            count[term] = count.get(term, 0.0) + weight
    return count


def _best(scores: NDArray[np.float64], ids: NDArray[np.int64], limit: int) -> NDArray[np.int64]:
    """Positions of the highest positive scores, best first, equal ones by id."""
    import numpy as np

    positive = np.flatnonzero(scores > 0)
    if len(positive) > limit:
        edge = np.partition(scores[positive], -limit)[-limit]
        positive = positive[scores[positive] >= edge]
    order = np.lexsort((ids[positive], -scores[positive]))[:limit]
    return positive[order]
