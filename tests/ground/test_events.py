"""The event log: written with the change, chained, and tampering is named."""

import pytest
from django.db import transaction
from django_scopes.exceptions import ScopeError

from supportdesk.core.events import AI, Actor, broken_links, event_hash, last_position, record, stamp, teammate
from supportdesk.core.models import ChainHead, Event
from supportdesk.core.tenancy import acting_for
from tests.factories import World


@pytest.fixture
def events(world: World) -> list[Event]:
    """Five stamped events."""
    made = [record("ticket.routed", ticket_id=n, by=Actor("system"), changed={"queue": n}) for n in range(5)]
    stamp()
    return made


def test_an_event_says_who_and_which_rows(world: World):
    event = record("ticket.assigned", by=teammate(world.owner), ticket_id=7, queue=3, nothing=None, changed={"assignee": 1})
    assert (event.tenant, event.actor_kind, event.actor_id, event.subject) == (world.tenant, "teammate", world.owner.pk, {"queue": "3"})
    assert record("message.sent", by=AI).actor_kind == "ai"


def test_an_event_taken_back_with_its_change_never_was(world: World):
    with transaction.atomic():
        record("ticket.opened")
        transaction.set_rollback(True)
    assert not Event.objects.exists()


def test_nobody_records_outside_a_workspace(db: None):
    with pytest.raises(ScopeError):
        record("ticket.opened")


def test_stamping_gives_positions_without_gaps_per_workspace(world: World, globex: World):
    for _ in range(3):
        record("ticket.opened")
        with acting_for(globex.tenant):
            record("ticket.opened")
    assert stamp(limit=4) == 4
    assert stamp() == 2
    assert stamp() == 0
    for tenant in (world.tenant, globex.tenant):
        assert list(Event.objects.filter(tenant=tenant).order_by("id").values_list("position", flat=True)) == [1, 2, 3]
        assert last_position(tenant) == 3
        assert broken_links(tenant) == []


@pytest.mark.parametrize(
    "change",
    [
        {"code": "ticket.resolved"},
        {"actor_kind": "ai"},
        {"actor_id": 9},
        {"ticket_id": 9},
        {"changed": {"queue": 9}},
        {"subject": {"x": "1"}},
        {"at": "2020-01-01T00:00Z"},
        {"hash": "0" * 64},
        {"prev_hash": "0" * 64},
    ],
)
def test_one_changed_field_names_its_event(world: World, events: list[Event], change: dict[str, object]):
    Event.objects.filter(pk=events[2].pk).update(**change)
    assert f"event {events[2].pk}: its content or its link was changed" in broken_links(world.tenant)


def test_an_event_taken_out_is_noticed_where_it_was_and_at_the_end(world: World, events: list[Event]):
    events[2].delete()
    assert broken_links(world.tenant)[0] == f"event {events[3].pk}: position 4 where 3 belongs"
    events[4].delete()
    assert "the chain ends at 4, its head says 5" in broken_links(world.tenant)


def test_an_event_written_anew_with_a_fitting_hash_breaks_the_next_link(world: World, events: list[Event]):
    forged = Event.objects.get(pk=events[2].pk)
    forged.code = "ticket.resolved"
    forged.hash = event_hash(forged, 3, forged.prev_hash)
    forged.save()
    assert broken_links(world.tenant) == [f"event {events[3].pk}: its content or its link was changed"]


def test_the_last_event_written_anew_does_not_fit_the_head(world: World, events: list[Event]):
    forged = Event.objects.get(pk=events[4].pk)
    forged.code = "ticket.resolved"
    forged.hash = event_hash(forged, 5, forged.prev_hash)
    forged.save()
    assert broken_links(world.tenant) == ["the last event is not the one the chain's head remembers"]


def test_a_chain_without_its_head_is_broken(world: World, events: list[Event]):
    ChainHead.objects.all().delete()
    assert broken_links(world.tenant) == ["the chain ends at 5, its head says 0"]
