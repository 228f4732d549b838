"""Celery alone: one task that does nothing, published beforehand with `python -m`, counted by the worker."""

import json
import os
import sys
import time
from itertools import count

from celery import Celery

_told = json.loads(os.environ["BENCH_CELERY"])
app = Celery("bare", broker=_told["broker"])
app.conf.update(task_ignore_result=True, task_default_queue="bench", broker_connection_retry_on_startup=True)
# next() of a counter is one step of the interpreter: threads need no lock around it.
_count = count(1)
_began: list[float] = []


@app.task(name="bench.nothing")  # type: ignore[untyped-decorator]
def nothing() -> None:
    """Nothing; the first notes the time, the last says how long all took."""
    if not _began:
        _began.append(time.perf_counter())
    if next(_count) == _told["tasks"]:
        sys.__stdout__.write(f"done in {time.perf_counter() - _began[0]}\n")  # type: ignore[union-attr]
        sys.__stdout__.flush()  # type: ignore[union-attr]


def publish() -> None:
    """Put the tasks into an empty queue."""
    with app.connection_for_write() as connection:
        app.amqp.queues["bench"](connection.default_channel).declare()
        app.amqp.queues["bench"](connection.default_channel).purge()
        with app.amqp.Producer(connection) as producer:
            for _ in range(_told["tasks"]):
                nothing.apply_async(producer=producer)


if __name__ == "__main__":
    publish()
