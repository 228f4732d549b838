"""Jobs on the embedded default: due, retried, dead, told, redriven."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from supportdesk.core import jobs
from supportdesk.core.jobs import BACKOFF_SECONDS, Queue, Retry, enqueue, redrive, run_due, sweep
from supportdesk.core.models import Job
from supportdesk.core.tenancy import acting_for, acting_tenant_id
from tests.factories import World

done: list[Any] = []
behaviour: dict[str, Callable[..., None]] = {}


def act(**ids: Any) -> None:
    """What the test job does."""
    done.append((ids, acting_tenant_id()))
    behaviour["run"](**ids)


def told(**ids: Any) -> None:
    """What is said of a dead test job."""
    done.append(("dead", ids, acting_tenant_id()))
    behaviour["on_dead"](**ids)


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    handler = jobs.Handler("tests.ground.test_jobs.act", on_dead="tests.ground.test_jobs.told", max_attempts=3)
    monkeypatch.setattr(jobs, "_handlers", {"test.act": handler})
    done.clear()
    behaviour.update(run=lambda **_: None, on_dead=lambda **_: None)


def fails(**_: Any) -> None:
    raise RuntimeError("the shop is closed")


def is_due() -> None:
    Job.objects.filter(state=Job.State.QUEUED).update(run_at=timezone.now())


def test_a_due_job_runs_once_inside_its_workspace(world: World):
    enqueue("test.act", n=1)
    assert run_due() == 1
    assert run_due() == 0
    assert done == [({"n": 1}, world.tenant.pk)]
    job = Job.objects.get()
    assert (job.state, job.attempts, job.lease_owner) == ("done", 1, "")
    assert job.finished_at is not None


def test_a_job_for_later_waits(world: World):
    enqueue("test.act", after=60)
    assert run_due() == 0
    is_due()
    assert run_due() == 1


def test_a_job_nobody_registered_is_refused_where_it_is_asked_for(world: World):
    with pytest.raises(KeyError):
        enqueue("test.unknown")


def test_a_job_of_a_transaction_taken_back_never_was(world: World):
    with transaction.atomic():
        enqueue("test.act")
        transaction.set_rollback(True)
    assert not Job.objects.exists()


def test_equal_jobs_wait_once_and_take_the_newest_time(world: World):
    first = enqueue("test.act", dedupe="ticket:1", after=60)
    assert first is not None
    assert enqueue("test.act", dedupe="ticket:1") is None
    assert enqueue("test.act", dedupe="ticket:2") is not None
    assert run_due() == 2
    assert enqueue("test.act", dedupe="ticket:1") is not None


def test_equal_jobs_of_two_workspaces_are_two(world: World, globex: World):
    enqueue("test.act", dedupe="tenant")
    with acting_for(globex.tenant):
        enqueue("test.act", dedupe="tenant")
    assert run_due() == 2
    assert {tenant for _ids, tenant in done} == {world.tenant.pk, globex.tenant.pk}


def test_a_failing_job_waits_longer_each_time_then_is_dead_and_told(world: World):
    behaviour["run"] = fails
    enqueue("test.act", n=1)
    for attempt in (1, 2):
        began = timezone.now()
        assert run_due() == 1
        job = Job.objects.get()
        assert (job.state, job.attempts, job.last_error) == ("queued", attempt, "RuntimeError: the shop is closed")
        assert timedelta(0) <= job.run_at - began - timedelta(seconds=BACKOFF_SECONDS[attempt - 1]) < timedelta(seconds=5)
        is_due()
    assert run_due() == 1
    job = Job.objects.get()
    assert (job.state, job.attempts) == ("dead", 3)
    assert job.finished_at is not None
    assert done[-1] == ("dead", {"n": 1}, world.tenant.pk)
    assert run_due() == 0


def test_a_dead_job_stays_visible_even_when_nobody_can_be_told(world: World):
    behaviour["run"] = behaviour["on_dead"] = fails
    enqueue("test.act")
    while run_due():
        is_due()
    assert Job.objects.get().state == "dead"


def test_asking_for_another_try_is_no_failure(world: World):
    def later(**_: Any) -> None:
        raise Retry(30)

    behaviour["run"] = later
    enqueue("test.act")
    for _ in range(5):
        assert run_due() == 1
        job = Job.objects.get()
        assert (job.state, job.attempts, job.last_error) == ("queued", 0, "")
        assert job.run_at > timezone.now() + timedelta(seconds=25)
        is_due()


def test_a_dead_job_can_be_driven_again_unless_an_equal_one_waits(world: World):
    behaviour["run"] = fails
    enqueue("test.act", dedupe="tenant")
    while run_due():
        is_due()
    dead = Job.objects.get()
    enqueue("test.act", dedupe="tenant")
    assert not redrive(dead)
    Job.objects.filter(state="queued").delete()
    assert redrive(dead)
    behaviour["run"] = lambda **_: None
    assert run_due() == 1
    dead.refresh_from_db()
    assert (dead.state, dead.attempts) == ("done", 1)


def test_a_lease_that_ended_makes_the_job_due_again_then_dead(world: World):
    enqueue("test.act")
    for attempt in (1, 2, 3):
        job = Queue("dying").claim()
        assert job is not None
        assert job.attempts == attempt
        assert sweep() == 0
        Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        assert sweep() == 1
    job = Job.objects.get()
    assert (job.state, job.lease_owner) == ("dead", "")
    assert job.finished_at is not None
    assert done == [("dead", {}, world.tenant.pk)]


def test_a_clean_stop_gives_the_job_back_untouched(world: World):
    enqueue("test.act")
    queue = Queue("stopping")
    job = queue.claim()
    assert job is not None
    queue.give_back(job)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.lease_owner) == ("queued", 0, "")
    assert run_due() == 1


def test_workspaces_take_turns(world: World, globex: World):
    for _ in range(5):
        enqueue("test.act")
    with acting_for(globex.tenant):
        enqueue("test.act")
    run_due(limit=2)
    assert {tenant for _ids, tenant in done} == {world.tenant.pk, globex.tenant.pk}
