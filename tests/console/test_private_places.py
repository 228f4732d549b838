"""What is private is not there for those without a part in it, whatever their role: on pages, in counts, files, search and admin."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from agents.actions.models import State, ToolCall
from agents.releases.models import Agent, AgentGrant, Label, Release
from agents.runtime.models import AgentRun, Step
from supportdesk.console import lists
from supportdesk.console.approving import waiting_count
from supportdesk.core.events import SYSTEM_ACTOR, Actor
from supportdesk.core.grants import Grant, give, take
from supportdesk.core.models import Event, Membership, Role
from tests.admin.pages import url
from tests.console.conftest import Desk
from tests.console.worlds import HTMX, ai_says, escalated, fresh, make_call, make_live_release, make_run, make_steps
from tests.factories import World, make_member, make_ticket
from tickets import verbs
from tickets.errors import Refusal
from tickets.files import attach
from tickets.models import Channel, ChannelGrant, Message, Queue, QueueGrant, QueueTeam, Ticket
from tickets.sight import places_of, sight_of

CANARY = "canary-of-the-private-queue"
Close = Callable[[World], type[Grant]]


def close_queue(world: World) -> type[Grant]:
    Queue.objects.filter(pk=world.queue.pk).update(is_private=True)
    return QueueGrant


def close_channel(world: World) -> type[Grant]:
    Channel.objects.filter(pk=world.channel.pk).update(is_private=True)
    return ChannelGrant


def thing_of(world: World, grants: type[Grant]) -> Any:
    return world.queue if grants is QueueGrant else world.channel


@pytest.fixture(params=[close_queue, close_channel])
def close(request: Any) -> Close:
    found: Close = request.param
    return found


@pytest.fixture
def ada(at_acme: World) -> Membership:
    """An administrator in no team."""
    member = make_member(at_acme.tenant, Role.ADMIN, name="Ada Adler")
    member.user.is_staff = True
    member.user.save(update_fields=["is_staff"])
    return member


@pytest.fixture
def private(at_acme: World) -> Ticket:
    """A ticket with a run, a call, steps and a file."""
    ticket = escalated(at_acme, CANARY)
    make_run(ticket, ai_says(ticket, CANARY))
    make_steps(AgentRun.objects.get(), make_call(ticket, State.WAITING))
    attach(ticket=ticket, name="secret.txt", content=b"secret", by=Actor("customer"))
    return fresh(ticket)


def addresses(ticket: Ticket) -> list[tuple[str, str]]:
    """Every page and act of one ticket, by method and address."""
    run, number = AgentRun.objects.get(ticket=ticket).pk, ticket.number
    from supportdesk.console.urls import urlpatterns

    found = []
    for pattern in urlpatterns:
        if "<int:number>" not in str(pattern.pattern):
            continue
        named = {"number": number, **({"run_id": run} if "run_id" in str(pattern.pattern) else {})}
        rest = set(pattern.pattern.converters) - set(named)
        assert not rest, f"{pattern.name} needs {rest}"
        address = reverse(f"console:{pattern.name}", kwargs=named)
        found += [("GET", address), ("POST", address)]
    assert len(found) > 10
    return [*found, ("GET", reverse("file", args=[ticket.attachments.get().public_id]))]


def asked(client: Client, ticket: Ticket) -> dict[tuple[str, str], int]:
    answers = {(method, path): client.generic(method, path, **HTMX).status_code for method, path in addresses(ticket)}
    return {asked: status for asked, status in answers.items() if status != 405}


def test_a_private_ticket_is_not_found_on_any_page_by_any_role(private: Ticket, at_acme: World, close: Close, desk: Desk) -> None:
    close(at_acme)
    for role in Role:
        statuses = asked(desk(make_member(at_acme.tenant, role, name=f"{role.label} Nobody")), private)
        # A role without the verb is refused before anything is looked up.
        assert set(statuses.values()) <= {404, 403}, (role, {k: v for k, v in statuses.items() if v not in (403, 404)})
    statuses = asked(desk(make_member(at_acme.tenant, Role.OWNER, name="Olga Owner")), private)
    assert set(statuses.values()) == {404}


def test_a_grant_opens_it_at_once_and_taking_it_closes_it(
    private: Ticket, at_acme: World, ada: Membership, close: Close, desk: Desk
) -> None:
    grants, client = close(at_acme), desk(ada)
    page = reverse("console:ticket", args=[private.number])
    assert client.get(page).status_code == 404
    grant = give(grants, on=thing_of(at_acme, grants), to=ada, by=SYSTEM_ACTOR)
    assert client.get(page).status_code == 200
    take(grant, by=SYSTEM_ACTOR)
    assert client.get(page).status_code == 404
    told = Event.objects.filter(code__startswith="grant.").order_by("id").values_list("code", "subject")
    assert [code for code, _subject in told] == ["grant.given", "grant.taken"]
    assert all(subject["user"] == str(ada.user_id) or subject["user"] == ada.user_id for _code, subject in told)


def test_members_of_a_private_queues_teams_see_it(private: Ticket, at_acme: World, bob: Membership, desk: Desk) -> None:
    close_queue(at_acme)
    assert desk(bob).get(reverse("console:ticket", args=[private.number])).status_code == 200
    QueueTeam.objects.all().delete()
    assert desk(bob).get(reverse("console:ticket", args=[private.number])).status_code == 404


def test_lists_counts_search_palette_and_approvals_leave_it_out(
    private: Ticket, at_acme: World, ada: Membership, close: Close, desk: Desk
) -> None:
    client = desk(ada)
    everything = lists.Filters(tab="all")
    assert lists.counts_for(ada, everything)["all"] == 1
    close(at_acme)
    assert lists.counts_for(ada, everything) == {"mine": 0, "unassigned": 0, "all": 0}
    assert lists.page_of(ada, lists.Filters(tab="all", q="canary")).tickets == []
    assert (lists.rail_for(ada).total, lists.rail_for(ada).approvals, waiting_count(ada)) == (0, 0, 0)
    for path in (
        reverse("console:queue") + "?tab=all&q=canary",
        reverse("console:approvals"),
        reverse("console:palette") + f"?q={private.number}",
    ):
        answer = client.get(path)
        assert answer.status_code == 200
        assert CANARY not in answer.content.decode().replace("q=canary", "")
    assert not sight_of(ada).covers(places_of([private.pk])[private.pk])


def test_the_name_of_a_private_queue_is_not_in_the_rail(at_acme: World, ada: Membership) -> None:
    assert [queue for queue, _n in lists.rail_for(ada).queues] == [at_acme.queue]
    close_queue(at_acme)
    assert lists.rail_for(ada).queues == []


def test_admin_lists_nothing_of_it(private: Ticket, at_acme: World, ada: Membership, close: Close, desk: Desk) -> None:
    client = desk(ada)
    rows: dict[Any, Any] = {AgentRun: AgentRun.objects.get(), Step: Step.objects.first(), ToolCall: ToolCall.objects.get()}
    rows[Event] = Event.objects.filter(ticket_id=private.pk).first()
    for row in rows.values():
        assert client.get(url(type(row), "change", row.pk)).status_code == 200, row
    close(at_acme)
    for model, row in rows.items():
        assert client.get(url(model, "change", row.pk)).status_code in (302, 404), row
        listed = client.get(url(model, "changelist"))
        shown = set(listed.context["cl"].queryset)
        assert row not in shown
        assert model is Event or not shown


def test_every_admin_page_about_tickets_follows_sight() -> None:
    """A new admin page whose rows point at a ticket must be one of those that leave out what is out of sight."""
    from tickets.admin_sight import InSight

    about = {
        model
        for model in admin.site._registry
        if any(getattr(field, "related_model", None) in (Ticket, AgentRun, Message) for field in model._meta.concrete_fields)
    }
    assert about
    assert {model for model in about if not isinstance(admin.site._registry[model], InSight)} == set()


def test_a_ticket_is_not_given_to_somebody_who_does_not_see_it(at_acme: World, ada: Membership, close: Close) -> None:
    ticket = make_ticket(at_acme)
    grants = close(at_acme)
    with pytest.raises(Refusal):
        verbs.assign(ticket_id=ticket.pk, to=ada, by=at_acme.owner)
    give(grants, on=thing_of(at_acme, grants), to=ada, by=SYSTEM_ACTOR)
    verbs.assign(ticket_id=ticket.pk, to=ada, by=at_acme.owner)


def test_a_ticket_is_not_moved_to_a_private_queue_one_has_no_part_in(at_acme: World, ada: Membership, desk: Desk) -> None:
    ticket = make_ticket(at_acme)
    hidden = Queue.objects.create(key="legal", name="Legal", is_private=True)
    client = desk(ada)
    client.post(reverse("console:route", args=[ticket.number]), {"queue": hidden.pk, "priority": 2}, **HTMX)
    assert fresh(ticket).queue_id == at_acme.queue.pk
    assert "Legal" not in client.get(reverse("console:ticket", args=[ticket.number])).content.decode()


def test_an_administrator_gives_themselves_a_grant_in_the_open(private: Ticket, at_acme: World, ada: Membership, desk: Desk) -> None:
    close_queue(at_acme)
    client = desk(ada)
    sent = client.post(url(QueueGrant, "add"), {"user": ada.user_id, "content_object": at_acme.queue.pk})
    assert sent.status_code == 302
    event = Event.objects.get(code="grant.given")
    assert (event.actor_kind, event.actor_id) == ("teammate", ada.pk)
    assert client.get(reverse("console:ticket", args=[private.number])).status_code == 200
    grant = QueueGrant.objects.get()
    assert client.post(url(QueueGrant, "delete", grant.pk), {"post": "yes"}).status_code == 302
    assert Event.objects.filter(code="grant.taken").count() == 1
    assert client.get(reverse("console:ticket", args=[private.number])).status_code == 404


def test_only_those_who_shape_teams_give_grants(at_acme: World, desk: Desk) -> None:
    for role in Role:
        member = make_member(at_acme.tenant, role, name=f"{role.label} Giver")
        member.user.is_staff = True
        member.user.save(update_fields=["is_staff"])
        desk(member).post(url(QueueGrant, "add"), {"user": member.user_id, "content_object": at_acme.queue.pk})
    given = set(Membership.objects.filter(user__in=QueueGrant.objects.values("user")).values_list("role", flat=True))
    assert given == {Role.ADMIN, Role.OWNER}


def test_nobody_of_another_workspace_is_granted(at_acme: World, globex: World, ada: Membership, desk: Desk) -> None:
    sent = desk(ada).post(url(QueueGrant, "add"), {"user": globex.owner.user_id, "content_object": at_acme.queue.pk})
    assert sent.status_code == 200
    sent = desk(ada).post(url(QueueGrant, "add"), {"user": ada.user_id, "content_object": globex.queue.pk})
    assert sent.status_code == 200
    assert not QueueGrant.objects.exists()


def test_a_private_agent_hides_its_set_up_its_releases_and_its_traces(at_acme: World, ada: Membership, desk: Desk) -> None:
    ticket, release = make_ticket(at_acme), make_live_release(at_acme)
    agent = release.agent
    run = make_run(ticket, ai_says(ticket, "hello"), release=release)
    make_steps(run, make_call(ticket, State.WAITING))
    client = desk(ada)
    pages = [
        url(Agent, "change", agent.pk),
        url(Agent, "history", agent.pk),
        url(Release, "change", release.pk),
        url(Label, "change", Label.objects.get().pk),
        url(AgentRun, "change", run.pk),
        url(Step, "change", Step.objects.first().pk),
        reverse("console:trace", args=[ticket.number, run.pk]),
        reverse("console:why", args=[ticket.number, run.pk]),
    ]
    trace = pages[-2]
    assert [client.get(page).status_code for page in pages] == [200] * len(pages)
    Agent.objects.update(is_private=True)
    assert all(client.get(page).status_code in (302, 404) for page in pages)
    page = client.get(reverse("console:ticket", args=[ticket.number]))
    assert page.status_code == 200
    assert trace not in page.content.decode()
    give(AgentGrant, on=agent, to=ada, by=SYSTEM_ACTOR)
    assert [client.get(page).status_code for page in pages] == [200] * len(pages)
