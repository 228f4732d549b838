"""Celery carries ids, the rows decide: a redelivered id does nothing, a lost one goes out again, nobody's flood fills the window."""

import base64
import json
import threading
import time
from typing import Any

import pytest
from django.db.models.functions import Now

from supportdesk.celery import Broker, BrokerDown, app, run_job
from supportdesk.core import jobs, relay
from supportdesk.core.jobs import Queue, sweep
from supportdesk.core.leases import Carrier
from supportdesk.core.management.commands.relay import Pacemaker
from supportdesk.core.models import Job
from supportdesk.core.relay import Relay
from supportdesk.core.tenancy import acting_for
from tests.factories import World, make_world
from tests.postgres import work
from tests.postgres.threads import together
from tests.production.conftest import PrivateRedis


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    handlers = {"test.note": jobs.Handler("tests.postgres.work.note"), "test.fail": jobs.Handler("tests.postgres.work.fail")}
    monkeypatch.setattr(jobs, "_handlers", {**jobs.registered(), **handlers})
    work.ran.clear()


@pytest.fixture
def acme() -> World:
    return make_world("acme")


@pytest.fixture
def globex() -> World:
    return make_world("globex", owner="Charlie Chen")


def leave(world: World, how_many: int = 1, name: str = "test.note", **how: Any) -> list[int]:
    with acting_for(world.tenant):
        made = [jobs.enqueue(name, n=n, **how) for n in range(how_many)]
    return [job.pk for job in made if job is not None]


def carried(broker: PrivateRedis) -> list[int]:
    """The ids that wait in the broker, in the order a worker would fetch them; takes them all."""
    waiting = broker.client.lrange(app.conf.task_default_queue, 0, -1)
    broker.client.delete(app.conf.task_default_queue)
    return [json.loads(base64.b64decode(json.loads(message)["body"]))[0][0] for message in reversed(waiting)]


def test_an_id_delivered_many_times_is_run_once(acme: World) -> None:
    [job_id] = leave(acme)
    together(*[lambda: run_job(job_id) for _ in range(6)])
    run_job(job_id)
    assert work.ran == [0]
    job = Job.objects.get()
    assert (job.state, job.attempts) == ("done", 1)


def test_an_id_that_is_not_due_or_is_no_more_is_left_alone(acme: World) -> None:
    [later] = leave(acme, after=60)
    run_job(later)
    run_job(later + 1000)
    assert work.ran == []
    assert Job.objects.get().attempts == 0


def test_a_carried_job_keeps_its_lease_while_it_works(acme: World, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.JOB_LEASE_SECONDS = 1
    going = threading.Event()
    monkeypatch.setattr(work, "note", lambda n: going.wait(10))
    [job_id] = leave(acme)
    carrier = Carrier()
    team = threading.Thread(target=carrier.carry, args=(job_id,))
    team.start()
    time.sleep(2.5)
    assert sweep() == 0
    assert Queue("greedy").take(job_id) is None
    going.set()
    team.join(10)
    carrier.stop()
    assert Job.objects.get().state == "done"


def test_the_window_is_bounded_and_shared_among_workspaces(acme: World, globex: World, broker: PrivateRedis) -> None:
    flood, few = leave(acme, 30), leave(globex, 2)
    passing_on = Relay(Broker(), window=8)
    assert passing_on.publish_due() == 8
    assert passing_on.publish_due() == 0
    ids = carried(broker)
    assert sorted(ids[:4]) == sorted(flood[:2] + few)
    assert ids[4:] == flood[2:6]
    assert passing_on.publish_due() == 8
    assert carried(broker) == flood[6:14]


def test_what_a_flushed_broker_lost_goes_out_again_at_once(acme: World, broker: PrivateRedis) -> None:
    ids = leave(acme, 3)
    passing_on = Relay(Broker())
    assert passing_on.publish_due() == 3
    assert passing_on.publish_due() == 0
    broker.client.flushall()
    assert passing_on.publish_due() == 3
    assert carried(broker) == ids


def test_what_was_lost_on_the_way_goes_out_again_after_a_while(acme: World, broker: PrivateRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "AGAIN_SECONDS", 1)
    ids = leave(acme, 3)
    passing_on = Relay(Broker())
    assert passing_on.publish_due() == 3
    time.sleep(1.1)
    assert passing_on.publish_due() == 0, "they wait in the broker"
    assert carried(broker) == ids
    assert passing_on.publish_due() == 3


def test_a_job_that_failed_or_was_asked_for_again_is_published_anew(acme: World, broker: PrivateRedis) -> None:
    [failed] = leave(acme, name="test.fail")
    [moved] = leave(acme, dedupe="one")
    passing_on = Relay(Broker())
    assert passing_on.publish_due() == 2
    assert sorted(carried(broker)) == [failed, moved]
    run_job(failed)
    assert leave(acme, dedupe="one") == []
    Job.objects.update(run_at=Now())
    assert passing_on.publish_due() == 2
    assert sorted(carried(broker)) == [failed, moved]


def test_two_relays_publish_each_job_once(acme: World, broker: PrivateRedis) -> None:
    ids = leave(acme, 40)
    together(*[lambda: relay.mark(64) for _ in range(4)])
    assert Job.objects.filter(published_at=None).count() == 0
    relay.unmark(ids)
    shares = together(*[lambda: relay.mark(64) for _ in range(4)])
    assert sorted(pk for share in shares for pk in share) == ids


def test_a_relay_without_a_broker_says_so_once_and_goes_on(
    acme: World, broker: PrivateRedis, caplog: pytest.LogCaptureFixture, settings: Any
) -> None:
    [job_id] = leave(acme)
    broker.stop()
    with pytest.raises(BrokerDown):
        Relay(Broker()).publish_due()
    stopping = threading.Event()
    team = threading.Thread(target=Pacemaker(Relay(Broker())).run, args=(stopping,))
    team.start()
    time.sleep(2.5)
    broker.start()
    for _ in range(100):
        if Job.objects.exclude(published_at=None).exists():
            break
        time.sleep(0.1)
    stopping.set()
    team.join(10)
    assert not team.is_alive()
    # Chores of the house may leave jobs of their own meanwhile.
    assert carried(broker).count(job_id) == 1
    said = [record.getMessage() for record in caplog.records if record.name == "supportdesk.relay"]
    assert [("does not answer" in line, "answers again" in line) for line in said] == [(True, False), (False, True)]
