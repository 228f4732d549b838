"""What teammates and the AI do to a ticket, and what they are refused."""

import pytest

from supportdesk.core.events import AI, Actor, teammate
from supportdesk.core.models import Event, Job, Membership, Role
from supportdesk.core.tenancy import acting_for
from tests.factories import World, join_team, make_member, make_session, make_ticket, say
from tickets import verbs
from tickets.errors import AlreadyTaken, NotYours, Refusal, Stale, Unacceptable
from tickets.handoff import Packet
from tickets.models import Author, Escalation, Handler, Kind, Message, Priority, Queue, Status, Ticket
from tickets.writing import append, fenced, locked, raise_turn


@pytest.fixture
def ticket(world: World) -> Ticket:
    return make_ticket(world)


def fresh(ticket: Ticket) -> Ticket:
    found: Ticket = Ticket.objects.get(pk=ticket.pk)
    return found


def codes() -> list[str]:
    return list(Event.objects.order_by("id").values_list("code", flat=True))[3:]


def test_a_takeover_silences_the_ai_whatever_it_was_doing(ticket: Ticket, bob: Membership):
    turn = raise_turn(locked(ticket.pk))
    verbs.take_over(ticket_id=ticket.pk, by=bob)
    for write in (
        lambda: fenced(ticket.pk, turn),
        lambda: fenced(ticket.pk, fresh(ticket).turn),
        lambda: verbs.escalate(ticket_id=ticket.pk, packet=Packet("other"), turn=turn, say="Passing you on"),
        lambda: verbs.resolve(ticket_id=ticket.pk, by=AI, turn=turn, say="Bye"),
    ):
        with pytest.raises(Stale):
            write()
    assert not Message.objects.filter(author=Author.AI).exists()
    assert (fresh(ticket).handler, fresh(ticket).assignee) == (Handler.HUMAN, bob)
    assert codes() == ["ticket.taken_over"]
    news = Message.objects.get(kind=Kind.NEWS)
    assert news.data == {"code": "joined", "name": "Bob", "team": "Customer care", "agent": "Alder"}


def test_taking_over_twice_changes_nothing_and_the_second_teammate_is_told_who_has_it(ticket: Ticket, world: World, bob: Membership):
    verbs.take_over(ticket_id=ticket.pk, by=bob)
    turn = fresh(ticket).turn
    verbs.take_over(ticket_id=ticket.pk, by=bob)
    assert fresh(ticket).turn == turn
    with pytest.raises(AlreadyTaken, match="Bob Berg already has this ticket"):
        verbs.take_over(ticket_id=ticket.pk, by=world.owner)


def test_a_newer_message_makes_a_run_stale(world: World):
    session, _token = make_session(world)
    ticket = say(session).ticket
    turn = raise_turn(locked(ticket.pk))
    assert fenced(ticket.pk, turn).pk == ticket.pk
    say(session, "And another thing")
    with pytest.raises(Stale):
        fenced(ticket.pk, turn)


def test_a_reply_needs_the_wheel(ticket: Ticket, world: World, bob: Membership):
    with pytest.raises(NotYours, match="Alder has this ticket"):
        verbs.reply(ticket_id=ticket.pk, by=bob, body="Hello")
    verbs.take_over(ticket_id=ticket.pk, by=bob)
    with pytest.raises(NotYours, match="Bob Berg"):
        verbs.reply(ticket_id=ticket.pk, by=world.owner, body="Hello")
    with pytest.raises(Unacceptable):
        verbs.reply(ticket_id=ticket.pk, by=bob, body=" ")
    message = verbs.reply(ticket_id=ticket.pk, by=bob, body="Hello")
    assert (message.author, message.member, fresh(ticket).status, fresh(ticket).waiting_since) == ("teammate", bob, "pending", None)


def test_a_reply_sent_twice_is_one_reply(ticket: Ticket, bob: Membership):
    verbs.take_over(ticket_id=ticket.pk, by=bob)
    sent = {verbs.reply(ticket_id=ticket.pk, by=bob, body="Hello", client_id="r-1").pk for _ in range(2)}
    assert len(sent) == 1
    noted = {verbs.note(ticket_id=ticket.pk, by=bob, body="Hm", client_id="r-1").pk for _ in range(2)}
    assert len(noted) == 1
    assert sent != noted


def test_replying_to_a_waiting_ticket_takes_it(ticket: Ticket, bob: Membership):
    verbs.escalate(ticket_id=ticket.pk, packet=Packet("asked_for_human"), by=Actor("customer", 1))
    verbs.reply(ticket_id=ticket.pk, by=bob, body="Hello")
    assert fresh(ticket).assignee == bob


