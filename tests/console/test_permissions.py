"""Every address of the console, per role, as one table; and the walls between workspaces and queues."""

import pytest
from django.test import Client
from django.urls import reverse

from supportdesk.core.models import Membership, Role
from supportdesk.core.tenancy import acting_for
from tests.console.approvals import waiting_approval
from tests.console.conftest import Desk
from tests.console.worlds import escalated, make_run
from tests.factories import World, join_team, make_member, make_ticket
from tickets.models import Queue

READ, WRITE = set(Role), {Role.RESPONDER, Role.SUPERVISOR, Role.ADMIN, Role.OWNER}
DECIDE = WRITE - {Role.RESPONDER}
# name, method, roles that may
PAGES: list[tuple[str, str, set[Role]]] = [
    ("queue", "get", READ),
    ("rows", "get", READ),
    ("palette", "get", READ),
    ("switch_workspace", "post", READ),
    ("availability", "post", READ),
    ("ticket", "get", READ),
    ("preview", "get", READ),
    ("news", "get", READ),
    ("orders", "get", READ),
    ("why", "get", READ),
    ("trace", "get", READ),
    ("approvals", "get", READ),
    ("approval", "get", READ),
    ("approval_news", "get", READ),
    ("approval_preview", "get", DECIDE),
    ("approve", "post", DECIDE),
    ("edit", "post", DECIDE),
    ("reject", "post", DECIDE),
    ("reply", "post", WRITE),
    ("note", "post", WRITE),
    ("take_over", "post", WRITE),
    ("hand_back", "post", WRITE),
    ("assign", "post", WRITE),
    ("end_access", "post", WRITE),
    ("route", "post", WRITE),
    ("resolve", "post", WRITE),
    ("reopen", "post", WRITE),
]
ABOUT_A_TICKET = {
    "ticket",
    "preview",
    "news",
    "orders",
    "why",
    "trace",
    "reply",
    "note",
    "take_over",
    "hand_back",
    "assign",
    "end_access",
    "route",
    "resolve",
    "reopen",
}
ABOUT_AN_APPROVAL = {"approval", "approval_preview", "approve", "edit", "reject"}


def address(name: str, number: int, run_id: int, approval_id: int = 1) -> str:
    """Where a page of the table is."""
    if name in ABOUT_AN_APPROVAL:
        return reverse(f"console:{name}", args=[approval_id])
    if name in ("why", "trace"):
        return reverse(f"console:{name}", args=[number, run_id])
    return reverse(f"console:{name}", args=[number] if name in ABOUT_A_TICKET else [])


def form(name: str, member: Membership, queue: Queue) -> dict[str, object]:
    """A form that the page accepts."""
    forms: dict[str, dict[str, object]] = {
        "reply": {"body": "Hello"},
        "note": {"body": "Hello"},
        "assign": {"to": ""},
        "route": {"queue": queue.pk, "priority": 2},
        "switch_workspace": {"membership": member.pk},
        "availability": {"available": "1"},
    }
    return forms.get(name, {})


@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_exactly_what_the_table_says(at_acme: World, desk: Desk, role: Role) -> None:
    member = make_member(at_acme.tenant, role, name="Robin Roe")
    join_team(member, at_acme.team)
    wrong = []
    for name, method, roles in PAGES:
        ticket = escalated(at_acme)
        run = make_run(ticket)
        approval = waiting_approval(at_acme)
        client = desk(member)
        response = getattr(client, method)(address(name, ticket.number, run.pk, approval.pk), form(name, member, at_acme.queue))
        if (response.status_code in (200, 302, 422)) != (role in roles) or (role not in roles and response.status_code != 403):
            wrong.append((name, response.status_code))
    assert wrong == []


@pytest.mark.parametrize(("name", "method"), [(name, method) for name, method, _roles in PAGES])
def test_nobody_gets_the_sign_in_page(at_acme: World, client: Client, name: str, method: str) -> None:
    ticket = escalated(at_acme)
    response = getattr(client, method)(address(name, ticket.number, make_run(ticket).pk))
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("console:sign_in"))


@pytest.mark.parametrize(("name", "method"), [(name, method) for name, method, _roles in PAGES if name in ABOUT_A_TICKET])
def test_another_workspaces_ticket_does_not_exist(acme: World, globex: World, desk: Desk, name: str, method: str) -> None:
    with acting_for(globex.tenant):
        for _ in range(3):
            theirs = make_ticket(globex)
        run = make_run(theirs)
    with acting_for(acme.tenant):
        response = getattr(desk(acme.owner), method)(address(name, theirs.number, run.pk), form(name, acme.owner, acme.queue))
    assert response.status_code == 404


def test_a_ticket_of_a_foreign_queue_does_not_exist_for_a_responder(at_acme: World, bob: Membership, desk: Desk) -> None:
    other = Queue.objects.create(key="secret", name="Board matters")
    ticket = escalated(at_acme, "Board matter")
    ticket.queue = other
    ticket.save(update_fields=["queue"])
    run = make_run(ticket)
    client = desk(bob)
    for name, method, _roles in PAGES:
        if name in ABOUT_A_TICKET:
            response = getattr(client, method)(address(name, ticket.number, run.pk), form(name, bob, at_acme.queue))
            assert response.status_code == 404, name
    page = client.get(reverse("console:queue"), {"tab": "all"}).content.decode()
    assert "Board matter" not in page
    assert client.get(reverse("console:rows"), {"ids": ticket.pk, "tab": "all"}).content.decode().count("<li") == 0
    assert "Board matter" not in client.get(reverse("console:palette"), {"q": "Board", "ticket": ticket.number}).content.decode()


def test_a_run_of_another_ticket_does_not_exist_on_this_one(at_acme: World, desk: Desk) -> None:
    one, two = escalated(at_acme), escalated(at_acme)
    run = make_run(two)
    assert desk(at_acme.owner).get(reverse("console:trace", args=[one.number, run.pk])).status_code == 404


@pytest.mark.parametrize("name", [name for name, method, _roles in PAGES if method == "post"])
def test_a_write_by_get_is_refused(at_acme: World, desk: Desk, name: str) -> None:
    ticket = escalated(at_acme)
    assert desk(at_acme.owner).get(address(name, ticket.number, 1)).status_code == 405


def test_a_post_without_its_token_is_refused(at_acme: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(at_acme.owner.user, backend="django.contrib.auth.backends.ModelBackend")
    ticket = escalated(at_acme)
    assert client.post(reverse("console:take_over", args=[ticket.number])).status_code == 403


@pytest.mark.parametrize("number", [2**31, 2**63, 10**30])
def test_a_number_beyond_every_ticket_is_not_found(at_acme: World, desk: Desk, number: int) -> None:
    assert desk(at_acme.owner).get(f"/console/tickets/{number}/").status_code == 404
    assert desk(at_acme.owner).get(f"/console/tickets/{number}/trace/{number}/").status_code == 404
