"""Reliability 16: words prove nothing; a mailed code proves one person on one ticket for one hour."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from supportdesk.core.models import Event, Job
from tests.factories import World, make_session, make_ticket, say
from tickets.errors import Refusal, Unacceptable, WrongCode
from tickets.identity import MAX_CODES_AN_HOUR, MAX_TRIES, Level, ask_for_code, claim_of, enter_code, level_of, masked, proof_of, send_code
from tickets.models import ChatSession, Customer, CustomerIdentity, IdentityProof, Message, OneTimeCode, Ticket

IDA = "ida@mail.example"


@pytest.fixture
def ticket(world: World) -> Ticket:
    return make_ticket(world)


def mailed(ticket: Ticket, email: str = IDA) -> str:
    """Ask for a code and read it in the mail."""
    code = ask_for_code(ticket_id=ticket.pk, email=email)
    send_code(code.pk)
    return "".join(char for char in mail.outbox[-1].body.splitlines()[0] if char.isdigit())


def wrong(digits: str) -> str:
    return f"{(int(digits) + 1) % 1_000_000:06d}"


def test_a_mailed_code_proves_who_writes_on_this_ticket_only(world: World, ticket: Ticket):
    other = make_ticket(world)
    assert level_of(ticket) == Level.NONE
    digits = mailed(ticket)
    assert (level_of(ticket), claim_of(ticket)) == (Level.CLAIMED, IDA)
    proof = enter_code(ticket_id=ticket.pk, digits=f" {digits[:3]} {digits[3:]} ")
    assert level_of(ticket) == Level.PROVEN
    assert proof_of(ticket) == proof
    assert (level_of(other), proof_of(other)) == (Level.NONE, None)
    assert (mail.outbox[-1].to, world.brand.name in mail.outbox[-1].subject) == ([IDA], True)


def test_a_proof_wakes_the_ai_and_fences_what_it_was_doing(ticket: Ticket):
    digits = mailed(ticket)
    turn = ticket.turn
    Job.objects.all().delete()
    enter_code(ticket_id=ticket.pk, digits=digits)
    ticket.refresh_from_db()
    assert ticket.turn > turn
    assert Job.objects.get(name="runtime.start_run").args["trigger"] == "identity_proven"
    assert Message.objects.latest("seq").data["code"] == "proven"


def test_the_code_itself_is_stored_nowhere(ticket: Ticket):
    digits = mailed(ticket)
    code = OneTimeCode.objects.get()
    assert digits not in f"{code.code_hash} {code.__dict__}"
    assert digits not in str(list(Event.objects.values())) + str(list(Job.objects.values()))
    assert IDA not in str(list(Event.objects.values())) + str(list(Job.objects.values()))


def test_a_code_works_once(ticket: Ticket):
    digits = mailed(ticket)
    enter_code(ticket_id=ticket.pk, digits=digits)
    with pytest.raises(WrongCode):
        enter_code(ticket_id=ticket.pk, digits=digits)
    assert IdentityProof.objects.count() == 1


def test_a_code_of_another_ticket_does_not_work(world: World, ticket: Ticket):
    digits = mailed(ticket)
    with pytest.raises(WrongCode):
        enter_code(ticket_id=make_ticket(world).pk, digits=digits)


def test_after_too_many_wrong_tries_the_right_code_is_wrong_too(ticket: Ticket):
    digits = mailed(ticket)
    for _ in range(MAX_TRIES):
        with pytest.raises(WrongCode):
            enter_code(ticket_id=ticket.pk, digits=wrong(digits))
    with pytest.raises(WrongCode):
        enter_code(ticket_id=ticket.pk, digits=digits)
    assert OneTimeCode.objects.get().tries == MAX_TRIES
    assert Event.objects.filter(code="identity.code_refused").count() == MAX_TRIES


def test_an_expired_code_and_an_expired_proof_prove_nothing(ticket: Ticket):
    digits = mailed(ticket)
    soon = timezone.now() - timedelta(seconds=1)
    OneTimeCode.objects.update(expires_at=soon)
    with pytest.raises(WrongCode):
        enter_code(ticket_id=ticket.pk, digits=digits)
    OneTimeCode.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
    enter_code(ticket_id=ticket.pk, digits=digits)
    IdentityProof.objects.update(expires_at=soon)
    assert level_of(ticket) == Level.CLAIMED
    IdentityProof.objects.update(expires_at=timezone.now() + timedelta(minutes=1), revoked_at=soon)
    assert proof_of(ticket) is None


def test_a_new_code_makes_the_old_one_worthless(ticket: Ticket):
    old = mailed(ticket)
    new = mailed(ticket, "ida@other.example")
    if old != new:
        with pytest.raises(WrongCode):
            enter_code(ticket_id=ticket.pk, digits=old)
    assert enter_code(ticket_id=ticket.pk, digits=new).identity.value == "ida@other.example"


@pytest.mark.parametrize("digits", ["", "12345", "1234567", "abcdef", None, 123456, "１２３４５６", ["1"]])
def test_what_is_no_code_is_refused_and_costs_no_try(ticket: Ticket, digits: object):
    mailed(ticket)
    with pytest.raises(WrongCode, match="it needs 6"):
        enter_code(ticket_id=ticket.pk, digits=digits)
    assert OneTimeCode.objects.get().tries == 0


NO_ADDRESSES = [
    "",
    "ida",
    "ida@",
    "@mail.example",
    "ida@mail",
    None,
    5,
    "a" * 300 + "@mail.example",
    "ida@mail.example\nBcc: eve@x.example",
]


@pytest.mark.parametrize("email", NO_ADDRESSES)
def test_what_is_no_address_is_refused(ticket: Ticket, email: object):
    with pytest.raises(Unacceptable, match="email address"):
        ask_for_code(ticket_id=ticket.pk, email=email)
    assert not Job.objects.filter(name="tickets.send_code").exists()


def test_codes_are_few_for_a_ticket_and_for_an_address(world: World, ticket: Ticket):
    """Reliability 12: nobody's mailbox is flooded from a chat window."""
    ask_for_code(ticket_id=ticket.pk, email=IDA)
    with pytest.raises(Refusal, match="on its way"):
        ask_for_code(ticket_id=ticket.pk, email=" IDA@mail.example ")
    for n in range(MAX_CODES_AN_HOUR - 1):
        ask_for_code(ticket_id=ticket.pk, email=f"n{n}@mail.example")
    with pytest.raises(Refusal, match="Too many codes"):
        ask_for_code(ticket_id=ticket.pk, email="last@mail.example")
    for _ in range(MAX_CODES_AN_HOUR - 1):
        ask_for_code(ticket_id=make_ticket(world).pk, email=IDA)
    with pytest.raises(Refusal, match="Too many codes"):
        ask_for_code(ticket_id=make_ticket(world).pk, email=IDA)


