"""The audit page: every event in sight as a sentence, found again by who, what, about and when."""

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone

import supportdesk
from agents.actions import approvals, gateway
from supportdesk.console.audit import trail
from supportdesk.console.audit.sentences import Names, has_sentence, sentence
from supportdesk.core.admin_base import ByTable
from supportdesk.core.events import AI, SYSTEM_ACTOR, Actor, record, stamp, teammate
from supportdesk.core.grants import Grant, give, take
from supportdesk.core.models import Event, Membership, Role
from tests.admin.pages import text
from tests.console.conftest import Desk
from tests.factories import World, make_member, make_policy, make_ticket
from tickets import verbs
from tickets.models import Channel, ChannelGrant, Queue, QueueGrant

AUDIT = "/console/audit/"
ROOT = Path(supportdesk.__file__).parent.parent
# Codes made of parts: the file, and every code it can make.
MADE = {
    "supportdesk/core/grants.py": {"grant.given", "grant.taken"},
    "supportdesk/core/admin_base.py": {
        f"{model._meta.model_name}.{verb}"
        for model, page in admin.site._registry.items()
        if isinstance(page, ByTable) and page.edit
        for verb in ("added", "changed", "deleted")
    },
    "supportdesk/accounts/operating.py": {f"operator.{code}" for code in ("workspace_made", "chain_verified")},
    "agents/actions/executor.py": {"call.succeeded", "call.refused"},
    "agents/actions/gateway.py": {f"call.{verb}" for verb in gateway._EVENTS.values()},
    "agents/actions/approvals.py": set(approvals.EVENTS.values()),
}


def recorded_codes() -> Iterator[tuple[str, str]]:
    """Every code that any line of the source records, with its file; those made of parts by `MADE`."""
    for path in (path for app in ("supportdesk", "tickets", "policies", "agents") for path in (ROOT / app).rglob("*.py")):
        name = str(path.relative_to(ROOT))
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in ("record", "tell", "_end"):
                continue
            given = [*node.args[:2], *(each.value for each in node.keywords if each.arg == "code")]
            found = [each.value for each in given if isinstance(each, ast.Constant) and re.fullmatch(r"[a-z_]+\.[a-z_]+", str(each.value))]
            yield from ((name, code) for code in found)
            if not found and node.func.id == "record":
                passes_on = name in ("supportdesk/accounts/told.py", "tickets/access.py")
                assert passes_on or name in MADE, f"{name} records a code this test cannot read: list it in MADE"
                yield from ((name, code) for code in MADE.get(name, ()))


def test_every_code_that_is_recorded_anywhere_has_a_sentence():
    codes = set(recorded_codes())
    assert len(codes) > 90
    assert sorted({f"{name}: {code}" for name, code in codes if not has_sentence(code)}) == []


def test_a_sentence_never_fails_and_an_unknown_code_is_told_as_it_is():
    for _name, code in recorded_codes():
        event = SimpleNamespace(code=code, actor_kind="teammate", actor_id=3, ticket_id=None, subject={}, changed={})
        assert "{" not in sentence(event, Names())
    event = SimpleNamespace(code="moon.landed", actor_kind="martian", actor_id=1, ticket_id=None, subject={"moon": "7"}, changed={})
    assert sentence(event, Names()) == "Martian: moon.landed (moon 7)"


@pytest.fixture
def alice(at_acme: World, desk: Desk) -> Client:
    return desk(at_acme.owner)


def lines(client: Client, query: str = "") -> list[str]:
    response = client.get(f"{AUDIT}?{query}")
    assert response.status_code == 200
    return [line.text for line in response.context["page"].lines]


def test_lines_are_sentences_newest_first(at_acme: World, alice: Client):
    ticket = make_ticket(at_acme)
    verbs.take_over(ticket_id=ticket.pk, by=at_acme.owner)
    told = lines(alice)
    assert told[0] == f"Alice Ames took over #{ticket.number}"
    assert f"The customer wrote on #{ticket.number}" in told
    page = text(alice.get(AUDIT))
    assert "Audit trail" in page
    assert "Where is my order?" not in page


def test_what_is_asked_for_is_what_is_shown(at_acme: World, alice: Client, bob: Membership):
    ticket, other = make_ticket(at_acme), make_ticket(at_acme)
    policy = make_policy()
    verbs.take_over(ticket_id=ticket.pk, by=bob)
    record("policy.changed", by=teammate(at_acme.owner), policy=policy.pk, changed={"fields": ["name"]})
    record("run.started", by=AI, ticket_id=other.pk, run=1)
    assert lines(alice, f"who=teammate:{bob.pk}&what=ticket") == [f"Bob Berg took over #{ticket.number}"]
    assert all(line.startswith("Bob Berg") for line in lines(alice, f"who=teammate:{bob.pk}&what=ticket.taken_over"))
    assert lines(alice, "what=policy") == [f"Alice Ames changed policy “{policy.name}”: name"]
    assert lines(alice, f"about=policy:{policy.pk}") == lines(alice, "what=policy")
    assert lines(alice, "who=ai") == [f"The agent began a run on #{other.number}"]
    assert all(f"#{ticket.number}" in line for line in lines(alice, f"about=ticket:{ticket.number}"))
    about_customer = lines(alice, f"about=customer:{ticket.customer_id}")
    assert any(f"#{ticket.number}" in line for line in about_customer)
    assert not any(f"#{other.number}" in line for line in about_customer)
    assert f"Bob Berg took over #{ticket.number}" in lines(alice, f"about=teammate:{bob.pk}")
    assert lines(alice, "about=nonsense") == lines(alice, "about=ticket:987654") == lines(alice, "about=release:r99") == []


