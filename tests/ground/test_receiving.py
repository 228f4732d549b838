"""Messages come in once, on the right ticket, and wake the right one."""

from datetime import timedelta

import pytest
from django.utils import timezone

from supportdesk.core.events import teammate
from supportdesk.core.models import Event, Job, Membership
from supportdesk.core.tenancy import acting_for
from tests.factories import World, make_session, make_ticket, say
from tickets import verbs
from tickets.errors import Unacceptable
from tickets.models import Author, ChatSession, Handler, Message, Status, Ticket
from tickets.receiving import receive_chat_message, session_of
from tickets.writing import MAX_BODY, append, clean_body, locked


def test_a_first_message_opens_a_numbered_ticket_for_the_ai(world: World):
    session, _token = make_session(world)
    ticket = say(session, "Where is my order?\nIt is N-20377.").ticket
    assert (ticket.number, ticket.queue, ticket.subject) == (1, world.queue, "Where is my order?")
    assert (ticket.handler, ticket.status) == ("ai", "open")
    assert (ticket.last_seq, ticket.asked_seq, ticket.answered_seq, ticket.turn) == (1, 1, 0, 1)
    assert ticket.waiting_since is not None
    assert list(Event.objects.order_by("id").values_list("code", flat=True)) == ["chat.session_opened", "ticket.opened", "message.received"]
    job = Job.objects.get()
    assert (job.name, job.args["ticket_id"], job.args["trigger"]) == ("runtime.start_run", ticket.pk, "message")
    assert make_ticket(world).number == 2


def test_a_message_delivered_twice_is_stored_once(world: World):
    session, _token = make_session(world)
    first, second = (say(session, "hi", client_id="c-1") for _ in range(2))
    assert first == second
    assert (Message.objects.count(), Job.objects.count()) == (1, 1)


def test_the_same_client_id_of_another_visitor_is_another_message(world: World):
    for _ in range(2):
        session, _token = make_session(world)
        say(session, "hi", client_id="c-1")
    assert Message.objects.count() == Ticket.objects.count() == 2


def test_a_burst_is_one_turn_and_each_message_fences_the_run_before(world: World):
    session, _token = make_session(world)
    ticket = [say(session, body) for body in ("Hi", "my tent", "leaks")][-1].ticket
    assert (ticket.turn, ticket.asked_seq, Job.objects.count()) == (3, 3, 1)


def test_a_message_to_a_ticket_a_human_has_wakes_no_ai(world: World):
    session, _token = make_session(world)
    ticket = say(session).ticket
    verbs.take_over(ticket_id=ticket.pk, by=world.owner)
    Job.objects.all().delete()
    say(session, "Thanks!")
    assert not Job.objects.exists()


def test_a_message_to_a_resolved_ticket_reopens_it_for_the_ai(world: World):
    session, _token = make_session(world)
    ticket = say(session).ticket
    verbs.take_over(ticket_id=ticket.pk, by=world.owner)
    verbs.resolve(ticket_id=ticket.pk, by=teammate(world.owner))
    say(session, "One more thing")
    ticket.refresh_from_db()
    assert (ticket.status, ticket.handler, ticket.assignee, ticket.resolved_at, ticket.resolved_by) == ("open", "ai", None, None, "")
    assert Ticket.objects.count() == 1
    assert Event.objects.filter(code="ticket.reopened").count() == 1


@pytest.mark.parametrize("body", [None, 5, ["x"], "", "   \n", "\x07", "\x00hi", "hi\ud800", "x" * (MAX_BODY + 1)])
def test_what_is_no_message_is_refused_and_nothing_is_stored(world: World, body: object):
    session, _token = make_session(world)
    with pytest.raises(Unacceptable):
        receive_chat_message(session=session, body=body, client_id="c-1")
    assert not Ticket.objects.exists()


def test_a_body_is_stored_normalised_and_without_control_characters():
    assert clean_body("  Scho\u0308n\x07\r\n\tgut  ") == "Schön\n\tgut"
    assert clean_body("x" * MAX_BODY) == "x" * MAX_BODY


def test_a_token_opens_only_its_own_living_session_on_its_own_channel(world: World, globex: World):
    """Reliability 14."""
    session, token = make_session(world)
    other, other_token = make_session(world)
    assert session_of(world.channel, token) == session
    public_id, _, secret = token.partition(".")
    assert secret not in str(ChatSession.objects.filter(pk=session.pk).values())
    wrong = [None, 5, "", ".", public_id, f"{public_id}.", f"{public_id}.x", f"{other.public_id}.{secret}"]
    wrong += [token + "x", token.upper(), "x" * 300]
    assert [session_of(world.channel, each) for each in wrong] == [None] * len(wrong)
    with acting_for(globex.tenant):
        assert session_of(globex.channel, token) is None
    ChatSession.objects.filter(pk=session.pk).update(revoked_at=timezone.now())
    ChatSession.objects.filter(pk=other.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert session_of(world.channel, token) is session_of(world.channel, other_token) is None


def test_seq_is_counted_without_gaps_whoever_writes(world: World, bob: Membership):
    session, _token = make_session(world)
    ticket = say(session).ticket
    append(locked(ticket.pk), author=Author.AI, body="On its way.")
    verbs.take_over(ticket_id=ticket.pk, by=bob)
    verbs.note(ticket_id=ticket.pk, by=bob, body="Called the depot.")
    verbs.reply(ticket_id=ticket.pk, by=bob, body="It arrives today.")
    say(session, "Thanks")
    assert [(message.seq, message.author) for message in Message.objects.all()] == [
        *((1, "customer"), (2, "ai"), (3, "system"), (4, "teammate"), (5, "teammate"), (6, "customer")),
    ]
    ticket.refresh_from_db()
    assert (ticket.last_seq, ticket.asked_seq, ticket.answered_seq) == (6, 6, 1)


def test_a_note_answers_nobody_and_is_no_preview(world: World, bob: Membership):
    ticket = make_ticket(world, "Where is it?")
    verbs.note(ticket_id=ticket.pk, by=bob, body="Secret thought")
    ticket.refresh_from_db()
    assert (ticket.preview, ticket.answered_seq, ticket.status) == ("Where is it?", 0, Status.OPEN)
    assert ticket.waiting_since is not None
    assert ticket.handler == Handler.AI


def test_a_long_first_line_is_cut_between_words(world: World):
    ticket = make_ticket(world, "word " * 60)
    assert len(ticket.subject) <= 120
    assert ticket.subject.endswith("word…")
