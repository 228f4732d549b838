"""What a page keeps in memory of its teammate's sight is what the database would say, in any world."""

import random

import pytest
from django.contrib.auth.models import Permission

from supportdesk.core.events import SYSTEM_ACTOR
from supportdesk.core.grants import give
from supportdesk.core.models import Membership, Role, Team, Tenant
from supportdesk.core.tail import Place
from supportdesk.core.tenancy import acting_for
from tests.factories import World, join_team, make_member, make_ticket, make_world
from tickets.models import Channel, ChannelGrant, Queue, QueueGrant, QueueTeam, Ticket
from tickets.sight import Sight, places_of, sight_of

WORLDS = 12


def furnish(world: World, chance: random.Random) -> list[Membership]:
    """Teams, queues, roles, grants and assignees as they fall."""
    tenant: Tenant = world.tenant
    with acting_for(tenant):
        teams = [world.team, *(Team.objects.create(key=f"t{n}", name=f"Team {n}") for n in range(3))]
        queues = [world.queue, *(Queue.objects.create(key=f"q{n}", name=f"Queue {n}", is_private=n < 2) for n in range(4))]
        chat = Channel.Kind.CHAT
        others = [Channel.objects.create(brand=world.brand, key=f"c{n}", kind=chat, name=f"C {n}", is_private=n > 0) for n in range(3)]
        channels = [world.channel, *others]
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
            if chance.random() < 0.5:
                give(ChannelGrant, on=chance.choice(others), to=member, by=SYSTEM_ACTOR)
        for _ in range(12):
            ticket = make_ticket(world)
            ticket.queue, ticket.assignee, ticket.channel = chance.choice(queues), chance.choice([None, *members]), chance.choice(channels)
            ticket.save(update_fields=["queue", "assignee", "channel"])
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
            hidden = set(Ticket.objects.hidden_from(member).values_list("pk", flat=True))
            seen = set(Ticket.objects.visible_to(member).values_list("pk", flat=True))
        sight, places = sight_of(member), places_of(ids)
        assert {pk for pk in ids if sight.covers(places.get(pk))} == seen, (seed, member.role)
        assert not hidden & seen
        assert hidden | seen == set(ids) or not sight.is_whole


def test_a_ticket_that_is_nowhere_is_seen_by_nobody() -> None:
    assert not Sight(1, is_whole=True).covers(None)
    assert not Sight(1, is_whole=False, queue_ids=frozenset({5})).covers(Place(6, None, 7))


def test_not_even_a_whole_sight_covers_what_is_private() -> None:
    sight = Sight(1, is_whole=True, hidden_queue_ids=frozenset({6}), hidden_channel_ids=frozenset({8}))
    assert sight.covers(Place(5, None, 7))
    assert not sight.covers(Place(6, 1, 7))
    assert not sight.covers(Place(5, 1, 8))


def test_a_sight_is_one_query(acme: World, django_assert_num_queries) -> None:
    bob = make_member(acme.tenant, Role.RESPONDER, name="Bob Berg")
    with django_assert_num_queries(1):
        sight_of(bob)
    with django_assert_num_queries(1):
        sight_of(acme.owner)
