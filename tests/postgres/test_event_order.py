"""Commit order is not id order: the stamper still gives every reader each event exactly once, in one chain per tenant."""

import random
import threading
import time

from django.db import connections, transaction

from supportdesk.core.database import SYSTEM
from supportdesk.core.events import broken_links, last_position, record, stamp
from supportdesk.core.models import Event, Tenant
from supportdesk.core.tenancy import acting_for
from tests.factories import World
from tests.postgres.threads import errors, nap, together

WRITERS, EVENTS = 8, 50


def write(tenant: Tenant, writer: int) -> None:
    """EVENTS events in transactions of random length, now and then one that is taken back."""
    chance, left = random.Random(writer), EVENTS
    with acting_for(tenant):
        while left:
            size = min(left, chance.randint(1, 6))
            try:
                with transaction.atomic():
                    for _ in range(size):
                        record("ticket.routed", ticket_id=writer)
                        nap(0.003, chance)
                    if chance.random() < 0.1:
                        raise TakenBack
            except TakenBack:
                continue
            left -= size


class TakenBack(Exception):
    """This transaction never happened."""


def test_every_reader_sees_each_event_once_and_in_order(acme: World, globex: World):
    finished = threading.Event()
    read: dict[int, list[int]] = {acme.tenant.pk: [], globex.tenant.pk: []}

    def stampers() -> int:
        chance, most = random.Random(), 0
        while not finished.is_set():
            most = max(most, stamp(limit=chance.choice((1, 7, 500))))
            nap(0.005, chance)
        return most

    def reader() -> None:
        chance, seen = random.Random(), dict.fromkeys(read, 0)
        while True:
            last_round = finished.is_set()
            if last_round:
                # A stamper that still holds the lock makes this one return at once; what it leaves must be stamped, too.
                while Event.objects.using(SYSTEM).filter(position=None).exists():
                    stamp()
            for tenant in read:
                for event in Event.objects.filter(tenant_id=tenant, position__gt=seen[tenant]).order_by("position"):
                    seen[tenant] = event.position or 0
                    read[tenant].append(event.pk)
            if last_round:
                return
            nap(0.005, chance)

    def writers_then_done() -> None:
        tenants = [acme.tenant, globex.tenant]
        threads = [threading.Thread(target=_closing, args=(tenants[n % 2], n)) for n in range(WRITERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        finished.set()

    assert errors(together(stampers, stampers, stampers, reader, writers_then_done)) == []
    for tenant in (acme.tenant, globex.tenant):
        positions = list(Event.objects.filter(tenant=tenant).order_by("position").values_list("position", flat=True))
        assert positions == list(range(1, WRITERS // 2 * EVENTS + 1))
        assert last_position(tenant) == len(positions)
        assert broken_links(tenant) == []
        assert read[tenant.pk] == list(Event.objects.filter(tenant=tenant).order_by("position").values_list("pk", flat=True))


def _closing(tenant: Tenant, writer: int) -> None:
    try:
        write(tenant, writer)
    finally:
        connections.close_all()


def test_an_event_that_commits_late_is_not_missed(acme: World):
    """The first id commits last: a reader that trusted ids would step over it."""
    began, go_on = threading.Event(), threading.Event()

    def slow() -> int:
        with acting_for(acme.tenant), transaction.atomic():
            event = record("ticket.opened")
            began.set()
            go_on.wait(10)
        return event.pk

    def quick() -> int:
        began.wait(10)
        with acting_for(acme.tenant):
            event = record("ticket.resolved")
        assert stamp() == 1
        go_on.set()
        return event.pk

    late, early = together(slow, quick)
    assert late < early
    assert stamp() == 1
    assert list(Event.objects.order_by("position").values_list("pk", flat=True)) == [early, late]
    assert broken_links(acme.tenant) == []


def test_one_stamper_at_a_time_and_the_others_do_not_wait(acme: World):
    with acting_for(acme.tenant):
        record("ticket.opened")

    def holding() -> int:
        with transaction.atomic(using="system"):
            stamped = stamp()
            time.sleep(0.5)
        return stamped

    def second() -> float:
        time.sleep(0.2)
        began = time.monotonic()
        assert stamp() == 0
        return time.monotonic() - began

    first, waited = together(holding, second)
    assert first == 1
    assert waited < 0.25


def test_a_byte_changed_by_the_owner_is_named(acme: World, owner):
    """Reliability 68: who may do everything can change the past, and cannot hide it."""
    with acting_for(acme.tenant):
        events = [record("approval.approved", call=n) for n in range(5)]
    stamp()
    owner.execute("UPDATE core_event SET code = 'approval.rejected' WHERE id = %s", [events[2].pk])
    assert broken_links(acme.tenant) == [f"event {events[2].pk}: its content or its link was changed"]
    owner.execute("DELETE FROM core_event WHERE id = %s", [events[4].pk])
    assert "the chain ends at 4, its head says 5" in broken_links(acme.tenant)
