"""What a page keeps in memory of its teammate's sight is what the database would say, in any world."""

import random

import pytest
from django.contrib.auth.models import Permission

from supportdesk.core.models import Membership, Role, Team, Tenant
from supportdesk.core.tail import Place
from supportdesk.core.tenancy import acting_for
from tests.factories import World, join_team, make_member, make_ticket, make_world
from tickets.models import Queue, QueueGrant, QueueTeam, Ticket
from tickets.sight import Sight, places_of, sight_of

WORLDS = 12


def furnish(world: World, chance: random.Random) -> list[Membership]:
    """Teams, queues, roles, grants and assignees as they fall."""
    tenant: Tenant = world.tenant
    with acting_for(tenant):
        teams = [world.team, *(Team.objects.create(key=f"t{n}", name=f"Team {n}") for n in range(3))]
        queues = [world.queue, *(Queue.objects.create(key=f"q{n}", name=f"Queue {n}") for n in range(4))]
        for queue in queues:
            for team in chance.sample(teams, chance.randint(0, 2)):
                QueueTeam.objects.get_or_create(queue=queue, team=team)
        members = [world.owner, *(make_member(tenant, role, name=f"{role.value} {n}") for n, role in enumerate([*Role, Role.RESPONDER]))]
        view, change = (Permission.objects.get(codename=f"{act}_queue", content_type__app_label="tickets") for act in ("view", "change"))
        for member in members[1:]:
            for team in chance.sample(teams, chance.randint(0, 2)):
                join_team(member, team)
            for queue in chance.sample(queues, chance.randint(0, 2)):
                QueueGrant.objects.create(user=member.user, permission=chance.choice([view, change]), content_object=queue)
        for _ in range(8):
            ticket = make_ticket(world)
            ticket.queue, ticket.assignee = chance.choice(queues), chance.choice([None, *members])
            ticket.save(update_fields=["queue", "assignee"])
        gone = chance.choice(members)
        gone.is_active = False
        gone.save(update_fields=["is_active"])
    return members


@pytest.mark.parametrize("seed", range(WORLDS))
def test_memory_and_database_agree_on_every_ticket(db: None, seed: int) -> None:
    chance = random.Random(seed)
    worlds = [make_world("acme"), make_world("globex")]
    people = [(world, member) for world in worlds for member in furnish(world, chance)]
    for world, member in people:
        with acting_for(world.tenant):
            ids = list(Ticket.objects.values_list("pk", flat=True))
            seen = set(Ticket.objects.visible_to(member).values_list("pk", flat=True))
        sight, places = sight_of(member), places_of(ids)
        assert {pk for pk in ids if sight.covers(places.get(pk))} == seen, (seed, member.role)


def test_a_ticket_that_is_nowhere_is_seen_by_nobody() -> None:
    assert not Sight(1, is_whole=True).covers(None)
    assert not Sight(1, is_whole=False, queue_ids=frozenset({5})).covers(Place(6, None))


def test_a_sight_is_one_query_and_none_for_leads(acme: World, django_assert_num_queries) -> None:
    bob = make_member(acme.tenant, Role.RESPONDER, name="Bob Berg")
    with django_assert_num_queries(1):
        sight_of(bob)
    with django_assert_num_queries(0):
        sight_of(acme.owner)
