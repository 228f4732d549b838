"""The trail as a file: whole, verifiable without the database, harmless in a spreadsheet, asked for again, and cut off in time."""

import asyncio
import csv
import io
import json
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.management import call_command
from django.test import Client

from supportdesk.accounts.people import disable, set_role
from supportdesk.accounts.sessions import end_all_sessions
from supportdesk.console.audit import export
from supportdesk.console.audit.export import Export
from supportdesk.console.audit.trail import Filters
from supportdesk.core.events import SYSTEM_ACTOR, record, stamp
from supportdesk.core.models import Event, Membership, Role, Tenant
from supportdesk.core.stepup import PROVED_AT
from supportdesk.core.tenancy import acting_for
from tests.console.conftest import Desk
from tests.factories import World, make_member, make_ticket, make_world
from tickets.models import Queue

EXPORT = "/console/audit/export/"


@pytest.fixture
def alice(at_acme: World, desk: Desk) -> Client:
    return desk(at_acme.owner)


def grow(count: int = 12) -> None:
    for number in range(count):
        record("ticket.routed", queue=number, changed={"priority": 1})
    while stamp():
        pass


def taken(client: Client, **asked: str) -> str:
    response = client.post(EXPORT, asked)
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content).decode()


def verify(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """The command on the file, with no database to ask."""
    file = tmp_path / "export.jsonl"
    file.write_text(text)
    out = StringIO()

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("the database was asked")

    with monkeypatch.context() as patched:
        patched.setattr("django.db.backends.base.base.BaseDatabaseWrapper.cursor", refuse)
        try:
            call_command("verify_audit", "--file", str(file), stdout=out)
        except SystemExit as error:
            return int(str(error.code)), out.getvalue()
    return 0, out.getvalue()


def test_a_whole_trail_is_verified_without_the_database(
    at_acme: World, alice: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "BATCH", 5)
    grow()
    text = taken(alice, format="jsonl")
    rows = [json.loads(line) for line in text.splitlines()]
    assert rows[0]["whole"] is True
    assert [row["position"] for row in rows[1:-1]] == list(range(1, len(rows) - 1))
    code, said = verify(text, tmp_path, monkeypatch)
    assert (code, said.split(": ")[1]) == (0, f"{len(rows) - 2} events, holds\n")


@pytest.mark.reliability(68, "tamper")
def test_whatever_is_done_to_an_exported_file_is_named(
    at_acme: World, alice: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow()
    lines = taken(alice, format="jsonl").splitlines()
    names = [*json.loads(lines[3]), "hash"]

    def checked(*changed: str) -> str:
        code, said = verify("\n".join(changed) + "\n", tmp_path, monkeypatch)
        assert code == 1, said
        return said

    for name in names:
        row = json.loads(lines[3])
        row[name] = "0" * 64 if isinstance(row[name], str) else {"x": 1} if isinstance(row[name], dict) else 77
        assert "line 4: event" in checked(*lines[:3], json.dumps(row), *lines[4:]), name
    assert "position 4 where 3 belongs" in checked(*lines[:3], *lines[4:])
    assert "line 5" in checked(*lines[:3], lines[4], lines[3], *lines[5:])
    assert "position 3 after 3" in checked(*lines[:4], *lines[3:])
    assert "its last line is missing" in checked(*lines[:-1])
    assert "counts" in checked(*lines[:-2], lines[-1])
    assert "not a line of an export" in checked(*lines, "{}")
    forged = json.loads(lines[-1]) | {"events": len(lines) - 3}
    assert "the chain ended at" in checked(*lines[:-2], json.dumps(forged))


def test_a_filtered_file_verifies_and_says_what_was_asked_for(
    at_acme: World, alice: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = make_ticket(at_acme)
    grow()
    text = taken(alice, format="jsonl", about=f"ticket:{ticket.number}")
    rows = [json.loads(line) for line in text.splitlines()]
    assert rows[0]["filters"] == {"about": f"ticket:{ticket.number}"}
    assert rows[0]["whole"] is False
    assert {row["ticket_id"] for row in rows[1:-1]} == {ticket.pk}
    assert verify(text, tmp_path, monkeypatch)[0] == 0


def test_what_is_out_of_sight_is_not_in_the_file(at_acme: World, alice: Client) -> None:
    ticket = make_ticket(at_acme)
    grow()
    Queue.objects.filter(pk=at_acme.queue.pk).update(is_private=True)
    at_acme.team.members.all().delete()
    rows = [json.loads(line) for line in taken(alice, format="jsonl").splitlines()]
    assert rows[0]["whole"] is False
    assert ticket.pk not in [row.get("ticket_id") for row in rows]
    assert alice.post(EXPORT, {"about": f"ticket:{ticket.number}"}).status_code == 404


@pytest.mark.parametrize("evil", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_of_the_spreadsheet_is_a_formula(at_acme: World, alice: Client, evil: str) -> None:
    at_acme.owner.user.name = evil
    at_acme.owner.user.save(update_fields=["name"])
    Event.objects.create(tenant=at_acme.tenant, code=evil, actor_kind="teammate", actor_id=at_acme.owner.pk)
    grow()
    rows = list(csv.reader(io.StringIO(taken(alice, format="csv"))))
    assert rows[0] == list(export.COLUMNS)
    assert len(rows) > 12
    assert [cell for row in rows[1:] for cell in row if cell.startswith(export.FORMULA)] == []


def test_that_it_was_taken_is_an_event(at_acme: World, alice: Client) -> None:
    taken(alice, format="csv", what="ticket")
    event = Event.objects.get(code="audit.exported")
    assert (event.actor_id, event.changed) == (at_acme.owner.pk, {"format": "csv", "what": "ticket"})


@pytest.mark.reliability(13, "exports")
def test_taking_it_asks_again_who_it_is(at_acme: World, alice: Client) -> None:
    session = alice.session
    session[PROVED_AT] = time.time() - 601
    session.save()
    asked = alice.post(EXPORT, {"format": "csv", "what": "ticket"})
    assert asked.status_code == 403
    assert b'name="what" value="ticket"' in asked.content
    assert not Event.objects.filter(code="audit.exported").exists()


@pytest.mark.reliability(13, "exports")
@pytest.mark.parametrize("role", Role)
def test_only_administrators_take_it(at_acme: World, desk: Desk, role: Role) -> None:
    client = desk(make_member(at_acme.tenant, role, name="Pat Person"))
    assert client.post(EXPORT, {"format": "csv"}).status_code == (200 if role in (Role.ADMIN, Role.OWNER) else 403)


def suspend(member: Membership) -> None:
    Tenant.objects.filter(pk=member.tenant_id).update(is_active=False)


TAKINGS: dict[str, Callable[[Membership], object]] = {
    "session ended": lambda member: end_all_sessions(user=member.user),
    "role lowered": lambda member: set_role(member=member, role=Role.SUPERVISOR, by=SYSTEM_ACTOR),
    "disabled": lambda member: disable(member=member, by=SYSTEM_ACTOR),
    "workspace suspended": suspend,
}


@pytest.mark.reliability(11, "exports")
@pytest.mark.parametrize("name", TAKINGS)
def test_a_file_that_is_being_taken_stops_when_the_right_to_it_ends(
    at_acme: World, desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert export.CHECK_SECONDS < 5
    monkeypatch.setattr(export, "BATCH", 2)
    sam = make_member(at_acme.tenant, Role.ADMIN, name="Sam Sund")
    client = desk(sam)
    grow(40)
    clock = time.monotonic()
    monkeypatch.setattr(export.time, "monotonic", lambda: clock)
    stream = iter(client.post(EXPORT, {"format": "jsonl"}).streaming_content)
    assert json.loads(next(stream))["whole"] is True
    next(stream)
    TAKINGS[name](sam)
    # Until it is looked at again it goes on; then not one line more, and no last line.
    next(stream)
    clock += export.CHECK_SECONDS
    assert list(stream) == []
    cut = Event.objects.get(code="audit.export_cut")
    assert cut.changed == {"events": 4}


@pytest.mark.reliability(11, "exports", "streams")
@pytest.mark.django_db(transaction=True)
async def test_on_the_loop_it_streams_in_parts_and_stops_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Through Django's ASGI handler, where a file that is no async iterator would be read whole before the first byte goes out."""
    monkeypatch.setattr(export, "BATCH", 3)
    monkeypatch.setattr(export, "CHECK_SECONDS", 0.0)

    def before() -> tuple[Membership, str, str]:
        acme = make_world("acme")
        sam = make_member(acme.tenant, Role.ADMIN, name="Sam Sund")
        client = Client()
        client.force_login(sam.user, backend="django.contrib.auth.backends.ModelBackend")
        client.get("/console/audit/")
        with acting_for(acme.tenant):
            grow(60)
        return sam, client.cookies[settings.SESSION_COOKIE_NAME].value, client.cookies["csrftoken"].value

    sam, session, token = await sync_to_async(before)()
    body = f"format=jsonl&csrfmiddlewaretoken={token}".encode()
    headers = [
        (b"host", b"testserver"),
        (b"cookie", f"{settings.SESSION_COOKIE_NAME}={session}; csrftoken={token}".encode()),
        (b"content-type", b"application/x-www-form-urlencoded"),
        (b"content-length", str(len(body)).encode()),
    ]
    scope = {"type": "http", "method": "POST", "path": EXPORT, "headers": headers, "query_string": b"", "http_version": "1.1"}
    line = ApplicationCommunicator(get_asgi_application(), scope)
    await line.send_input({"type": "http.request", "body": body})
    assert (await line.receive_output(10))["status"] == 200
    parts = [(await line.receive_output(10))["body"] for _ in range(3)]
    assert json.loads(parts[0])["whole"] is True
    assert [part.count(b"\n") for part in parts[1:]] == [3, 3]
    await sync_to_async(end_all_sessions)(user=sam.user)
    rest = []
    while (part := await line.receive_output(10)).get("more_body"):
        rest.append(part["body"])
    assert len(rest) < 20
    assert b'"events"' not in b"".join(rest)
    await asyncio.wait_for(line.wait(10), 10)


def test_every_batch_enters_the_workspace_anew(acme: World, desk: Desk) -> None:
    """The file is read after the request is over: outside every workspace."""
    client = desk(acme.owner)
    with acting_for(acme.tenant):
        grow(4)
    file = Export(client.session, acme.owner, Filters(), "csv")
    assert len("".join(file.in_thread()).splitlines()) > 4
