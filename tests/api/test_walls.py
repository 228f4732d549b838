"""Case 1 and 2: another workspace's rows are not there, by address and in bodies, and stay as they are."""

import json
from typing import Any

import pytest
from django.apps import apps
from django.core import serializers
from django.db import connection
from django.test.utils import CaptureQueriesContext

from supportdesk.core.models import Tenant
from supportdesk.core.signals import has_walls
from supportdesk.core.tenancy import acting_for
from tests.api.calls import NAMING, NOBODYS, OPERATIONS, Named
from tests.api.worlds import Caller, Rows, asked_teammate, furnish, new_key, opened, shown_card, traced
from tests.factories import World
from tickets.models import Queue
from tickets.verbs import note


@pytest.fixture
def theirs(globex: World) -> Rows:
    """Globex's rows, under numbers Acme does not have."""
    Tenant.objects.filter(pk=globex.tenant.pk).update(last_ticket_number=500)
    return furnish(globex)


def everything_of(world: World) -> str:
    """Every row of a workspace behind the walls, as text."""
    with acting_for(world.tenant):
        found = [model for model in apps.get_models() if has_walls(model) and model._meta.label != "core.ServiceIdentity"]
        return "\n".join(
            serializers.serialize("json", model._base_manager.filter(tenant_id=world.tenant.pk).order_by("pk")) for model in found
        )


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in sorted(NAMING) for kind in ("program", "teammate") if kind == "teammate" or not NAMING[name].as_teammate],
)
def test_a_foreign_row_is_told_like_one_that_is_not_there(acme: World, rows: Rows, globex: World, theirs: Rows, name: str, kind: str):
    operation = OPERATIONS[name]
    caller = Caller(new_key(acme, member=acme.owner if kind == "teammate" else None))
    before = everything_of(globex)
    foreign = caller.ask(operation.method, operation.path(Named.of(theirs)), operation.body)
    missing = caller.ask(operation.method, operation.path(NOBODYS), operation.body)
    assert foreign.status_code == missing.status_code == 404
    assert foreign.content == missing.content
    assert foreign.headers == missing.headers
    assert everything_of(globex) == before


def test_a_foreign_call_on_an_own_ticket_is_told_like_one_that_is_not_there(shop: Caller, rows: Rows, theirs: Rows):
    own = Named.of(rows)
    body = {"hash": own.hash, "yes": True}
    foreign, missing = [shop.post(f"tickets/{own.number}/confirmations/{call}", body) for call in (Named.of(theirs).call, NOBODYS.call)]
    assert (foreign.status_code, foreign.content) == (409, missing.content)


def test_a_foreign_row_in_a_body_is_refused_like_one_that_is_not_there(acme: World, rows: Rows, globex: World, theirs: Rows):
    with acting_for(globex.tenant):
        Queue.objects.create(key="theirs", name="Theirs", position=3)
    alice, ours, before = Caller(new_key(acme, member=acme.owner)), everything_of(acme), everything_of(globex)
    path = f"tickets/{rows.ticket.number}"

    def refused(method: str, path: str, body: Any, missing: Any) -> None:
        one, other = alice.ask(method, path, body), alice.ask(method, path, missing)
        assert (one.status_code, one.content) == (400, other.content)

    refused("PATCH", path, {"queue": "theirs"}, {"queue": "nobodys"})
    refused("PATCH", path, {"priority": 4, "assignee": globex.owner.pk}, {"priority": 4, "assignee": 999_999})
    refused("POST", f"{path}/assign", {"assignee": globex.owner.pk}, {"assignee": 999_999})
    opening = {"body": "Hello"}
    refused("POST", "tickets", {**opening, "customer": {"id": theirs.customer.pk}}, {**opening, "customer": {"id": 999_999}})
    assert (everything_of(acme), everything_of(globex)) == (ours, before)


def test_foreign_ids_in_query_strings_find_nothing(acme: World, rows: Rows, globex: World, theirs: Rows):
    shop = Caller(new_key(acme))
    for query in (f"customer={theirs.customer.pk}", f"assignee={globex.owner.pk}"):
        assert shop.get(f"tickets?{query}").json() == {"items": [], "next_cursor": None}
    assert shop.get(f"approvals?ticket={theirs.ticket.number}").json()["items"] == []


def test_what_acme_reads_does_not_change_when_globex_grows(acme: World, rows: Rows, globex: World, theirs: Rows):
    """Non-interference: counts, searches and pages tell nothing of anybody else."""
    alice = Caller(new_key(acme, member=acme.owner))
    addresses = [each.path(Named.of(rows)) for each in OPERATIONS.values() if each.method == "GET"]
    addresses += ["tickets?order=number&page_size=1", "customers?q=ida", "approvals?status=decided"]
    read = [alice.get(address).content for address in addresses]
    for _ in range(5):
        furnish(globex)
    assert [alice.get(address).content for address in addresses] == read


@pytest.mark.parametrize("name", sorted(name for name, each in OPERATIONS.items() if each.method == "GET"))
def test_a_read_asks_as_often_for_many_rows_as_for_few(acme: World, rows: Rows, name: str):
    alice, path = Caller(new_key(acme, member=acme.owner)), OPERATIONS[name].path(Named.of(rows))
    alice.get(path)

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert alice.get(path).status_code == 200
        return len(asked)

    few = queries()
    for number in range(4):
        grow(acme, rows, number)
    many = queries()
    assert many == few <= 14, (few, many)


def grow(world: World, rows: Rows, number: int) -> None:
    """More of everything: tickets, customers with addresses, and on the first ticket messages, cards, approvals and runs."""
    furnish(world)
    with acting_for(world.tenant):
        opened(world, "another")
        asked_teammate(rows.ticket, number=100 + number)
        shown_card(rows.ticket, number=200 + number)
        traced(rows.ticket)
        note(ticket_id=rows.ticket.pk, by=world.owner, body="more")


def test_the_pages_hold_what_was_grown(acme: World, rows: Rows, shop: Caller):
    grow(acme, rows, 1)
    assert len(shop.get("tickets").json()["items"]) == 3
    assert len(json.loads(shop.get("approvals").content)["items"]) == 3
