"""`manage.py worker`: claims due jobs and runs them, sweeps expired leases, stamps events; stops cleanly on SIGTERM."""

import signal
import threading
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections, connections

from supportdesk.core import jobs
from supportdesk.core.events import stamp
from supportdesk.core.heads import export_now_and_then
from supportdesk.core.leases import Leases
from supportdesk.core.start import refuse_unsafe_start

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
        refuse_unsafe_start()
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
        self.leases = Leases()
        self.name = self.leases.owner
        self.threads = threads
        self.stopping = threading.Event()

    def run(self) -> None:
        """Until `stopping` is set; running jobs are finished first."""
        jobs.preload()
        team = [threading.Thread(target=self._work, name=f"jobs-{index}", daemon=True) for index in range(self.threads)]
        for thread in team:
            thread.start()
        swept = 0.0
        while not self.stopping.wait(IDLE_SECONDS):
            try:
                self.leases.renew()
                stamp()
                if time.monotonic() - swept > SWEEP_SECONDS:
                    jobs.sweep()
                    export_now_and_then()
                    swept = time.monotonic()
            except Exception:
                jobs.log.exception("the worker's housekeeping stumbled and goes on")
                close_old_connections()
        self._finish(team)

    def _finish(self, team: list[threading.Thread]) -> None:
        """Wait for what is under way, keeping its leases, but not for ever: what is left becomes due again when its lease ends."""
        until = time.monotonic() + settings.JOB_LEASE_SECONDS
        while any(thread.is_alive() for thread in team) and time.monotonic() < until:
            team[0].join(0.1) if team[0].is_alive() else time.sleep(0.05)
            self.leases.renew()

    def _work(self) -> None:
        queue = jobs.Queue(self.name)
        while not self.stopping.is_set():
            try:
                job = queue.claim()
                if job is None:
                    close_old_connections()
                    self.stopping.wait(IDLE_SECONDS)
                    continue
                with self.leases.keep(job):
                    queue.run(job)
            except Exception:
                jobs.log.exception("the worker stumbled and goes on")
                close_old_connections()
                self.stopping.wait(1)
        connections.close_all()
