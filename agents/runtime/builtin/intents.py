"""What a message wants: a small classifier that learns from examples and also learns when not to answer."""

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any

from agents.runtime.builtin.words import DATA, concepts, fold, stem, words

FOLDS = 3
HELD_OUT_EVERY = 5
EXACT_UP_TO = 2_600
DIMENSIONS = 600
_MASKS = (
    (re.compile(r"\S+@\S+\.\w+"), " emailword "),
    (re.compile(r"(?<!['’])\bs-?\d{3}\b", re.I), " subscriptionword "),
    (re.compile(r"(?:\bn[- ]?|#)?\b\d{5}\b", re.I), " orderword "),
    (re.compile(r"\b\d{6}\b"), " codeword "),
    (re.compile(r"\d+(?:[.,]\d+)*"), " 0 "),
)


@dataclass(frozen=True)
class Example:
    """One training utterance; a label of None is out of scope on purpose."""

    text: str
    label: str | None
    language: str = "en"


@dataclass(frozen=True)
class Guess:
    """The label, or None when rejected; `closed` is the best label anyway, `certainty` in 0..1 is that of being in scope."""

    label: str | None
    closed: str
    probability: float
    certainty: float


def _masked(text: str) -> str:
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return text


def _grams(row: tuple[str, str]) -> list[str]:
    """Stemmed word 1–3-grams of (text, language)."""
    stems = [stem(word, row[1]) for word in words(row[0])]
    return [*stems, *map(" ".join, itertools.pairwise(stems)), *map(" ".join, zip(stems, stems[1:], stems[2:], strict=False))]


def _grams_and_concepts(row: tuple[str, str]) -> list[str]:
    """The grams with the concepts behind the words."""
    return _grams(row) + [f"={name}" for name in sorted(concepts(row[0]))]


def _pairs(row: tuple[str, str]) -> list[str]:
    """Concepts alone and in pairs."""
    known = sorted(concepts(row[0]))
    return known + [f"{one}+{two}" for i, one in enumerate(known) for two in known[i + 1 :]]


def _folded(row: tuple[str, str]) -> str:
    return fold(row[0])


class Spelling:
    """Repairs one slip per word towards the words seen in training."""

    def __init__(self, vocabulary: dict[str, int]) -> None:
        self.vocabulary = vocabulary
        self.near: dict[str, list[str]] = {}
        for word in vocabulary:
            if len(word) >= 5:
                for form in self._shorter(word):
                    self.near.setdefault(form, []).append(word)

    @staticmethod
    def _shorter(word: str) -> Iterator[str]:
        yield word
        yield from (word[:i] + word[i + 1 :] for i in range(len(word)))

    def repair(self, text: str) -> str:
        """The text with unknown words of five letters and more replaced by their nearest known one, if there is one."""
        return " ".join(self._word(word) for word in words(text))

    def _word(self, word: str) -> str:
        if len(word) < 5 or word in self.vocabulary or not word.isalpha():
            return word
        near = {candidate for form in self._shorter(word) for candidate in self.near.get(form, ()) if candidate[0] == word[0]}
        return max(sorted(near), key=lambda one: (self.vocabulary[one], one), default=word)