def test_the_answer_does_not_tell_whether_the_address_is_known(world: World):
    customer = Customer.objects.create(name="Ida Marchetti")
    CustomerIdentity.objects.create(customer=customer, kind="email", value=IDA, is_verified=True)
    known, unknown = (ask_for_code(ticket_id=make_ticket(world).pk, email=email) for email in (IDA, "nobody@mail.example"))
    assert known.code_hash == unknown.code_hash == ""
    assert [event.changed for event in Event.objects.filter(code="identity.code_asked")] == [{}, {}]


def test_a_proof_turns_the_visitor_into_the_customer_they_are(world: World):
    customer = Customer.objects.create(name="Ida Marchetti")
    CustomerIdentity.objects.create(customer=customer, kind="email", value=IDA, is_verified=True)
    session, _token = make_session(world)
    ticket = say(session).ticket
    enter_code(ticket_id=ticket.pk, digits=mailed(ticket))
    ticket.refresh_from_db()
    assert ticket.customer == customer
    assert ChatSession.objects.get(pk=session.pk).customer == customer
    assert CustomerIdentity.objects.count() == 1


def test_a_proven_address_nobody_had_becomes_the_visitors_own(ticket: Ticket):
    enter_code(ticket_id=ticket.pk, digits=mailed(ticket))
    identity = CustomerIdentity.objects.get()
    assert (identity.customer_id, identity.value, identity.is_verified) == (ticket.customer_id, IDA, True)


def test_an_unverified_identity_of_the_same_address_is_not_taken_for_the_customer(world: World, ticket: Ticket):
    claimed = Customer.objects.create(name="Somebody")
    CustomerIdentity.objects.create(customer=claimed, kind="email", value=IDA, is_verified=False)
    enter_code(ticket_id=ticket.pk, digits=mailed(ticket))
    ticket.refresh_from_db()
    assert ticket.customer != claimed


def test_sending_twice_mails_a_new_code_that_replaces_the_first(ticket: Ticket):
    code = ask_for_code(ticket_id=ticket.pk, email=IDA)
    for _ in range(2):
        send_code(code.pk)
    codes = ["".join(filter(str.isdigit, message.body.splitlines()[0])) for message in mail.outbox]
    enter_code(ticket_id=ticket.pk, digits=codes[-1])
    sent = len(mail.outbox)
    send_code(code.pk)
    assert len(mail.outbox) == sent


@pytest.mark.parametrize(("email", "shown"), [(IDA, "i•••@mail.example"), ("x", "•••"), ("", "•••")])
def test_an_address_is_shown_masked(email: str, shown: str):
    assert masked(email) == shown
