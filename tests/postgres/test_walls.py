"""Reliability 3: whatever the code forgets, the database keeps each workspace's rows to itself."""

from typing import Any

import pytest
from django.db import Error, IntegrityError, ProgrammingError, connection, connections, transaction
from django.db.models import QuerySet

from agents.runtime.models import AgentRun, Step
from policies.publishing import publish_policy, publish_prompt
from supportdesk.core.events import SYSTEM_ACTOR, record
from supportdesk.core.models import Event
from supportdesk.core.tenancy import acting_for, acting_tenant_id
from tests.factories import World, make_policy, make_prompt, make_rule, make_ticket
from tickets.models import Customer, Message, Queue, Ticket


def sql(statement: str, *values: object, using: str = "default") -> list[tuple[object, ...]]:
    with connections[using].cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else [(cursor.rowcount,)]


def setting() -> object:
    return sql("SELECT nullif(current_setting('app.tenant', true), '')")[0][0]


@pytest.fixture
def tickets(acme: World, globex: World) -> tuple[Ticket, Ticket]:
    with acting_for(acme.tenant):
        mine = make_ticket(acme)
    with acting_for(globex.tenant):
        theirs = make_ticket(globex)
    return mine, theirs


def test_without_a_tenant_there_are_no_rows(tickets: tuple[Ticket, Ticket]):
    assert sql("SELECT count(*) FROM tickets_ticket") == [(0,)]
    assert sql("SELECT count(*) FROM tickets_message") == [(0,)]
    assert sql("SELECT count(*) FROM policies_historicalrule") == [(0,)]
    with transaction.atomic():
        assert sql("SELECT count(*) FROM tickets_ticket") == [(0,)]


def test_even_raw_sql_sees_only_the_own_rows(acme: World, tickets: tuple[Ticket, Ticket]):
    with acting_for(acme.tenant):
        assert sql("SELECT id FROM tickets_ticket") == [(tickets[0].pk,)]
        assert [row.pk for row in Ticket.objects.raw("SELECT * FROM tickets_ticket")] == [tickets[0].pk]


def test_a_foreign_row_cannot_be_updated_or_deleted(acme: World, globex: World, tickets: tuple[Ticket, Ticket]):
    theirs = tickets[1]
    with acting_for(acme.tenant):
        assert sql("UPDATE tickets_ticket SET subject = 'mine' WHERE id = %s", theirs.pk) == [(0,)]
        assert sql("DELETE FROM tickets_message WHERE ticket_id = %s", theirs.pk) == [(0,)]
        assert QuerySet(Ticket).filter(pk=theirs.pk).update(subject="mine") == 0
    with acting_for(globex.tenant):
        assert Ticket.objects.get(pk=theirs.pk).subject == theirs.subject
        assert Message.objects.filter(ticket=theirs).exists()


def test_a_row_for_another_tenant_is_refused(acme: World, globex: World):
    with acting_for(acme.tenant):
        with pytest.raises(ProgrammingError, match="row-level security"):
            Customer.objects.bulk_create([Customer(tenant=globex.tenant)])
        mine = Customer.objects.create()
        with pytest.raises(ProgrammingError, match="row-level security"):
            sql("UPDATE tickets_customer SET tenant_id = %s WHERE id = %s", globex.tenant.pk, mine.pk)


def test_a_reference_across_the_wall_is_refused(acme: World, globex: World, tickets: tuple[Ticket, Ticket]):
    """A plain foreign key to an invisible row is accepted under row-level security; the composite one is not."""
    mine, theirs = tickets
    with acting_for(acme.tenant):
        for column, foreign in (("queue_id", globex.queue.pk), ("customer_id", theirs.customer_id), ("assignee_id", globex.owner.pk)):
            with pytest.raises(IntegrityError, match="_wall"):
                sql(f"UPDATE tickets_ticket SET {column} = %s WHERE id = %s", foreign, mine.pk)
        with pytest.raises(IntegrityError, match="_wall"), transaction.atomic():
            Message.objects.create(ticket_id=theirs.pk, seq=99, author="ai", body="hello", channel=acme.channel)


def test_the_setting_does_not_leak_to_the_next_transaction(acme: World):
    with acting_for(acme.tenant), transaction.atomic():
        assert setting() == str(acme.tenant.pk)
    with transaction.atomic():
        assert setting() is None
    assert setting() is None
    with acting_for(acme.tenant):
        Queue.objects.count()
    assert connection.connection.execute("SELECT nullif(current_setting('app.tenant', true), '')").fetchone() == (None,)


def test_a_savepoint_taken_back_keeps_the_tenant(acme: World):
    with acting_for(acme.tenant), transaction.atomic():
        with pytest.raises(Error), transaction.atomic():
            sql("SELECT 1 / 0")
        assert setting() == str(acme.tenant.pk)
        assert Queue.objects.count() == 1


