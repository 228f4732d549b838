"""Schedules let go of what is old, in small batches, and never of what is held or still open."""

from datetime import timedelta

import pytest
from django.utils import timezone

from agents.actions.models import ToolCall
from agents.runtime.models import AgentRun, Step
from supportdesk.core.events import SYSTEM_ACTOR
from supportdesk.core.models import Event, Job, Presence
from supportdesk.core.tenancy import acting_for
from supportdesk.lifecycle import holds, schedules
from supportdesk.lifecycle.erasing import ask_for_erasure, erase
from supportdesk.lifecycle.models import DEFAULTS, Data, LegalHold
from supportdesk.lifecycle.schedules import apply_schedules, ask_for_schedules, set_schedule
from tests.factories import World
from tests.lifecycle.persons import Person, make_person, rows_with
from tickets.errors import Refusal, Unacceptable
from tickets.models import Attachment, ChatSession, Customer, CustomerIdentity, Message, OneTimeCode, Ticket
from tickets.verbs import resolve

LONG_AGO = timedelta(days=1000)


@pytest.fixture
def old(acme: World) -> Person:
    """Somebody whose case was closed long ago."""
    with acting_for(acme.tenant):
        ida = make_person(acme, "QX7IDAJK")
        aged(ida)
    return ida


def aged(ida: Person) -> None:
    then = timezone.now() - LONG_AGO
    resolve(ticket_id=ida.ticket.pk, by=SYSTEM_ACTOR)
    Ticket.objects.filter(pk=ida.ticket.pk).update(resolved_at=then, last_message_at=then)
    AgentRun.objects.filter(ticket=ida.ticket).update(finished_at=then)
    Attachment.objects.filter(ticket=ida.ticket).update(created_at=then)
    ChatSession.objects.filter(ticket=ida.ticket).update(expires_at=then)
    OneTimeCode.objects.filter(ticket=ida.ticket).update(expires_at=then)
    Customer.objects.filter(pk=ida.customer.pk).update(created_at=then)
    Presence.objects.filter(ticket_id=ida.ticket.pk).update(changed_at=then)


def all_on(world: World) -> None:
    for kind in Data.values:
        set_schedule(kind=kind, days=400, is_on=True, by=world.owner)


def words_of(ida: Person) -> set[str]:
    return set(Message.objects.filter(ticket=ida.ticket).values_list("body", flat=True))


@pytest.mark.reliability(66, "schedules")
def test_what_is_older_than_its_schedule_goes_and_an_event_counts_it(acme: World, old: Person):
    with acting_for(acme.tenant):
        all_on(acme)
        apply_schedules()
        assert words_of(old) == {"Erased."}
        assert not Step.objects.filter(run__ticket=old.ticket).exclude(input={}, output={}).exists()
        assert not Attachment.objects.filter(ticket=old.ticket).exists()
        assert not ChatSession.objects.filter(ticket=old.ticket).exists()
        told = Event.objects.get(code="retention.applied").changed
        assert told["tickets"] == 1
        # Nothing is left to do, so nothing is told.
        apply_schedules()
        assert Event.objects.filter(code="retention.applied").count() == 1


@pytest.mark.reliability(66, "schedules")
def test_a_workspace_that_never_chose_keeps_its_cases_and_lets_technical_rows_go(acme: World, old: Person):
    with acting_for(acme.tenant):
        CustomerIdentity.objects.filter(customer=old.customer).update(is_verified=True)
        apply_schedules()
        assert words_of(old) != {"Erased."}
        assert Attachment.objects.filter(ticket=old.ticket).exists()
        assert not ChatSession.objects.filter(ticket=old.ticket).exists()
        assert not Presence.objects.filter(ticket_id=old.ticket.pk).exists()
        assert not DEFAULTS[Data.TICKETS][1]
        assert not DEFAULTS[Data.FILES][1]


@pytest.mark.reliability(66, "schedules")
@pytest.mark.parametrize("state", ["unknown", "waiting", "executing", "needs_confirmation"])
def test_what_is_still_open_stays(acme: World, old: Person, state: str):
    with acting_for(acme.tenant):
        all_on(acme)
        call = ToolCall.objects.filter(ticket=old.ticket, is_write=True).latest("created_at")
        ToolCall.objects.filter(pk=call.pk).update(state=state)
        before = words_of(old)
        apply_schedules()
        assert words_of(old) == before
        assert Attachment.objects.filter(ticket=old.ticket).exists()
        ToolCall.objects.filter(pk=call.pk).update(state="cancelled")
        Ticket.objects.filter(pk=old.ticket.pk).update(status="open")
        apply_schedules()
        assert words_of(old) == before