class IntentModel:
    """A trained classifier; `guess` is deterministic and safe to call from several threads."""

    def __init__(self, examples: Sequence[Example], *, lexicon: bool) -> None:
        import numpy as np
        from scipy.sparse import hstack
        from sklearn.feature_extraction.text import TfidfVectorizer

        rows = [(_masked(one.text), one.language) for one in examples]
        counts: dict[str, int] = {}
        for text, _ in rows:
            for word in words(text):
                counts[word] = counts.get(word, 0) + 1
        self._spelling = Spelling(counts)
        self._vectorizers = [
            TfidfVectorizer(analyzer=_grams_and_concepts if lexicon else _grams, sublinear_tf=True, dtype=np.float32),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), preprocessor=_folded, sublinear_tf=True, dtype=np.float32),
        ]
        if lexicon:
            self._vectorizers.append(TfidfVectorizer(analyzer=_pairs, dtype=np.float32))
        matrix = hstack([vectorizer.fit_transform(rows) for vectorizer in self._vectorizers]).tocsr()
        self.labels: list[str] = sorted({one.label for one in examples if one.label is not None})
        targets = np.array([-1 if one.label is None else self.labels.index(one.label) for one in examples])
        self._rows, outside = matrix[targets >= 0], matrix[targets < 0]
        self._targets = targets[targets >= 0]
        likeness = (self._rows @ self._rows.T).toarray() if self._rows.shape[0] <= EXACT_UP_TO else None
        span, back = self._span(likeness)
        coefficients, self._bias = self._fit(span, self._targets, tolerance=2e-3)
        self._weights = coefficients if back is None else self._rows.T @ (back @ coefficients)
        self._centroids = self._centroids_of(self._rows, self._targets)
        self._rejector = self._learn_rejection(span, likeness, outside)

    def _span(self, likeness: Any) -> tuple[Any, Any]:
        """The examples in the space the regression is solved in, and the way back: few examples span few dimensions."""
        import numpy as np
        from scipy.linalg import eigh

        if likeness is None:
            return self._rows, None
        size = likeness.shape[0]
        values, vectors = eigh(likeness, subset_by_index=(max(0, size - DIMENSIONS), size - 1))
        values, vectors = values[values > 1e-5], vectors[:, values > 1e-5]
        root = np.sqrt(values)
        return vectors * root, vectors / root

    def _fit(self, rows: Any, targets: Any, tolerance: float) -> tuple[Any, Any]:
        """(dimensions × labels, labels) of a multinomial logistic regression with C = 20; labels never seen score -30."""
        import numpy as np
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=20, tol=tolerance, max_iter=60).fit(rows, targets)
        weights, bias = model.coef_.T, model.intercept_
        if len(model.classes_) == 2:
            weights, bias = np.column_stack([-weights / 2, weights / 2]), np.array([-bias[0] / 2, bias[0] / 2])
        wide = np.zeros((weights.shape[0], len(self.labels)), dtype=np.float32)
        tall = np.full(len(self.labels), -30.0, dtype=np.float32)
        wide[:, model.classes_], tall[model.classes_] = weights, bias
        return wide, tall

    def _centroids_of(self, rows: Any, targets: Any) -> Any:
        """(labels × features) unit mean of each label's examples; a label without examples stays zero."""
        import numpy as np
        from scipy.sparse import csr_matrix
        from sklearn.preprocessing import normalize

        shape = (len(self.labels), len(targets))
        members = csr_matrix((np.ones(len(targets), dtype=np.float32), (targets, np.arange(len(targets)))), shape=shape)
        return normalize(members @ rows)

    def _signals(self, rows: Any, scores: Any, likeness: Any, centroids: Any) -> Any:
        """(rows × 9) how sure, how clear, how near to what was seen; `likeness` is (rows × known examples)."""
        import numpy as np

        top = scores.max(axis=1, keepdims=True)
        odds = np.exp(scores - top)
        total = odds.sum(axis=1, keepdims=True)
        chances = odds / total
        ordered = np.sort(chances, axis=1)
        size = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).reshape(-1, 1)) + 1e-6
        near = np.sort(likeness / (size * np.sqrt(len(self._vectorizers))), axis=1)
        middle = np.asarray((rows @ centroids.T).todense()) / size
        return np.column_stack(
            [
                ordered[:, -1],
                ordered[:, -1] - ordered[:, -2] if ordered.shape[1] > 1 else ordered[:, -1],
                -(chances * np.log(chances + 1e-9)).sum(axis=1),
                top[:, 0],
                np.log(total[:, 0]) + top[:, 0],
                near[:, -1],
                near[:, -min(4, near.shape[1]) :].mean(axis=1),
                middle.max(axis=1),
                np.log1p(np.diff(rows.indptr)),
            ]
        )

    def _learn_rejection(self, span: Any, likeness: Any, outside: Any) -> Any:
        """A model of "is this ours?": whole labels are held out and play the stranger."""
        import numpy as np
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        signals: list[Any] = []
        ours: list[Any] = []
        order = np.arange(len(self._targets))
        for number in range(FOLDS if len(self.labels) >= 2 * FOLDS else 0):
            strangers = self._targets % FOLDS == number
            tested = (order * 7 + number) % HELD_OUT_EVERY == 0
            known = ~strangers & ~tested
            if len(set(self._targets[known].tolist())) < 2:
                continue
            weights, bias = self._fit(span[known], self._targets[known], tolerance=1e-2)
            judged = tested | (strangers & ((order + number) % 2 == 0))
            rows = self._rows[judged]
            alike = (rows @ self._rows[known].T).toarray() if likeness is None else likeness[judged][:, known]
            centroids = self._centroids_of(self._rows[known], self._targets[known])
            signals.append(self._signals(rows, np.asarray(span[judged] @ weights) + bias, alike, centroids))
            ours.append(~strangers[judged])
        if outside.shape[0]:
            alike = (outside @ self._rows.T).toarray()
            signals.append(self._signals(outside, np.asarray(outside @ self._weights) + self._bias, alike, self._centroids))
            ours.append(np.zeros(outside.shape[0], dtype=bool))
        if not signals or len(set(np.concatenate(ours).tolist())) < 2:
            return None
        judge = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, class_weight="balanced"))
        return judge.fit(np.vstack(signals), np.concatenate(ours))

    def guess(self, text: str, language: str = "en") -> Guess:
        """The intent of one text; unknown words are repaired to known ones first."""
        import numpy as np
        from scipy.sparse import hstack

        row = [(self._spelling.repair(_masked(text)), language)]
        vector = hstack([vectorizer.transform(row) for vectorizer in self._vectorizers]).tocsr()
        scores = np.asarray(vector @ self._weights) + self._bias
        best = int(scores.argmax())
        closed = self.labels[best]
        probability = float(1 / np.exp(scores[0] - scores[0, best]).sum())
        certainty = 1.0
        if vector.nnz == 0:
            certainty = 0.0
        elif self._rejector is not None:
            signals = self._signals(vector, scores, (vector @ self._rows.T).toarray(), self._centroids)
            certainty = float(self._rejector.predict_proba(signals)[0, 1])
        return Guess(closed if certainty >= 0.5 else None, closed, round(probability, 6), round(certainty, 6))


def train(examples: Iterable[Example], *, lexicon: bool = False) -> IntentModel:
    """A classifier of these examples, the words of each label counted as one more example of it.

    `lexicon` adds the concepts of a shop in several languages: a help for few examples of a shop, a hindrance elsewhere.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    given = list(examples)
    labels = sorted({one.label for one in given if one.label})
    # One thread: sums come out the same on every machine, and a busy one does not wait for its own threads.
    with threadpool_limits(limits=1):
        named = [Example(" ".join(words(label.replace("_", " "))), label) for label in labels]
        return IntentModel([*given, *named], lexicon=lexicon)


def read_examples() -> list[Example]:
    """The examples the built-in model is trained on, data/intents.jsonl."""
    lines = (DATA / "intents.jsonl").read_text(encoding="utf-8").splitlines()
    return [Example(**json.loads(line)) for line in lines if line.strip()]


_training = Lock()


@lru_cache(maxsize=1)
def _trained() -> IntentModel:
    return train(read_examples(), lexicon=True)


@lru_cache(maxsize=8_192)
def guess(text: str, language: str = "en") -> Guess:
    """The built-in model's guess; the first call of a process trains it, others wait."""
    with _training:
        model = _trained()
    return model.guess(text, language)
