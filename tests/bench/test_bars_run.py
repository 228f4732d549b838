"""Each bar runs, with little to do: what it comes to says nothing here, that both sides did their work does."""

import pytest

from supportdesk.bench import jobs, queue, screen, turn, walls, web
from supportdesk.bench.harness import Result
from tests.servers import POSTGRES, REDIS, absent

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket]


def need(*marks: str) -> None:
    """Skip without these servers."""
    if missing := [mark for mark in marks if mark in absent()]:
        pytest.skip(f"needs {' and '.join(missing)}")


def is_whole(result: Result) -> bool:
    """Five pairs of positive samples, every check holding."""
    return len(result.pairs) == 5 and all(pair.ours > 0 and pair.reference > 0 for pair in result.pairs) and all(result.checks.values())


def test_turn():
    (result,) = turn.measure(5)
    assert is_whole(result), result.lines()


def test_web():
    assert [(result.bar.name, is_whole(result)) for result in web.measure(5)] == [("web_start", True), ("web_memory", True)]


def test_queue():
    need(POSTGRES)
    (result,) = queue.measure(5, small=300, large=900)
    assert is_whole(result), result.lines()


def test_walls():
    need(POSTGRES)
    found = walls.measure(5, tickets=300)
    assert [is_whole(result) for result in found] == [True, True], [result.lines() for result in found]


def test_jobs():
    need(POSTGRES)
    (result,) = jobs.measure(5, jobs=40)
    assert is_whole(result), result.lines()


def test_jobs_embedded():
    need(REDIS)
    (result,) = jobs.measure_embedded(5, jobs=40)
    assert is_whole(result), result.lines()


def test_screen():
    need(POSTGRES)
    (result,) = screen.measure(5, sockets=8, cut=3)
    assert is_whole(result), result.lines()