@pytest.mark.reliability(66, "schedules")
def test_a_visitor_who_proved_nothing_goes_after_nine_months(acme: World, old: Person):
    with acting_for(acme.tenant):
        CustomerIdentity.objects.filter(customer=old.customer).update(is_verified=False)
        set_schedule(kind=Data.SESSIONS, days=400, is_on=True, by=acme.owner)
        apply_schedules()
        old.customer.refresh_from_db()
        assert old.customer.name.startswith("Erased customer ")
        assert not CustomerIdentity.objects.filter(customer=old.customer).exists()
    assert "tickets_message" not in rows_with(old.mark)


@pytest.mark.reliability(66, "schedules")
def test_more_than_a_batch_goes_in_several_and_a_job_goes_on(acme: World, old: Person, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(schedules, "BATCHES", 1)
    with acting_for(acme.tenant):
        set_schedule(kind=Data.TICKETS, days=400, is_on=True, by=acme.owner)
        apply_schedules()
        assert Job.objects.filter(name="lifecycle.apply_schedules", state="queued").count() == 1


@pytest.mark.reliability(66, "schedules")
def test_every_workspace_gets_its_job_once_an_hour(acme: World, globex: World):
    ask_for_schedules()
    ask_for_schedules()
    assert sorted(Job.objects.filter(name="lifecycle.apply_schedules").values_list("tenant_id", flat=True)) == sorted(
        [acme.tenant.pk, globex.tenant.pk]
    )


def test_days_are_bounded(acme: World):
    with acting_for(acme.tenant):
        for days in (0, 3651):
            with pytest.raises(Unacceptable):
                set_schedule(kind=Data.TICKETS, days=days, is_on=True, by=acme.owner)


@pytest.mark.reliability(66, "legal hold")
@pytest.mark.parametrize("on", ["customer", "ticket"])
def test_a_hold_stops_schedules_and_erasure_until_it_is_lifted(acme: World, old: Person, on: str):
    with acting_for(acme.tenant):
        all_on(acme)
        erasure = ask_for_erasure(customer_id=old.customer.pk, by=acme.owner)
        if on == "customer":
            hold = holds.place_on_customer(customer_id=old.customer.pk, reason="A lawsuit", by=acme.owner)
        else:
            hold = holds.place_on_ticket(ticket_id=old.ticket.pk, reason="A lawsuit", by=acme.owner)
        before = rows_with(old.mark)
        apply_schedules()
        with pytest.raises(Exception, match="again in"):
            erase(erasure.pk)
        erasure.refresh_from_db()
        assert "hold" in erasure.waits_for
        assert set(before) - set(rows_with(old.mark)) == set()
        assert ChatSession.objects.filter(ticket=old.ticket).exists()
        holds.lift(hold_id=hold.pk, by=acme.owner)
        with pytest.raises(Refusal):
            holds.lift(hold_id=hold.pk, by=acme.owner)
        erase(erasure.pk)
        assert rows_with(old.mark) == []
        codes = list(Event.objects.filter(code__startswith="hold.").order_by("id").values_list("code", flat=True))
        assert codes == ["hold.placed", "hold.lifted"]


@pytest.mark.reliability(66, "legal hold")
def test_a_hold_refuses_an_erasure_and_needs_a_reason(acme: World, old: Person):
    with acting_for(acme.tenant):
        with pytest.raises(Unacceptable):
            holds.place_on_customer(customer_id=old.customer.pk, reason="  ", by=acme.owner)
        holds.place_on_customer(customer_id=old.customer.pk, reason="A lawsuit", by=acme.owner)
        with pytest.raises(Refusal, match="already"):
            holds.place_on_customer(customer_id=old.customer.pk, reason="Another", by=acme.owner)
        with pytest.raises(Refusal, match="hold"):
            ask_for_erasure(customer_id=old.customer.pk, by=acme.owner)
        assert LegalHold.objects.standing().count() == 1
