"""Case 68 on PostgreSQL: the app role only adds events; whatever who owns the database does to one is named; the trail stays quick."""

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from supportdesk.console.audit import trail
from supportdesk.core.events import broken_links, record, stamp, teammate
from supportdesk.core.models import Event
from supportdesk.core.tenancy import acting_for
from tests.factories import World, make_ticket
from tickets import verbs

Owner = Any
# One byte, or the smallest change, of every column the chain covers.
FLIPS = {
    "tenant_id": "tenant_id = %(other)s",
    "code": "code = overlay(code placing 'x' from 1)",
    "actor_kind": "actor_kind = overlay(actor_kind placing 'x' from 1)",
    "actor_id": "actor_id = coalesce(actor_id, 0) + 1",
    "ticket_id": "ticket_id = coalesce(ticket_id, 0) + 1",
    "subject": """subject = subject || '{"x": "1"}'""",
    "changed": """changed = changed || '{"queue": 77}'""",
    "at": "at = at + interval '1 microsecond'",
    "position": "position = position + 1000",
    "prev_hash": "prev_hash = overlay(prev_hash placing 'x' from 7)",
    "hash": "hash = overlay(hash placing 'x' from 7)",
}


@pytest.fixture
def events(acme: World) -> list[Event]:
    with acting_for(acme.tenant):
        made = [record("ticket.routed", by=teammate(acme.owner), ticket_id=n, queue=n, changed={"queue": n}) for n in range(6)]
    while stamp():
        pass
    return made


@pytest.mark.reliability(68, "grants")
@pytest.mark.parametrize(
    "statement",
    [
        *("UPDATE core_event SET code = 'x'", "DELETE FROM core_event", "TRUNCATE core_event", "DELETE FROM core_chainhead"),
        *(
            "TRUNCATE core_chainhead",
            "ALTER TABLE core_event ADD x int",
            "DROP TABLE core_event",
            "ALTER TABLE core_event DISABLE TRIGGER ALL",
        ),
    ],
)
def test_the_app_role_only_adds(acme: World, events: list[Event], statement: str) -> None:
    with acting_for(acme.tenant), pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert broken_links(acme.tenant) == []


def test_every_column_is_flipped() -> None:
    assert set(FLIPS) == {field.column for field in Event._meta.concrete_fields} - {"id"}


@pytest.mark.reliability(68, "tamper")
@pytest.mark.parametrize("column", FLIPS)
def test_one_flipped_byte_names_its_row(acme: World, globex: World, events: list[Event], owner: Owner, column: str) -> None:
    one = events[2].pk
    owner.execute(f"UPDATE core_event SET {FLIPS[column]} WHERE id = %(id)s", {"other": globex.tenant.pk, "id": one})
    said = [*broken_links(acme.tenant), *broken_links(globex.tenant)]
    assert any(f"event {one}:" in line for line in said), said
    with pytest.raises(SystemExit):
        call_command("verify_audit", stdout=StringIO())


def _delete(owner: Owner, events: list[Event]) -> None:
    owner.execute("DELETE FROM core_event WHERE id = %s", [events[2].pk])


def _cut(owner: Owner, events: list[Event]) -> None:
    owner.execute("DELETE FROM core_event WHERE id >= %s", [events[4].pk])


def _swap(owner: Owner, events: list[Event]) -> None:
    owner.execute("UPDATE core_event SET position = -1 WHERE id = %s", [events[2].pk])
    owner.execute("UPDATE core_event SET position = 3 WHERE id = %s", [events[3].pk])
    owner.execute("UPDATE core_event SET position = 4 WHERE id = %s", [events[2].pk])


def _forge(owner: Owner, events: list[Event]) -> None:
    owner.execute(
        "INSERT INTO core_event (tenant_id, code, actor_kind, subject, changed, position, prev_hash, hash) "
        "SELECT tenant_id, 'approval.approved', 'system', subject, changed, 7, hash, repeat('a', 64) FROM core_event WHERE id = %s",
        [events[5].pk],
    )


TAMPERINGS: dict[str, tuple[Callable[[Owner, list[Event]], None], Callable[[list[Event]], str]]] = {
    "a row deleted": (_delete, lambda events: f"event {events[3].pk}: position 4 where 3 belongs"),
    "the end deleted": (_cut, lambda events: "the chain ends at 4, its head says 6"),
    "two rows swapped": (_swap, lambda events: f"event {events[3].pk}: its content or its link was changed"),
    "a row forged": (_forge, lambda events: "the chain ends at 7, its head says 6"),
}


@pytest.mark.reliability(68, "tamper")
@pytest.mark.parametrize("name", TAMPERINGS)
def test_what_is_done_to_the_chain_is_named(acme: World, events: list[Event], owner: Owner, name: str) -> None:
    act, expected = TAMPERINGS[name]
    act(owner, events)
    assert expected(events) in broken_links(acme.tenant)


@pytest.mark.reliability(68, "same transaction")
def test_where_no_event_can_be_written_nothing_is(acme: World, owner: Owner) -> None:
    with acting_for(acme.tenant):
        ticket = make_ticket(acme)
        owner.execute("ALTER TABLE core_event ADD CONSTRAINT no_event CHECK (code <> 'ticket.taken_over')")
        try:
            with pytest.raises(DatabaseError):
                verbs.take_over(ticket_id=ticket.pk, by=acme.owner)
            ticket.refresh_from_db()
            assert (ticket.handler, ticket.assignee_id) == ("ai", None)
        finally:
            owner.execute("ALTER TABLE core_event DROP CONSTRAINT no_event")


@pytest.mark.slow
def test_a_page_of_a_hundred_thousand_events_reads_an_index(acme: World, owner: Owner) -> None:
    owner.execute(
        "INSERT INTO core_event (tenant_id, code, actor_kind, actor_id, subject, changed, prev_hash, hash) "
        "SELECT %s, 'ticket.routed', 'teammate', n %% 40, '{}', '{}', '', '' FROM generate_series(1, 100000) n",
        [acme.tenant.pk],
    )
    owner.execute("ANALYZE core_event")
    with acting_for(acme.tenant):
        for filters in (trail.Filters(), trail.Filters(who=f"teammate:{acme.owner.pk}"), trail.Filters(who="ai")):
            rows = trail.matching(acme.owner, filters).order_by("-id")[: trail.PAGE + 1]
            (plan,) = json.loads(rows.explain(format="json", analyze=True))
            assert plan["Execution Time"] < 50, plan
            assert "Seq Scan on core_event" not in rows.explain(), rows.explain()
