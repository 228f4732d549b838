"""Threads that start together, each with database connections of its own."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connections

Work = Callable[[], Any]


def together(*works: Work) -> list[Any]:
    """Run all at once, released by a barrier; the results in order, an exception as a result."""
    with Crew(len(works)) as crew:
        return crew.together(*works)


class Crew:
    """Threads kept for many rounds, so that a round costs no new connections."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.barrier = threading.Barrier(size)
        self.pool = ThreadPoolExecutor(size)

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        # Each thread closes the connections only it can see.
        list(self.pool.map(self._close, range(self.size)))
        self.pool.shutdown()

    def _close(self, _: int) -> None:
        self.barrier.wait(timeout=60)
        connections.close_all()

    def together(self, *works: Work) -> list[Any]:
        """One round: as many works as there are threads."""
        assert len(works) == self.size
        return [future.result(timeout=120) for future in [self.pool.submit(self._released, work) for work in works]]

    def _released(self, work: Work) -> Any:
        self.barrier.wait(timeout=60)
        try:
            return work()
        except Exception as error:
            return error


def nap(most: float, chance: random.Random) -> None:
    """Sleep up to `most` seconds, often not at all."""
    if chance.random() < 0.8:
        time.sleep(chance.random() * most)


def errors(results: Sequence[Any]) -> list[Exception]:
    """The exceptions among the results."""
    return [result for result in results if isinstance(result, Exception)]
