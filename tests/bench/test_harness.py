"""The arithmetic of the bars: pairs, medians, verdicts, and what a report says."""

import json
from collections.abc import Callable

import pytest

from supportdesk.bench import bars
from supportdesk.bench.harness import Bar, LeftOut, Pair, Result, interleave, percentile

QUICK = Bar("quick", "Ours is quick.", 1.5, "ms")
MANY = Bar("many", "Ours does many.", 0.5, "jobs/s", at_most=False)


def ticking(order: list[str], name: str, values: list[float]) -> Callable[[], float]:
    """A side that notes its turn."""

    def side() -> float:
        order.append(name)
        return values.pop(0)

    return side


def test_sides_take_turns_and_the_first_of_a_pair_alternates():
    order: list[str] = []
    interleave(ticking(order, "o", [1.0] * 6), ticking(order, "r", [1.0] * 6), 5)
    assert "".join(order) == "orroorroorro"


def test_the_first_pair_only_warms_up():
    ours, reference = [100.0, 2.0, 2.0, 2.0, 2.0, 2.0], [1.0] * 6
    pairs = interleave(lambda: ours.pop(0), lambda: reference.pop(0), 5)
    assert pairs == [Pair(2.0, 1.0)] * 5


def test_a_median_needs_five_pairs():
    with pytest.raises(ValueError, match="at least 5"):
        interleave(lambda: 1.0, lambda: 1.0, 4)


def test_the_median_of_the_ratios_counts_not_the_ratio_of_the_medians():
    result = Result(QUICK, [Pair(1, 1), Pair(20, 10), Pair(9, 3), Pair(8, 8), Pair(100, 50)])
    assert result.ratio == 2.0
    assert result.spread == (1.0, 3.0)
    assert not result.holds


@pytest.mark.parametrize(("bar", "ratio", "holds"), [(QUICK, 1.5, True), (QUICK, 1.51, False), (MANY, 0.5, True), (MANY, 0.49, False)])
def test_a_bar_has_a_direction(bar: Bar, ratio: float, holds: bool):
    assert Result(bar, [Pair(ratio, 1.0)] * 5).holds is holds


def test_a_broken_check_fails_a_bar_that_is_quick_enough():
    result = Result(QUICK, [Pair(1, 1)] * 5, checks={"nothing is missed": False})
    assert not result.holds
    assert "  nothing is missed: BROKEN" in result.lines()


def test_the_report_holds_every_sample_and_the_machine():
    told = json.loads(json.dumps(bars.report([Result(QUICK, [Pair(1, 2), Pair(3, 2), Pair(2, 2)], also={"open": 3})])))
    (bar,) = told["bars"]
    assert bar["pairs"] == [[1, 2], [3, 2], [2, 2]]
    assert (bar["ratio"], bar["spread"], bar["bar"], bar["direction"], bar["holds"]) == (1.0, [0.5, 1.5], 1.5, "at most", True)
    assert {"commit", "cores", "python", "load_before", "packages"} <= set(told["about"])


def test_what_cannot_be_measured_is_left_out_and_says_why(monkeypatch: pytest.MonkeyPatch):
    def measure(pairs: int) -> list[Result]:
        raise LeftOut("no Redis answers")

    monkeypatch.setitem(bars.MEASURES, "screen", (measure, (QUICK,)))
    (result,) = bars.measured("screen", 5)
    assert result.lines() == ["quick: LEFT OUT, nothing was measured: no Redis answers"]
    assert result.as_json()["left_out"] == "no Redis answers"
    assert "holds" not in result.as_json()


def test_a_percentile_is_one_of_the_values():
    assert [percentile([5, 1, 4, 2, 3], share) for share in (0.0, 0.5, 0.9, 1.0)] == [1, 3, 5, 5]
