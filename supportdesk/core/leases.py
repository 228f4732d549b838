"""The jobs a process is doing, and the lease of each kept alive while it does them."""

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import close_old_connections, connections

from supportdesk.core.jobs import Queue
from supportdesk.core.models import Job

log = logging.getLogger("supportdesk.jobs")
BEAT_SECONDS = 0.3


class Leases:
    """What this process holds. Its threads share one owner name: a job is told from its next attempt by their number."""

    def __init__(self) -> None:
        self.owner = f"{socket.gethostname()[:30]}:{os.getpid()}"
        self.pid = os.getpid()
        self._held: set[int] = set()
        self._renewed = time.monotonic()

    @contextmanager
    def keep(self, job: Job) -> Iterator[Job]:
        """Hold the job's lease for as long as the block runs."""
        self._held.add(job.pk)
        try:
            yield job
        finally:
            self._held.discard(job.pk)

    def renew(self) -> bool:
        """Renew all leases with one statement, a third of a lease after the last time; returns whether there were any."""
        if time.monotonic() - self._renewed < settings.JOB_LEASE_SECONDS / 3:
            return False
        self._renewed = time.monotonic()
        held = set(self._held)
        if held:
            Queue(self.owner).renew(held)
        return bool(held)


class Carrier:
    """Runs jobs that somebody else names, such as the broker; a thread of its own keeps the leases."""

    def __init__(self) -> None:
        self.leases = Leases()
        self._here = threading.local()
        self._stopping = threading.Event()
        threading.Thread(target=self._beat, name="leases", daemon=True).start()

    def carry(self, job_id: int) -> bool:
        """Run the job if it is due and nobody has it; returns whether it was ours to run."""
        queue = self._queue()
        job = queue.take(job_id)
        if job is None:
            return False
        with self.leases.keep(job):
            queue.run(job)
        return True

    def _queue(self) -> Queue:
        if not hasattr(self._here, "queue"):
            self._here.queue = Queue(self.leases.owner)
        queue: Queue = self._here.queue
        return queue

    def stop(self) -> None:
        """Keep leases no more."""
        self._stopping.set()

    def _beat(self) -> None:
        while not self._stopping.wait(BEAT_SECONDS):
            try:
                if self.leases.renew():
                    close_old_connections()
            except Exception:
                log.exception("leases could not be renewed; trying again")
                connections.close_all()
        connections.close_all()


_starting = threading.Lock()
_carrier: Carrier | None = None


def carry(job_id: int) -> bool:
    """Run one job in this process, which keeps its lease; a process that was forked begins anew."""
    global _carrier
    with _starting:
        if _carrier is None or _carrier.leases.pid != os.getpid():
            _carrier = Carrier()
    return _carrier.carry(job_id)
