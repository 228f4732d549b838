"""Reliability 64: after a takeover the AI is silent, at whatever moment it came; and one human wins."""

import random
from collections import Counter
from itertools import pairwise

import pytest
from django.db import transaction

from supportdesk.core.models import Event, Membership, Role
from supportdesk.core.tenancy import acting_for
from tests.factories import World, join_team, make_member, make_session, say
from tests.postgres.threads import Crew, errors, nap
from tickets.errors import AlreadyTaken, Stale
from tickets.handoff import Packet
from tickets.models import Author, Handler, Message, Ticket
from tickets.receiving import receive_chat_message
from tickets.verbs import escalate, hand_back, take_over
from tickets.writing import append, fenced, locked, raise_turn


def begin_run(ticket: Ticket) -> int:
    """The turn a run takes when it begins."""
    with transaction.atomic():
        return raise_turn(locked(ticket.pk))


def ai_reply(world: World, ticket_id: int, turn: int, chance: random.Random) -> str:
    """What the runner does at the end of a turn: one transaction, under the fence."""
    nap(0.004, chance)
    with acting_for(world.tenant):
        try:
            with transaction.atomic():
                ticket = fenced(ticket_id, turn)
                nap(0.002, chance)
                append(ticket, author=Author.AI, body="Your parcel is on its way.")
        except Stale:
            return "silent"
    return "replied"


def human(world: World, ticket_id: int, member: Membership, chance: random.Random) -> str:
    nap(0.004, chance)
    with acting_for(world.tenant):
        try:
            take_over(ticket_id=ticket_id, by=member)
        except AlreadyTaken as refusal:
            return str(refusal)
    return "taken"


def check_order(ticket: Ticket) -> list[Message]:
    messages = list(Message.objects.filter(ticket=ticket).order_by("seq"))
    assert [message.seq for message in messages] == list(range(1, len(messages) + 1))
    ticket.refresh_from_db()
    assert ticket.last_seq == len(messages)
    return messages


def talk_over(world: World, rounds: int, seed: int) -> Counter[str]:
    """Race the AI's reply against a takeover, `rounds` times; what became of the replies."""
    chance, outcomes = random.Random(seed), Counter[str]()
    with Crew(2) as crew:
        for _ in range(rounds):
            with acting_for(world.tenant):
                session, _token = make_session(world)
                ticket = say(session).ticket
                turn = begin_run(ticket)
            seeds = [random.Random(chance.random()) for _ in range(2)]
            said, taken = crew.together(
                lambda t=ticket.pk, n=turn, c=seeds[0]: ai_reply(world, t, n, c),
                lambda t=ticket.pk, c=seeds[1]: human(world, t, world.owner, c),
            )
            assert errors([said, taken]) == []
            assert taken == "taken"
            outcomes[said] += 1
            with acting_for(world.tenant):
                messages = check_order(ticket)
                at = Event.objects.get(code="ticket.taken_over", ticket_id=ticket.pk).changed["seq"]
                assert [message.seq for message in messages if message.author == Author.AI and message.seq > at] == []
                assert sum(message.author == Author.AI for message in messages) == (said == "replied")
                assert (ticket.handler, ticket.assignee_id) == (Handler.HUMAN, world.owner.pk)
    return outcomes


def test_the_ai_never_talks_over_a_human(acme: World):
    outcomes = talk_over(acme, 100, seed=1)
    # Both orders must occur, or the race tested nothing.
    assert min(outcomes["replied"], outcomes["silent"]) >= 5, outcomes


@pytest.mark.slow
def test_the_ai_never_talks_over_a_human_in_a_thousand_interleavings(acme: World):
    outcomes = talk_over(acme, 1000, seed=2)
    assert sum(outcomes.values()) == 1000
    assert min(outcomes["replied"], outcomes["silent"]) >= 50, outcomes


def test_two_teammates_at_once_have_one_owner_and_the_loser_is_told_who(acme: World):
    bob = make_member(acme.tenant, Role.RESPONDER, name="Bob Berg")
    with acting_for(acme.tenant):
        join_team(bob, acme.team)
    chance, winners = random.Random(3), Counter[str]()
    with Crew(2) as crew:
        for _ in range(100):
            with acting_for(acme.tenant):
                session, _token = make_session(acme)
                ticket = say(session).ticket
            seeds = [random.Random(chance.random()) for _ in range(2)]
            said = crew.together(
                lambda t=ticket.pk, c=seeds[0]: human(acme, t, acme.owner, c), lambda t=ticket.pk, c=seeds[1]: human(acme, t, bob, c)
            )
            with acting_for(acme.tenant):
                check_order(ticket)
                winner = ticket.assignee
                assert Event.objects.filter(code="ticket.taken_over", ticket_id=ticket.pk).count() == 1
            assert winner is not None
            assert sorted(said) == sorted(["taken", f"{winner.name} already has this ticket."])
            winners[winner.name] += 1
    assert len(winners) == 2, winners


def test_everybody_at_once_leaves_one_line_of_messages_and_no_error(acme: World):
    """Customer, AI, a teammate who takes over and hands back, and an escalation, all on one ticket."""
    chance = random.Random(4)
    with acting_for(acme.tenant):
        other = type(acme.queue).objects.create(key="angry", name="Angry", intents=["complaint"])
    seen = Counter[str]()
    with Crew(4) as crew:
        for _ in range(60):
            with acting_for(acme.tenant):
                session, _token = make_session(acme)
                ticket = say(session).ticket
                turn = begin_run(ticket)
            seeds = [random.Random(chance.random()) for _ in range(4)]

            def customer(session=session, chance=seeds[0]) -> str:
                nap(0.004, chance)
                with acting_for(acme.tenant):
                    receive_chat_message(session=session, body="Hello?", client_id="again")
                return "said"

            def teammate(ticket=ticket, chance=seeds[1]) -> str:
                taken = human(acme, ticket.pk, acme.owner, chance)
                with acting_for(acme.tenant):
                    hand_back(ticket_id=ticket.pk, by=acme.owner)
                return taken

            def router(ticket=ticket, turn=turn, chance=seeds[2]) -> str:
                nap(0.004, chance)
                with acting_for(acme.tenant):
                    try:
                        passed = escalate(ticket_id=ticket.pk, packet=Packet(reason="angry", intent="complaint"), turn=turn)
                    except Stale:
                        return "stale"
                return "escalated" if passed else "kept"

            def ai(ticket=ticket, turn=turn, chance=seeds[3]) -> str:
                return ai_reply(acme, ticket.pk, turn, chance)

            said = crew.together(customer, teammate, router, ai)
            assert errors(said) == [], said
            seen.update(map(str, said))
            with acting_for(acme.tenant):
                messages = check_order(ticket)
                assert sum(message.author == Author.CUSTOMER for message in messages) == 2
                spoke = [message.author == Author.AI for message in messages]
                assert not any(a and b for a, b in pairwise(spoke))
                assert ticket.queue_id in (acme.queue.pk, other.pk)
    assert {"replied", "escalated"} <= set(seen), seen
