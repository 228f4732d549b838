"""The bars `jobs` and `jobs_embedded`: what the queue costs around a job that does nothing."""

import json
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from typing import Any

from supportdesk.bench import ground
from supportdesk.bench.harness import Bar, Result, Unsound, interleave

BARE = Bar(
    "jobs",
    "Jobs a second of the worker (claim by lease, run, settle) on PostgreSQL, against as many threads with bare FOR UPDATE SKIP LOCKED.",
    0.5,
    "jobs/s",
    at_most=False,
)
EMBEDDED = Bar(
    "jobs_embedded",
    "Jobs a second of the worker on SQLite with nothing else running, against Celery with Redis: a worker process with as many threads.",
    3.0,
    "jobs/s",
    at_most=False,
)
JOBS, THREADS = 1_000, 4
PATIENCE = 120.0


def measure(pairs: int, *, jobs: int = JOBS) -> list[Result]:
    """On PostgreSQL.

    Raises:
        LeftOut: without PostgreSQL.
    """
    with ExitStack() as stack:
        var = stack.enter_context(ground.folder())
        url = stack.enter_context(ground.postgres_database(var, "jobs"))
        ours = stack.enter_context(ground.Side("supportdesk.bench.jobs:open_worker", ground.environment(var, DATABASE_URL=url)))
        bare = stack.enter_context(ground.Side("supportdesk.bench.jobs:open_bare", ground.environment(var, DATABASE_URL=url), url=url))
        return [Result(BARE, interleave(lambda: _rate(ours, jobs), lambda: _rate(bare, jobs), pairs))]


def measure_embedded(pairs: int, *, jobs: int = JOBS) -> list[Result]:
    """On SQLite; only the reference uses Redis.

    Raises:
        LeftOut: without Redis.
    """
    redis = ground.redis_url()
    with ground.folder() as var:
        env = ground.environment(var)
        ground.migrate(env)
        with ground.Side("supportdesk.bench.jobs:open_worker", env) as ours:
            return [Result(EMBEDDED, interleave(lambda: _rate(ours, jobs), lambda: celery_rate(redis, env, jobs), pairs))]


def _rate(side: ground.Side, jobs: int) -> float:
    return jobs / float(side.ask(jobs=jobs)["seconds"])


def nothing() -> None:
    """The job: all that is measured is the queue around it."""


def open_worker() -> Any:
    """In a process of its own: the worker with its threads; each request leaves jobs and waits until they are settled."""
    from django.db import connection

    from supportdesk.core import jobs as queue
    from supportdesk.core.management.commands.worker import Worker
    from supportdesk.core.models import Job, Tenant
    from supportdesk.core.tenancy import acting_for

    # Only the bar's job: a worker warms every handler it knows, and a model is no part of this.
    queue._handlers.clear()
    queue.register("bench.nothing", f"{__name__}.nothing")
    tenant = Tenant.objects.create(slug="bench", name="Bench")
    worker = Worker(THREADS)
    threading.Thread(target=worker.run, daemon=True).start()

    def answer(jobs: int) -> dict[str, Any]:
        from django.db import transaction

        with acting_for(tenant):
            before = Job.objects.filter(state=Job.State.DONE).count()
            with transaction.atomic():
                for _ in range(jobs):
                    queue.enqueue("bench.nothing")
            began = time.perf_counter()
            while Job.objects.filter(state=Job.State.DONE).count() < before + jobs:
                if time.perf_counter() - began > PATIENCE:
                    raise Unsound("The worker does not get its jobs done.")
                time.sleep(0.02)
        return {"seconds": time.perf_counter() - began, "vendor": connection.vendor}

    return answer


def open_bare(url: str) -> Any:
    """In a process of its own: threads with the least SQL that claims a row once and settles it, a transaction each."""
    from supportdesk.bench.ground import owner_of

    with owner_of(url) as owner:
        owner.execute("CREATE TABLE bare_job (id bigserial PRIMARY KEY, state text NOT NULL)")
        owner.execute("CREATE INDEX bare_job_due ON bare_job (id) WHERE state = 'queued'")

    def work() -> None:
        with owner_of(url) as mine:
            while True:
                claimed = mine.execute(
                    "UPDATE bare_job SET state = 'running' WHERE id ="
                    " (SELECT id FROM bare_job WHERE state = 'queued' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id"
                ).fetchone()
                if claimed is None:
                    return
                nothing()
                mine.execute("UPDATE bare_job SET state = 'done' WHERE id = %s", claimed)

    def answer(jobs: int) -> dict[str, Any]:
        with owner_of(url) as owner:
            owner.execute("TRUNCATE bare_job")
            owner.execute("INSERT INTO bare_job (state) SELECT 'queued' FROM generate_series(1, %s)", [jobs])
            team = [threading.Thread(target=work) for _ in range(THREADS)]
            began = time.perf_counter()
            for thread in team:
                thread.start()
            for thread in team:
                thread.join()
            took = time.perf_counter() - began
            if owner.execute("SELECT count(*) FROM bare_job WHERE state = 'done'").fetchone() != (jobs,):
                raise Unsound("The reference lost a job.")
        return {"seconds": took}

    return answer


def celery_rate(redis: str, env: dict[str, str], jobs: int) -> float:
    """Tasks a second of one Celery worker, from the start of its first task to the end of its last; they wait in Redis before it starts.

    Raises:
        Unsound: when it does not get them done.
    """
    told = {**env, "BENCH_CELERY": json.dumps({"broker": redis, "tasks": jobs})}
    subprocess.run([sys.executable, "-m", "supportdesk.bench.bare.tasks"], cwd=ground.ROOT, env=told, check=True)
    command = [sys.executable, "-m", "celery", "-A", "supportdesk.bench.bare.tasks", "worker", "--pool", "threads", "--loglevel", "ERROR"]
    lean = ["--concurrency", str(THREADS), "--without-gossip", "--without-mingle", "--without-heartbeat", "-Q", "bench"]
    with ground.Process([*command, *lean], told, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as worker:
        assert worker.popen.stdout is not None  # noqa: S101
        # Reading ends with the worker, and the worker with its time.
        alarm = threading.Timer(PATIENCE, worker.popen.kill)
        alarm.daemon = True
        alarm.start()
        for line in worker.popen.stdout:
            if line.startswith("done in "):
                alarm.cancel()
                # It has nothing to finish; a warm shutdown takes seconds.
                worker.popen.kill()
                return jobs / float(line.split()[-1])
    raise Unsound("Celery did not get its tasks done.")