def test_acting_for_nests_and_gives_the_outer_tenant_back(acme: World, globex: World):
    with transaction.atomic(), acting_for(acme.tenant):
        with acting_for(globex.tenant):
            assert setting() == str(globex.tenant.pk)
            assert list(Queue.objects.all()) == [globex.queue]
        assert setting() == str(acme.tenant.pk)
        assert list(Queue.objects.all()) == [acme.queue]


def test_a_transaction_that_outlives_its_tenant_loses_it(acme: World):
    with transaction.atomic():
        with acting_for(acme.tenant):
            assert setting() == str(acme.tenant.pk)
        assert setting() is None
        assert sql("SELECT count(*) FROM tickets_queue") == [(0,)]


def test_a_tenant_entered_inside_a_savepoint_that_fails_is_left_again(acme: World, globex: World):
    with acting_for(acme.tenant), transaction.atomic():
        with pytest.raises(Error), transaction.atomic(), acting_for(globex.tenant):
            sql("SELECT 1 / 0")
        assert (setting(), acting_tenant_id()) == (str(acme.tenant.pk), acme.tenant.pk)
        assert list(Queue.objects.all()) == [acme.queue]


def test_a_lone_statement_sees_its_tenant(acme: World, globex: World):
    with acting_for(acme.tenant):
        assert not connection.in_atomic_block
        assert [queue.pk for queue in Queue.objects.all()] == [acme.queue.pk]
        assert [queue.pk for queue in Queue.objects.all().iterator(chunk_size=1)] == [acme.queue.pk]
        Queue.objects.filter(pk=acme.queue.pk).update(icon="bell")
        assert not connection.in_atomic_block
    with acting_for(globex.tenant):
        assert [queue.icon for queue in Queue.objects.all()] == ["inbox"]


def test_a_reconnected_connection_is_behind_the_walls_too(acme: World, globex: World):
    with acting_for(acme.tenant):
        assert Queue.objects.count() == 1
        connection.close()
        assert Queue.objects.count() == 1
    connection.close()
    assert sql("SELECT count(*) FROM tickets_queue") == [(0,)]


def test_the_system_role_reads_every_tenant_and_writes_to_none(tickets: tuple[Ticket, Ticket]):
    assert sql("SELECT count(*) FROM tickets_ticket", using="system") == [(2,)]
    for statement in (
        "UPDATE tickets_ticket SET subject = ''",
        "DELETE FROM tickets_message",
        "INSERT INTO tickets_customer DEFAULT VALUES",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"):
            sql(statement, using="system")


@pytest.mark.parametrize("using", ["default", "system"])
@pytest.mark.parametrize("statement", ["UPDATE core_event SET code = 'x'", "DELETE FROM core_event", "TRUNCATE core_event"])
def test_the_event_log_only_grows(acme: World, using: str, statement: str):
    """Reliability 68: neither role changes, deletes or empties what happened."""
    with acting_for(acme.tenant):
        event = record("ticket.opened", ticket_id=1)
        with pytest.raises(ProgrammingError, match="permission denied"):
            sql(statement, using=using)
    assert Event.objects.get(pk=event.pk).code == "ticket.opened"


def test_the_app_role_cannot_stamp_events_or_move_the_chain(acme: World):
    for statement in ("UPDATE core_event SET position = 1", "UPDATE core_chainhead SET position = 0", "DELETE FROM core_chainhead"):
        with pytest.raises(ProgrammingError, match="permission denied"):
            sql(statement)


def test_versions_and_steps_are_append_only(acme: World):
    with acting_for(acme.tenant):
        policy = make_policy()
        make_rule(policy)
        versions = [publish_policy(policy, by=SYSTEM_ACTOR), publish_prompt(make_prompt(), by=SYSTEM_ACTOR)]
        run = AgentRun.objects.create(ticket=make_ticket(acme), turn=1, trigger="message", lease_until="2030-01-01T00:00Z")
        step = Step.objects.create(run=run, number=1, kind="outcome", name="reply")
        for row in (*versions, step):
            rows: QuerySet[Any] = QuerySet(type(row)).filter(pk=row.pk)
            with pytest.raises(ProgrammingError, match="permission denied"):
                rows.update(tenant_id=row.tenant_id)
            with pytest.raises(ProgrammingError, match="permission denied"):
                rows._raw_delete("default")
            assert rows.count() == 1


def test_the_app_role_cannot_take_the_walls_down(acme: World):
    for statement in (
        "ALTER TABLE tickets_ticket DISABLE ROW LEVEL SECURITY",
        "DROP POLICY tenant_wall ON tickets_ticket",
        "CREATE POLICY hole ON tickets_ticket USING (true)",
        "ALTER ROLE CURRENT_USER BYPASSRLS",
        "CREATE TABLE elsewhere (id int)",
    ):
        with pytest.raises(ProgrammingError):
            sql(statement)
