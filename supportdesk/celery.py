"""Celery is only the transport of the production form: a task carries a job's id, the job row stays the truth.

A redelivered task finds the row claimed or done and leaves it alone; a lost one is published again by the relay.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from celery import Celery
from celery.signals import worker_init
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "supportdesk.settings")

TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss"), "supportdesk.redis_transport:SteadyRedis"))

app = Celery("supportdesk")
app.config_from_object("django.conf:settings", namespace="CELERY")


@app.task(name="supportdesk.run_job")  # type: ignore[untyped-decorator]
def run_job(job_id: int) -> None:
    """Claim this one job and run it; nothing to do when somebody has it or it is not due."""
    from supportdesk.core.leases import carry

    carry(job_id)


@worker_init.connect  # type: ignore[untyped-decorator]
def load(**_: Any) -> None:
    """Import and warm up what jobs need before the pool starts, so that no customer waits for it."""
    import django

    django.setup()
    from django.core.exceptions import ImproperlyConfigured
    from django.db import connections

    from supportdesk.core.start import refuse_unsafe_start

    try:
        refuse_unsafe_start()
    except ImproperlyConfigured as error:
        # Celery goes on after any other exception of a signal.
        raise SystemExit(str(error)) from error

    from supportdesk.core.jobs import preload

    preload()
    connections.close_all()


class BrokerDown(Exception):
    """The broker does not answer; what could not be given to it is in `left`."""

    def __init__(self, error: Exception, left: Sequence[int] = ()) -> None:
        super().__init__(f"{type(error).__name__}: {error}"[:200])
        self.left = left


class Broker:
    """The broker as the relay sees it: a list that job ids are put on.

    It has one connection of its own and drops it after any failure: those of Celery's pools stay broken when the broker comes back.
    """

    def __init__(self) -> None:
        self._connection: Any = None
        self._producer: Any = None

    def has_forgotten(self) -> bool:
        """Whether the broker was flushed or began anew since this was last asked; true for one relay only.

        Raises:
            BrokerDown: it does not answer.
        """
        try:
            return bool(self._open().channel.client.set(f"{app.conf.task_default_queue}.remembered", 1, nx=True))
        except Exception as error:
            self.close()
            raise BrokerDown(error) from error

    def waiting(self) -> int:
        """How many tasks no worker has fetched yet.

        Raises:
            BrokerDown: it does not answer.
        """
        try:
            return int(self._open().channel.queue_declare(queue=app.conf.task_default_queue, durable=True).message_count)
        except Exception as error:
            self.close()
            raise BrokerDown(error) from error

    def publish(self, ids: Sequence[int]) -> None:
        """Hand over job ids, in this order.

        Raises:
            BrokerDown: it stopped answering; `left` were not handed over.
        """
        done = 0
        try:
            producer = self._open()
            for job_id in ids:
                run_job.apply_async((job_id,), producer=producer, retry=False)
                done += 1
        except Exception as error:
            self.close()
            raise BrokerDown(error, ids[done:]) from error

    def close(self) -> None:
        """Drop the connection; the next call opens another."""
        connection, self._connection, self._producer = self._connection, None, None
        if connection is not None:
            with suppress(Exception):
                connection.release()

    def _open(self) -> Any:
        if self._producer is None:
            self._connection = app.connection_for_write()
            self._producer = app.amqp.Producer(self._connection.channel())
        return self._producer
