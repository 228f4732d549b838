"""On PostgreSQL, as the app role behind the walls: an erased person is in no table, and a step can be emptied and nothing else."""

import pathlib
from typing import Any

import psycopg
import pytest
from django.db import ProgrammingError, transaction
from psycopg import sql
from pytest_django import Settings

from agents.runtime.models import Step
from supportdesk.core.events import broken_links, stamp
from supportdesk.core.tenancy import acting_for
from tests.factories import World
from tests.lifecycle.persons import erased, make_person, where
from tickets.models import Ticket


def tables_with(owner: psycopg.Connection[Any], mark: str) -> list[str]:
    """Every table with a row that holds the mark, as the owner sees them."""
    names = [row[0] for row in owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()]
    statement = sql.SQL("SELECT count(*) FROM {} AS t WHERE t::text ILIKE %s")
    found = []
    for name in names:
        row = owner.execute(statement.format(sql.Identifier(name)), [f"%{mark}%"]).fetchone()
        if row and row[0]:
            found.append(name)
    return found


@pytest.mark.reliability(66, "messages", "traces", "files", "jobs and cache", "audit")
def test_no_table_holds_an_erased_person(
    acme: World, globex: World, owner: psycopg.Connection[Any], settings: Settings, tmp_path: pathlib.Path
):
    settings.ERASED_LIST = tmp_path / "apart" / "erased.jsonl"
    with acting_for(acme.tenant):
        ida, neighbour = make_person(acme, "QX7IDAJK"), make_person(acme, "QX8NEIJK")
    with acting_for(globex.tenant):
        elsewhere = make_person(globex, "QX9ELSJK")
    before = {each.mark: tables_with(owner, each.mark) for each in (neighbour, elsewhere)}
    assert len(tables_with(owner, ida.mark)) >= 15
    with acting_for(acme.tenant):
        assert erased(ida).state == "done"
    while stamp():
        pass
    assert tables_with(owner, ida.mark) == []
    assert where(ida.mark) == []
    assert {each.mark: tables_with(owner, each.mark) for each in (neighbour, elsewhere)} == before
    assert broken_links(acme.tenant) == []


@pytest.mark.reliability(66, "traces")
def test_a_step_is_emptied_or_stays_as_it_is(acme: World):
    with acting_for(acme.tenant):
        ida = make_person(acme, "QX7IDAJK")
        steps = Step.objects.filter(run__ticket=ida.ticket)
        changes: list[dict[str, Any]] = [{"input": {"other": 1}}, {"input": {}, "output": {"other": 1}}, {"name": "other"}]
        for change in [*changes, {"input": {}, "output": {}}]:
            # The last one alone would be let through, once the ticket is resolved.
            with pytest.raises(ProgrammingError), transaction.atomic():
                steps.update(**change)
        Ticket.objects.filter(pk=ida.ticket.pk).update(status="resolved")
        with pytest.raises(ProgrammingError), transaction.atomic():
            steps.update(input={"other": 1}, output={})
        with pytest.raises(ProgrammingError), transaction.atomic():
            steps.delete()
        assert steps.update(input={}, output={})
