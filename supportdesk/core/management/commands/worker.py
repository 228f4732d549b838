"""`manage.py worker`: claims due jobs and runs them, sweeps expired leases, stamps events; stops cleanly on SIGTERM."""

import os
import signal
import socket
import threading
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections, connections

from supportdesk.core import jobs
from supportdesk.core.events import stamp
from supportdesk.core.models import Job

IDLE_SECONDS = 0.15
SWEEP_SECONDS = 2.0


class Command(BaseCommand):
    """One worker process with a few threads."""

    help = "Run jobs: agent turns, executions, mail, indexing."

    def add_arguments(self, parser: CommandParser) -> None:
        """--threads, and --once to stop when nothing is due."""
        parser.add_argument("--threads", type=int, default=settings.WORKER_THREADS, help="Jobs done at the same time.")
        parser.add_argument("--once", action="store_true", help="Run what is due and stop.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Work until told to stop."""
        if options["once"]:
            self.stdout.write(f"{jobs.run_due(100_000)} jobs run")
            return
        worker = Worker(options["threads"])
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: worker.stopping.set())
        self.stdout.write(f"worker {worker.name} with {options['threads']} threads")
        self.stdout.flush()
        worker.run()


class Worker:
    """Threads that claim and run jobs, and one that keeps their leases, sweeps and stamps."""

    def __init__(self, threads: int) -> None:
        self.name = f"{socket.gethostname()[:30]}:{os.getpid()}"
        self.threads = threads
        self.stopping = threading.Event()
        self._held: dict[str, Job] = {}
        self._claiming = threading.Lock()

    def run(self) -> None:
        """Until `stopping` is set; running jobs are finished first."""
        jobs.preload()
        team = [threading.Thread(target=self._work, args=(f"{self.name}/{index}",), daemon=True) for index in range(self.threads)]
        for thread in team:
            thread.start()
        swept = 0.0
        while not self.stopping.wait(IDLE_SECONDS):
            try:
                stamp()
                self._renew()
                if time.monotonic() - swept > SWEEP_SECONDS:
                    jobs.sweep()
                    swept = time.monotonic()
            except Exception:
                jobs.log.exception("the worker's housekeeping stumbled and goes on")
                close_old_connections()
        for thread in team:
            thread.join(timeout=settings.JOB_LEASE_SECONDS)

    def _renew(self) -> None:
        for owner, job in list(self._held.items()):
            jobs.Queue(owner).renew([job.pk])

    def _work(self, owner: str) -> None:
        queue = jobs.Queue(owner)
        while not self.stopping.is_set():
            try:
                # One claim at a time per process: on SQLite claiming is a write.
                with self._claiming:
                    job = queue.claim()
                if job is None:
                    self.stopping.wait(IDLE_SECONDS)
                    continue
                self._held[owner] = job
                try:
                    queue.run(job)
                finally:
                    self._held.pop(owner, None)
            except Exception:
                jobs.log.exception("the worker stumbled and goes on")
                close_old_connections()
                self.stopping.wait(1)
        connections.close_all()
