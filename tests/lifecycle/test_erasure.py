"""Who asks to be forgotten is: no store holds a byte of them, the neighbours are untouched, the audit trail holds."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from agents.actions.models import ToolCall
from agents.knowledge.models import Passage, PassageVector
from supportdesk.core.events import broken_links, stamp
from supportdesk.core.models import Event
from supportdesk.core.tenancy import acting_for
from supportdesk.lifecycle.erasing import ask_for_erasure, erase
from supportdesk.lifecycle.models import Erasure
from tests.factories import World, make_session, say
from tests.lifecycle.persons import Person, erased, rows_with, where
from tickets.errors import Refusal
from tickets.models import CustomerIdentity, Message, Ticket

People = Callable[[], tuple[World, Person, Person, Person]]


@pytest.mark.reliability(66, "messages", "traces", "vectors", "files", "logs", "jobs and cache")
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_no_byte_of_an_erased_person_is_left(make_people: People, caplog: pytest.LogCaptureFixture):
    acme, ida, neighbour, elsewhere = make_people()
    assert len(ida.planted) >= 30
    before = {person.mark: (where(person.mark), rows_with(person.mark)) for person in (neighbour, elsewhere)}
    assert len(rows_with(ida.mark)) >= 15
    # A parallel run names its database after its worker.
    assert {Path(place).suffix.partition("_")[0] for place in where(ida.mark)} >= {".sqlite3", ".log", ""}
    caplog.set_level(logging.DEBUG)
    with acting_for(acme.tenant):
        erasure = erased(ida)
    assert erasure.state == Erasure.State.DONE
    assert rows_with(ida.mark) == []
    assert where(ida.mark) == []
    assert ida.mark not in caplog.text
    assert {person.mark: (where(person.mark), rows_with(person.mark)) for person in (neighbour, elsewhere)} == before


@pytest.mark.reliability(66, "audit")
def test_the_audit_trail_holds_and_knows_a_pseudonym(db: None, make_people: People):
    acme, ida, _neighbour, _elsewhere = make_people()
    while stamp():
        pass
    told = list(Event.objects.values_list("pk", "hash"))
    with acting_for(acme.tenant):
        erased(ida)
        ida.customer.refresh_from_db()
        ticket = Ticket.objects.get(pk=ida.ticket.pk)
        numbers = list(Message.objects.filter(ticket=ticket).values_list("seq", flat=True))
    while stamp():
        pass
    assert broken_links(acme.tenant) == []
    assert list(Event.objects.filter(pk__in=[pk for pk, _hash in told]).values_list("pk", "hash")) == told
    assert ida.customer.name.startswith("Erased customer ")
    assert numbers == list(range(1, ticket.last_seq + 1))
    assert Event.objects.filter(code="customer.erased", subject__customer=str(ida.customer.pk)).count() == 1


@pytest.mark.reliability(66, "vectors")
def test_no_customers_words_get_into_the_index(db: None, make_people: People):
    """What customers write is searched for, never learned: passages and vectors come from articles alone."""
    acme, ida, _neighbour, _elsewhere = make_people()
    with acting_for(acme.tenant):
        assert not any(ida.mark in text for text in Passage.objects.values_list("text", flat=True))
        assert not any(ida.mark.encode() in bytes(vector) for vector in PassageVector.objects.values_list("vector", flat=True))
    assert not [place for place in where(ida.mark) if "chroma" in place]


@pytest.mark.reliability(66, "messages")
def test_who_writes_again_later_is_new(db: None, make_people: People):
    acme, ida, _neighbour, _elsewhere = make_people()
    with acting_for(acme.tenant):
        address = CustomerIdentity.objects.filter(customer=ida.customer).values_list("value", flat=True).first()
        erased(ida)
        session, _token = make_session(acme, name="Ida Ekholm")
        message = say(session, "It is me again")
        CustomerIdentity.objects.create(customer=message.ticket.customer, kind="email", value=address, is_verified=True)
        assert message.ticket.customer_id != ida.customer.pk
        assert message.ticket_id != ida.ticket.pk


@pytest.mark.reliability(66, "messages", "traces")
@pytest.mark.parametrize("point", ["ticket_emptied", "customer_erased"])
def test_an_erasure_that_died_goes_on(db: None, make_people: People, point: str, monkeypatch: pytest.MonkeyPatch):
    acme, ida, neighbour, _elsewhere = make_people()

    def dies(name: str) -> None:
        if name == point:
            raise KeyboardInterrupt

    with acting_for(acme.tenant):
        erasure = ask_for_erasure(customer_id=ida.customer.pk, by=acme.owner)
        with monkeypatch.context() as patch:
            patch.setattr("supportdesk.lifecycle.erasing.fault_point", dies)
            with pytest.raises(KeyboardInterrupt):
                erase(erasure.pk)
        erase(erasure.pk)
        erase(erasure.pk)
        assert Event.objects.filter(code="customer.erased").count() == 1
    assert rows_with(ida.mark) == []
    assert where(ida.mark) == []
    assert rows_with(neighbour.mark)


@pytest.mark.reliability(66, "messages")
def test_an_action_in_flight_or_unknown_refuses_an_erasure(db: None, make_people: People):
    acme, ida, _neighbour, _elsewhere = make_people()
    with acting_for(acme.tenant):
        call = ToolCall.objects.filter(ticket=ida.ticket, is_write=True).latest("created_at")
        for state, said in (("unknown", "unknown"), ("executing", "under way"), ("waiting", "waits for a decision")):
            ToolCall.objects.filter(pk=call.pk).update(state=state)
            with pytest.raises(Refusal, match=said):
                ask_for_erasure(customer_id=ida.customer.pk, by=acme.owner)
        assert not Erasure.objects.filter(state="waiting").exists()
    assert rows_with(ida.mark)


@pytest.mark.reliability(66, "messages")
def test_the_ledger_keeps_amounts_without_names(db: None, make_people: People):
    acme, ida, _neighbour, _elsewhere = make_people()

    def money() -> list[Any]:
        return list(ida.ticket.calls.order_by("pk").values_list("pk", "amount", "currency", "state", "created_at", "settled_at"))

    with acting_for(acme.tenant):
        before = money()
        erased(ida)
        assert money() == before
        targets = set(ida.ticket.calls.values_list("target", flat=True))
    assert all(target.startswith("erased-") for target in targets)
    assert connection.vendor