def test_reply_and_resolve_is_one_act(ticket: Ticket, bob: Membership):
    verbs.take_over(ticket_id=ticket.pk, by=bob)
    verbs.reply(ticket_id=ticket.pk, by=bob, body="Done!", resolve_after=True)
    assert (fresh(ticket).status, fresh(ticket).resolved_by) == (Status.RESOLVED, "teammate")
    assert codes()[-2:] == ["message.sent", "ticket.resolved"]


def test_handing_back_wakes_the_ai_only_if_something_is_open(world: World, bob: Membership):
    session, _token = make_session(world)
    ticket = say(session).ticket
    verbs.take_over(ticket_id=ticket.pk, by=bob)
    verbs.reply(ticket_id=ticket.pk, by=bob, body="Hello")
    Job.objects.all().delete()
    verbs.hand_back(ticket_id=ticket.pk, by=bob, note_text="All told.")
    assert (fresh(ticket).handler, fresh(ticket).assignee) == (Handler.AI, None)
    assert not Job.objects.exists()
    verbs.take_over(ticket_id=ticket.pk, by=bob)
    say(session, "Still there?")
    verbs.hand_back(ticket_id=ticket.pk, by=bob)
    assert Job.objects.get().args["trigger"] == "handed_back"
    with pytest.raises(NotYours, match="Alder has this ticket already"):
        verbs.hand_back(ticket_id=ticket.pk, by=bob)


def test_another_teammates_ticket_is_not_handed_back(ticket: Ticket, world: World, bob: Membership):
    verbs.take_over(ticket_id=ticket.pk, by=bob)
    with pytest.raises(NotYours, match="Bob Berg has this ticket"):
        verbs.hand_back(ticket_id=ticket.pk, by=world.owner)


def test_an_escalation_carries_its_packet_routes_and_tells_the_customer(ticket: Ticket, world: World, bob: Membership):
    angry = Queue.objects.create(key="complaints", name="Complaints", intents=["complaint"])
    turn = raise_turn(locked(ticket.pk))
    packet = Packet("legal_or_safety", intent="complaint", question="Who pays?")
    row = verbs.escalate(ticket_id=ticket.pk, packet=packet, turn=turn, say="A person will help.")
    assert row is not None
    assert (row.reason, row.queue) == ("legal_or_safety", angry)
    assert (row.packet["question"], row.packet["suggested_queue"]) == ("Who pays?", angry.pk)
    now = fresh(ticket)
    assert (now.handler, now.assignee, now.queue, now.priority, now.status) == (Handler.HUMAN, None, angry, Priority.URGENT, Status.OPEN)
    assert [(message.author, message.kind) for message in Message.objects.order_by("seq")][1:] == [("ai", "text"), ("system", "news")]
    assert list(Ticket.objects.waiting_for_human()) == [ticket]
    assert verbs.escalate(ticket_id=ticket.pk, packet=Packet("other")) is None
    assert Escalation.objects.count() == 1
    verbs.take_over(ticket_id=ticket.pk, by=bob)
    row.refresh_from_db()
    assert (row.accepted_by, row.accepted_at is not None) == (bob, True)


def test_a_resolved_ticket_that_goes_to_a_person_is_open_again(ticket: Ticket):
    verbs.resolve(ticket_id=ticket.pk, by=Actor("customer", 1))
    verbs.escalate(ticket_id=ticket.pk, packet=Packet("asked_for_human"), by=Actor("customer", 1))
    now = fresh(ticket)
    assert (now.status, now.resolved_at, now.resolved_by) == (Status.OPEN, None, "")


def test_a_resolved_ticket_is_reopened_before_it_is_taken(ticket: Ticket, bob: Membership):
    verbs.resolve(ticket_id=ticket.pk, by=Actor("customer", 1))
    with pytest.raises(Refusal, match="Reopen it first"):
        verbs.take_over(ticket_id=ticket.pk, by=bob)
    turn = fresh(ticket).turn
    verbs.reopen(ticket_id=ticket.pk, by=bob)
    now = fresh(ticket)
    assert (now.status, now.handler, now.assignee, now.turn) == (Status.OPEN, Handler.HUMAN, bob, turn + 1)


def test_resolving_silences_a_run_and_happens_once(ticket: Ticket):
    turn = raise_turn(locked(ticket.pk))
    for _ in range(2):
        verbs.resolve(ticket_id=ticket.pk, by=Actor("customer", 1))
    with pytest.raises(Stale):
        fenced(ticket.pk, turn)
    assert codes() == ["ticket.resolved"]