def test_days_bound_the_trail(at_acme: World, alice: Client):
    record("ticket.opened")
    Event.objects.update(at=timezone.now() - timedelta(days=3))
    record("ticket.resolved")
    today, before = timezone.localdate(), timezone.localdate() - timedelta(days=3)
    assert [line.event.code for line in alice.get(f"{AUDIT}?since={today}").context["page"].lines] == ["ticket.resolved"]
    old = {line.event.code for line in alice.get(f"{AUDIT}?until={before}").context["page"].lines}
    assert "ticket.opened" in old
    assert "ticket.resolved" not in old
    # What is no day, and days outside the calendar of databases, bound nothing.
    assert len(lines(alice, "since=yesterday&until=9999-12-31")) == len(lines(alice))


def test_pages_follow_each_other_without_a_gap_or_a_repeat(at_acme: World, alice: Client):
    for number in range(130):
        record("ticket.routed", ticket_id=None, queue=number)
    moment = timezone.now()
    Event.objects.filter(code="ticket.routed", subject__queue__in=[str(n) for n in range(60)]).update(at=moment)
    seen: list[int] = []
    after = ""
    while True:
        page = alice.get(AUDIT, {"after": after}).context["page"]
        seen += [line.event.pk for line in page.lines]
        record("ticket.routed", queue=1)
        after = page.after
        if not after:
            break
    assert len(seen) == len(set(seen)) >= 130
    assert lines(alice, "after=rubbish~x") == lines(alice)


def test_a_full_page_asks_as_often_as_a_short_one(at_acme: World, alice: Client, django_assert_max_num_queries):
    def asked() -> int:
        with django_assert_max_num_queries(40) as found:
            alice.get(AUDIT)
        return len(found)

    for _ in range(3):
        record("ticket.routed", ticket_id=make_ticket(at_acme).pk, by=teammate(at_acme.owner), changed={"queue": at_acme.queue.pk})
    few = asked()
    for _ in range(50):
        record("ticket.routed", ticket_id=make_ticket(at_acme).pk, by=teammate(at_acme.owner), changed={"queue": at_acme.queue.pk})
    assert asked() == few


@pytest.mark.parametrize("role", Role)
def test_the_trail_is_for_leads_and_editors(at_acme: World, desk: Desk, role: Role):
    client = desk(make_member(at_acme.tenant, role, name=f"{role.label} Person"))
    may = role not in (Role.VIEWER, Role.RESPONDER)
    for path in (AUDIT, "/console/incident/"):
        assert client.get(path).status_code == (200 if may else 403)
    assert (AUDIT in text(client.get("/console/"))) is may


@pytest.mark.parametrize("close", [(Queue, "queue", QueueGrant), (Channel, "channel", ChannelGrant)], ids=["queue", "channel"])
def test_what_is_out_of_sight_is_not_there(at_acme: World, alice: Client, close: tuple[type, str, type]):
    model, kind, grants = close
    ticket = make_ticket(at_acme)
    place = getattr(at_acme, kind)
    record(f"{kind}.changed", by=teammate(at_acme.owner), changed={"fields": ["name"]}, **{kind: place.pk})
    hidden = Event.objects.get(code=f"{kind}.changed")
    about = f"about=ticket:{ticket.number}"
    assert lines(alice, about)
    model.objects.filter(pk=place.pk).update(is_private=True)
    at_acme.team.members.all().delete()
    assert lines(alice, about) == lines(alice, f"what={kind}") == []
    assert f"#{ticket.number}" not in text(alice.get(AUDIT))
    assert alice.get(reverse("console:audit_event", args=[hidden.pk])).status_code == 404
    assert alice.get(f"/console/incident/?{about}").status_code == 404
    grant: Grant = give(grants, on=place, to=at_acme.owner, by=SYSTEM_ACTOR)
    assert lines(alice, about)
    take(grant, by=SYSTEM_ACTOR)
    assert lines(alice, about) == []


def test_its_place_in_the_chain_is_shown(at_acme: World, alice: Client):
    event = record("ticket.opened", by=Actor("system"))
    while stamp():
        pass
    event.refresh_from_db()
    page = text(alice.get(reverse("console:audit_event", args=[event.pk])))
    assert event.hash[:16] in page
    assert f">{event.position}<" in page


def test_another_workspaces_events_are_not_there(at_acme: World, alice: Client, globex: World):
    theirs = Event.objects.create(tenant=globex.tenant, code="ticket.opened", actor_kind="teammate", actor_id=globex.owner.pk)
    assert theirs.pk not in [line.event.pk for line in trail.page_of(at_acme.owner, trail.Filters()).lines]
    assert lines(alice, f"who=teammate:{globex.owner.pk}") == []
    assert alice.get(reverse("console:audit_event", args=[theirs.pk])).status_code == 404
