"""The arithmetic of the bars: both sides in turn on the same machine, the median of the pairs' ratios against a bar.

A ratio stands still where seconds do not. Nothing here knows what is measured.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

LEAST_PAIRS = 5


class LeftOut(Exception):
    """A bar that cannot be measured here; says what is missing."""


class Unsound(Exception):
    """A side did not do the work it was timed for, so its time means nothing."""


@dataclass(frozen=True)
class Bar:
    """One promise: ours divided by the reference is at most, or at least, `limit`; both sides in `unit`."""

    name: str
    promise: str
    limit: float
    unit: str
    at_most: bool = True

    def __str__(self) -> str:
        return f"{'at most' if self.at_most else 'at least'} {self.limit:g}"

    def holds(self, ratio: float) -> bool:
        """Whether a ratio keeps the promise."""
        return ratio <= self.limit if self.at_most else ratio >= self.limit


@dataclass(frozen=True)
class Pair:
    """One sample of each side, taken one after the other."""

    ours: float
    reference: float

    @property
    def ratio(self) -> float:
        """Ours in units of the reference."""
        return self.ours / self.reference


@dataclass
class Result:
    """What one bar came to; `checks` are promises that hold or do not, `also` is what the reader should know beside them."""

    bar: Bar
    pairs: list[Pair]
    checks: dict[str, bool] = field(default_factory=dict)
    also: dict[str, Any] = field(default_factory=dict)
    left_out: str = ""

    @property
    def ratio(self) -> float:
        """The median of the pairs' ratios."""
        return median(pair.ratio for pair in self.pairs)

    @property
    def spread(self) -> tuple[float, float]:
        """The smallest and the largest ratio of a pair."""
        ratios = [pair.ratio for pair in self.pairs]
        return min(ratios), max(ratios)

    @property
    def holds(self) -> bool:
        """Whether the bar is kept and every check holds."""
        return self.bar.holds(self.ratio) and all(self.checks.values())

    def as_json(self) -> dict[str, Any]:
        """Everything, every sample too."""
        about: dict[str, Any] = {
            "name": self.bar.name,
            "promise": self.bar.promise,
            "bar": self.bar.limit,
            "direction": "at most" if self.bar.at_most else "at least",
            "unit": self.bar.unit,
        }
        if self.left_out:
            return {**about, "left_out": self.left_out}
        return {
            **about,
            "holds": self.holds,
            "ratio": self.ratio,
            "spread": list(self.spread),
            "ours": median(pair.ours for pair in self.pairs),
            "reference": median(pair.reference for pair in self.pairs),
            "pairs": [[pair.ours, pair.reference] for pair in self.pairs],
            "checks": self.checks,
            "also": self.also,
        }

    def lines(self) -> list[str]:
        """For a person: the verdict first, then what it rests on."""
        name = self.bar.name
        if self.left_out:
            return [f"{name}: LEFT OUT, nothing was measured: {self.left_out}"]
        low, high = self.spread
        ours, reference = median(pair.ours for pair in self.pairs), median(pair.reference for pair in self.pairs)
        within = self.bar.holds(self.ratio)
        return [
            f"{name}: {self.ratio:.2f} of the reference ({low:.2f} to {high:.2f}); bar: {self.bar}: {'holds' if within else 'MISSED'}",
            f"  {ours:,.1f} against {reference:,.1f} {self.bar.unit}, medians of {len(self.pairs)} pairs. {self.bar.promise}",
            *(f"  {what}: {'holds' if kept else 'BROKEN'}" for what, kept in self.checks.items()),
            *(f"  {what}: {_said(value)}" for what, value in self.also.items()),
        ]


def _said(value: Any) -> str:
    return f"{value:,.1f}" if isinstance(value, float) else str(value)


def interleave(ours: Callable[[], float], reference: Callable[[], float], pairs: int, *, warm: int = 1) -> list[Pair]:
    """Take the sides in turn, the first of each pair alternating, after `warm` pairs that do not count.

    Raises:
        ValueError: for fewer pairs than a median needs.
    """
    if pairs < LEAST_PAIRS:
        raise ValueError(f"A median needs at least {LEAST_PAIRS} pairs.")
    found = []
    for index in range(pairs + warm):
        if index % 2:
            second, first = reference(), ours()
        else:
            first, second = ours(), reference()
        if index >= warm:
            found.append(Pair(first, second))
    return found


def percentile(values: Sequence[float], share: float) -> float:
    """The value under which `share` (0..1) of the values lie."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * share))]
