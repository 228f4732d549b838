"""Jobs on PostgreSQL: claimed once, found again after a death, fair to every workspace."""

import time
from collections import Counter
from typing import Any

import pytest
from django.db import transaction
from django.db.models.functions import Now

from supportdesk.core import jobs
from supportdesk.core.jobs import Queue, enqueue, redrive, run_due, sweep
from supportdesk.core.models import Job
from supportdesk.core.tenancy import acting_for
from tests.factories import World
from tests.postgres import work
from tests.postgres.threads import errors, together

WORKERS, JOBS = 8, 240


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    handlers = {
        "test.note": jobs.Handler("tests.postgres.work.note"),
        "test.fail": jobs.Handler("tests.postgres.work.fail", on_dead="tests.postgres.work.mourn", max_attempts=2),
    }
    monkeypatch.setattr(jobs, "_handlers", {**jobs.registered(), **handlers})
    work.ran.clear()
    work.dead.clear()


def leave(world: World, name: str = "test.note", how_many: int = 1, **how: Any) -> list[Job]:
    with acting_for(world.tenant):
        made = [enqueue(name, n=n, **how) for n in range(how_many)]
    return [job for job in made if job is not None]


def test_each_job_is_claimed_by_one_worker(acme: World):
    leave(acme, how_many=JOBS)

    def worker(n: int) -> list[int]:
        queue, mine = Queue(f"worker-{n}"), []
        while job := queue.claim():
            queue.run(job)
            mine.append(job.pk)
        return mine

    shares = together(*[lambda n=n: worker(n) for n in range(WORKERS)])
    assert errors(shares) == []
    assert sorted(pk for share in shares for pk in share) == sorted(Job.objects.values_list("pk", flat=True))
    assert Counter(work.ran) == Counter(range(JOBS))
    assert set(Job.objects.values_list("state", "attempts")) == {("done", 1)}
    assert sum(bool(share) for share in shares) > 1


def test_a_worker_that_dies_loses_its_job_to_the_next_one(acme: World):
    [job] = leave(acme)
    dead_worker, next_worker = Queue("dead", lease_seconds=1), Queue("next")
    assert dead_worker.claim() == job
    assert next_worker.claim() is None
    assert sweep() == 0
    time.sleep(1.1)
    assert sweep() == 1
    again = next_worker.claim()
    assert again is not None
    assert (again.pk, again.attempts) == (job.pk, 2)
    next_worker.run(again)
    assert work.ran == [0]


def test_a_worker_that_renews_keeps_its_job(acme: World):
    [job] = leave(acme)
    queue = Queue("slow", lease_seconds=1)
    assert queue.claim() == job
    for _ in range(3):
        time.sleep(0.5)
        queue.renew([job.pk])
        assert sweep() == 0


def test_a_zombie_cannot_settle_what_another_worker_took(acme: World):
    """Reliability 57: its lease ended while it slept; its word about the job counts no more."""
    leave(acme)
    zombie = Queue("zombie", lease_seconds=1)
    held = zombie.claim()
    assert held is not None
    Job.objects.filter(pk=held.pk).update(lease_until=Now())
    time.sleep(0.01)
    assert sweep() == 1
    other = Queue("other").claim()
    assert other is not None
    zombie.run(held)
    held.refresh_from_db()
    assert (held.state, held.lease_owner, held.attempts) == ("running", "other", 2)
    Queue("other").run(other)
    held.refresh_from_db()
    assert (held.state, held.lease_owner) == ("done", "")


def test_five_hundred_jobs_of_one_workspace_do_not_delay_another(acme: World, globex: World):
    leave(acme, how_many=500)
    leave(globex)
    queue = Queue("fair")
    first = [queue.claim() for _ in range(4)]
    assert [job.tenant_id for job in first if job].count(globex.tenant.pk) == 1
    assert globex.tenant.pk in {job.tenant_id for job in first[:2] if job}


def test_equal_jobs_wait_once_even_when_asked_for_at_once(acme: World):
    for _ in range(20):
        Job.objects.all().delete()
        made = together(*[lambda: leave(acme, dedupe="ticket:1") for _ in range(WORKERS)])
        assert errors(made) == []
        assert sum(map(len, made)) == Job.objects.count() == 1


def test_an_equal_job_may_wait_while_one_runs(acme: World):
    leave(acme, dedupe="ticket:1")
    running = Queue("busy").claim()
    assert running is not None
    assert len(leave(acme, dedupe="ticket:1")) == 1
    Queue("busy")._failed(running, "broken")
    running.refresh_from_db()
    assert (running.state, Job.objects.filter(state="queued").count()) == ("done", 1)


def test_a_job_that_is_asked_for_while_it_is_claimed_is_not_lost(acme: World):
    """Between the claim and the question one of two things happens: the waiting job is reused, or a new one waits."""
    for n in range(60):
        Job.objects.all().delete()
        leave(acme, dedupe="ticket:1")
        claimed, made = together(lambda: Queue("worker").claim(), lambda: leave(acme, dedupe="ticket:1"))
        assert errors([claimed, made]) == []
        states = sorted(Job.objects.values_list("state", flat=True))
        assert states == (["queued", "running"] if claimed and made else ["running"] if claimed else ["queued"]), n
        if claimed and not made:
            # The question came first: the worker that claimed after it sees what was asked for.
            assert states == ["running"]


def test_a_job_is_invisible_until_its_transaction_commits(acme: World):
    with acting_for(acme.tenant), transaction.atomic():
        enqueue("test.note", n=1)
        assert Queue("eager").claim() is None
    assert Queue("eager").claim() is not None


def test_a_job_that_never_works_is_dead_told_and_can_be_driven_again(acme: World):
    leave(acme, "test.fail")
    while run_due():
        Job.objects.filter(state="queued").update(run_at=Now())
    [job] = Job.objects.all()
    assert (job.state, job.attempts, job.last_error) == ("dead", 2, "RuntimeError: no 0")
    assert work.dead == [0]
    assert redrive(job)
    assert not redrive(job)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.last_error) == ("queued", 0, "")


def test_a_job_whose_workers_keep_dying_is_dead_in_the_end(acme: World):
    leave(acme, "test.fail")
    for _ in range(2):
        job = Queue("dying", lease_seconds=1).claim()
        assert job is not None
        Job.objects.filter(pk=job.pk).update(lease_until=Now())
        time.sleep(0.01)
        assert sweep() == 1
    [job] = Job.objects.all()
    assert (job.state, job.last_error) == ("dead", "The worker stopped without an answer.")
    assert job.finished_at is not None
    assert work.dead == [0]


def test_a_job_runs_inside_its_own_workspace(acme: World, globex: World, monkeypatch: pytest.MonkeyPatch):
    seen = []
    monkeypatch.setattr(work, "note", lambda n: seen.append((n, _queues())))
    leave(acme)
    leave(globex)
    assert run_due() == 2
    assert sorted(seen) == [(0, [acme.queue.pk]), (0, [globex.queue.pk])]


def _queues() -> list[int]:
    from tickets.models import Queue as Pile

    return list(Pile.objects.values_list("pk", flat=True))