def test_assigning_keeps_who_answers_and_refuses_who_left(ticket: Ticket, world: World, globex: World, bob: Membership):
    verbs.assign(ticket_id=ticket.pk, to=bob, by=world.owner)
    assert (fresh(ticket).assignee, fresh(ticket).handler) == (bob, Handler.AI)
    verbs.assign(ticket_id=ticket.pk, to=None, by=world.owner)
    assert fresh(ticket).assignee is None
    with pytest.raises(Refusal):
        verbs.assign(ticket_id=ticket.pk, to=globex.owner, by=world.owner)
    bob.is_active = False
    with pytest.raises(Refusal):
        verbs.assign(ticket_id=ticket.pk, to=bob, by=world.owner)


def test_routing_by_hand_refuses_foreign_queues_and_odd_priorities(ticket: Ticket, world: World, globex: World):
    by = teammate(world.owner)
    with pytest.raises(Refusal, match="no such queue"):
        verbs.route(ticket_id=ticket.pk, queue_id=globex.queue.pk, by=by)
    for priority in (0, 5, -1):
        with pytest.raises(Refusal, match=r"1 \(low\) to 4"):
            verbs.route(ticket_id=ticket.pk, queue_id=world.queue.pk, by=by, priority=priority)
    verbs.route(ticket_id=ticket.pk, queue_id=world.queue.pk, by=by, priority=4)
    assert fresh(ticket).priority == Priority.URGENT


def test_tickets_of_another_workspace_cannot_be_touched(world: World, globex: World, bob: Membership):
    with acting_for(globex.tenant):
        theirs = make_ticket(globex)
    for act in (
        lambda: verbs.take_over(ticket_id=theirs.pk, by=bob),
        lambda: verbs.reply(ticket_id=theirs.pk, by=bob, body="x"),
        lambda: verbs.note(ticket_id=theirs.pk, by=bob, body="x"),
        lambda: verbs.resolve(ticket_id=theirs.pk, by=teammate(bob)),
    ):
        with pytest.raises(Ticket.DoesNotExist):
            act()
    with pytest.raises(Stale):
        fenced(theirs.pk, theirs.turn)


def test_each_change_of_state_is_one_event(ticket: Ticket, world: World, bob: Membership):
    verbs.take_over(ticket_id=ticket.pk, by=bob)
    verbs.note(ticket_id=ticket.pk, by=bob, body="Hm")
    verbs.reply(ticket_id=ticket.pk, by=bob, body="Hello")
    verbs.assign(ticket_id=ticket.pk, to=world.owner, by=bob)
    verbs.assign(ticket_id=ticket.pk, to=bob, by=bob)
    verbs.hand_back(ticket_id=ticket.pk, by=bob)
    verbs.resolve(ticket_id=ticket.pk, by=AI)
    verbs.reopen(ticket_id=ticket.pk, by=bob)
    assert codes() == [
        *("ticket.taken_over", "note.added", "message.sent", "ticket.assigned", "ticket.assigned"),
        *("ticket.handed_back", "ticket.resolved", "ticket.reopened"),
    ]


def test_a_responder_sees_own_tickets_and_those_of_their_queues(world: World, bob: Membership):
    other = Queue.objects.create(key="other", name="Other")
    mine, theirs = make_ticket(world), make_ticket(world)
    Ticket.objects.filter(pk=theirs.pk).update(queue=other)
    eve = make_member(world.tenant, Role.RESPONDER, name="Eve Ek")
    assert list(Ticket.objects.visible_to(bob)) == [mine]
    assert list(Ticket.objects.visible_to(eve)) == []
    assert set(Ticket.objects.visible_to(world.owner)) == {mine, theirs}
    verbs.assign(ticket_id=theirs.pk, to=eve, by=world.owner)
    assert list(Ticket.objects.visible_to(eve)) == [theirs]
    join_team(eve, world.team)
    assert set(Ticket.objects.visible_to(eve)) == {mine, theirs}


def test_the_ai_speaks_only_inside_its_turn(ticket: Ticket):
    turn = raise_turn(locked(ticket.pk))
    append(fenced(ticket.pk, turn), author=Author.AI, body="Here it is.")
    with pytest.raises(Stale):
        fenced(ticket.pk, turn - 1)
    with pytest.raises(Stale):
        fenced(ticket.pk, turn + 1)
