"""One event of the configuration: before and after, field by field; what loosens is marked; secrets and customers' words are not there."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from agents.actions.models import Connector
from policies.models import Limit, Rule
from supportdesk.accounts.people import set_role
from supportdesk.console.audit.diffs import Change, changes_of
from supportdesk.core.events import SYSTEM_ACTOR
from supportdesk.core.models import Event, Membership, Role
from tests.admin.pages import send, text, url
from tests.console.conftest import Desk
from tests.factories import World, make_limit, make_policy, make_rule
from tickets.models import Queue


@pytest.fixture
def editor(at_acme: World, desk: Desk) -> Client:
    at_acme.owner.user.is_staff = True
    at_acme.owner.user.save(update_fields=["is_staff"])
    return desk(at_acme.owner)


def changed(client: Client, row: Any, code: str, **fields: Any) -> list[Change]:
    response = send(client, url(type(row), "change", row.pk), **fields)
    assert "errornote" not in text(response)
    return changes_of(Event.objects.get(code=code))


def test_a_rule_says_what_it_was_and_what_it_became(at_acme: World, editor: Client):
    rule = make_rule(
        make_policy(), otherwise="deny", kind=Rule.Kind.REQUIRE, condition=[{"fact": "order.is_own", "op": "==", "value": True}]
    )
    found = changed(editor, rule, "rule.changed", title="Another sentence", otherwise="ask")
    told = {change.field: (change.before, change.after, change.loosens) for change in found}
    assert told["title"] == (rule.title, "Another sentence", False)
    assert told["otherwise"] == ("deny", "ask", True)
    event = Event.objects.get(code="rule.changed")
    page = text(editor.get(reverse("console:audit_event", args=[event.pk])))
    assert "Another sentence" in page
    assert "Allows more" in page


@pytest.mark.parametrize(("amount", "loosens"), [({"EUR": 50_000}, True), ({"EUR": 100}, False), ({}, True)])
def test_a_limit_that_was_raised_is_marked(at_acme: World, amount: dict[str, int], loosens: bool):
    limit = make_limit(make_policy(), amount={"EUR": 20_000}, count=5)
    limit.amount = amount
    limit.save()
    event = Event.objects.create(tenant=at_acme.tenant, code="limit.changed", actor_kind="teammate", subject={"limit": str(limit.pk)})
    event.refresh_from_db()
    (change,) = changes_of(event)
    assert (change.field, change.loosens) == ("amount", loosens)
    assert Limit.history.filter(id=limit.pk).count() == 2


def test_a_queue_that_became_private_says_so(at_acme: World, editor: Client):
    queue = Queue.objects.create(key="second", name="Second", position=8)
    assert Change("", "name", "Second", "Third") in changed(editor, queue, "queue.changed", name="Third")


def test_a_connectors_secret_is_in_no_change(at_acme: World, editor: Client):
    connector = Connector.objects.create(key="shop", name="Shop", base_url="https://shop.example")
    response = send(editor, url(Connector, "change", connector.pk), token="secret-of-the-shop")
    assert response.status_code == 200
    event = Event.objects.filter(code="connector.changed").first()
    assert event is not None
    page = text(editor.get(reverse("console:audit_event", args=[event.pk])))
    assert "token" in page
    assert "secret-of-the-shop" not in page


def test_a_role_says_both(at_acme: World, bob: Membership):
    set_role(member=bob, role=Role.SUPERVISOR, by=SYSTEM_ACTOR)
    assert changes_of(Event.objects.get(code="member.role_changed")) == [Change("", "role", "responder", "supervisor")]
