"""Writers on one ticket take turns, whatever the one before changed; and nobody waits for somebody who waits for them."""

import threading
import time
from collections.abc import Callable
from typing import Any

from django.core import mail
from django.db import connection, transaction

from supportdesk.core.tenancy import acting_for
from tests.factories import World, make_session, make_ticket, say
from tests.postgres.threads import errors, together
from tickets.identity import ask_for_code, enter_code, send_code
from tickets.models import ChatSession, Customer, CustomerIdentity, Message, OneTimeCode, Queue, Ticket
from tickets.receiving import receive_chat_message
from tickets.writing import locked


def waiting_for_a_lock() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        found = cursor.fetchone()
    return int(found[0]) if found else 0


def while_held(hold: Callable[[], Any], then: Callable[[], Any], world: World) -> list[Any]:
    """Run `hold` in a transaction that stays open until `then`, in another thread, waits for its lock."""
    held = threading.Event()

    def first() -> Any:
        with acting_for(world.tenant), transaction.atomic():
            result = hold()
            held.set()
            deadline = time.monotonic() + 5
            while not waiting_for_a_lock() and time.monotonic() < deadline:
                time.sleep(0.01)
        return result

    def second() -> Any:
        held.wait(10)
        with acting_for(world.tenant):
            return then()

    return together(first, second)


def test_a_ticket_that_changes_queue_customer_and_assignee_is_still_found_by_who_waits(acme: World):
    """A locking read joined with other tables re-checks the join after it waited, and would lose the row."""
    with acting_for(acme.tenant):
        ticket = make_ticket(acme)
        queue = Queue.objects.create(key="other", name="Other")
        customer = Customer.objects.create(name="Ida Marchetti")

    def change() -> None:
        mine = locked(ticket.pk)
        mine.queue, mine.customer, mine.assignee = queue, customer, acme.owner
        mine.save(update_fields=["queue", "customer", "assignee"])

    def read() -> tuple[str, str]:
        with transaction.atomic():
            mine = locked(ticket.pk)
            return mine.queue.name, mine.customer.name

    results = while_held(change, read, acme)
    assert errors(results) == []
    assert results[1] == ("Other", "Ida Marchetti")


def test_a_message_that_arrives_while_the_customer_is_recognised_is_not_lost(acme: World):
    with acting_for(acme.tenant):
        session, _token = make_session(acme)
        ticket = say(session).ticket
        known = Customer.objects.create(name="Ida Marchetti")

    def recognise() -> None:
        ChatSession.objects.filter(pk=session.pk).update(customer=known)
        Ticket.objects.filter(pk=ticket.pk).update(customer=known)

    def write() -> Message:
        return receive_chat_message(session=session, body="Are you there?", client_id="c-late")

    results = while_held(recognise, write, acme)
    assert errors(results) == []
    with acting_for(acme.tenant):
        assert Message.objects.filter(ticket=ticket, body="Are you there?").count() == 1


def test_proving_who_one_is_and_writing_at_once_never_lock_each_other_out(acme: World):
    with acting_for(acme.tenant):
        known = Customer.objects.create(name="Ida Marchetti")
        CustomerIdentity.objects.create(customer=known, kind="email", value="ida@mail.example", is_verified=True)
    for n in range(30):
        with acting_for(acme.tenant):
            session, _token = make_session(acme)
            ticket = say(session).ticket
            # Codes to one address are few an hour; each round has an hour of its own.
            OneTimeCode.objects.all().delete()
            send_code(ask_for_code(ticket_id=ticket.pk, email="ida@mail.example").pk)
        digits = "".join(char for char in mail.outbox[-1].body.split("\n")[0] if char.isdigit())

        def prove(ticket: Ticket = ticket, digits: str = digits) -> None:
            with acting_for(acme.tenant):
                enter_code(ticket_id=ticket.pk, digits=digits)

        def write(session: ChatSession = session, n: int = n) -> None:
            with acting_for(acme.tenant):
                receive_chat_message(session=session, body="Still here", client_id=f"late-{n}")

        assert errors(together(prove, write)) == []
        with acting_for(acme.tenant):
            ticket.refresh_from_db()
            assert ticket.customer_id == known.pk
            assert list(Message.objects.filter(ticket=ticket).order_by("seq").values_list("seq", flat=True)) == [1, 2, 3]


def test_one_message_delivered_eight_times_at_once_is_stored_once(acme: World):
    """Reliability 62: a resend with the same id is the same message."""
    with acting_for(acme.tenant):
        session, _token = make_session(acme)

    def deliver() -> int:
        with acting_for(acme.tenant):
            return receive_chat_message(session=session, body="Hello", client_id="once").pk

    results = together(*[deliver for _ in range(8)])
    assert errors(results) == []
    assert len(set(results)) == 1
    with acting_for(acme.tenant):
        assert (Message.objects.count(), Ticket.objects.count()) == (1, 1)


def test_tickets_opened_at_once_are_numbered_without_gaps(acme: World):
    def open_one() -> None:
        with acting_for(acme.tenant):
            make_ticket(acme)

    assert errors(together(*[open_one for _ in range(8)])) == []
    with acting_for(acme.tenant):
        assert sorted(Ticket.objects.values_list("number", flat=True)) == list(range(1, 9))
