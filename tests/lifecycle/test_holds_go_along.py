"""A hold is not walked around: a ticket that a code moves to another customer takes it along."""

import pytest
from django.core import mail

from supportdesk.core.models import Event
from supportdesk.core.tenancy import acting_for
from supportdesk.lifecycle import holds
from supportdesk.lifecycle.erasing import why_not
from supportdesk.lifecycle.models import LegalHold
from tests.factories import World, make_ticket
from tickets.identity import ask_for_code, enter_code, send_code
from tickets.models import Customer, CustomerIdentity, Ticket

IDA = "ida@mail.example"


@pytest.mark.reliability(66, "legal hold")
@pytest.mark.parametrize("on", ["customer", "both", "nobody"])
def test_a_ticket_that_moves_takes_its_visitors_hold_along(acme: World, on: str):
    with acting_for(acme.tenant):
        ticket, known = make_ticket(acme), Customer.objects.create(name="Ida")
        visitor = ticket.customer_id
        CustomerIdentity.objects.create(customer=known, kind="email", value=IDA, is_verified=True)
        if on != "nobody":
            holds.place_on_customer(customer_id=visitor, reason="A lawsuit", by=acme.owner)
        if on == "both":
            holds.place_on_ticket(ticket_id=ticket.pk, reason="Another", by=acme.owner)
        send_code(ask_for_code(ticket_id=ticket.pk, email=IDA).pk)
        digits = "".join(char for char in mail.outbox[-1].body.splitlines()[0] if char.isdigit())
        enter_code(ticket_id=ticket.pk, digits=digits)
        ticket.refresh_from_db()
        assert ticket.customer_id == known.pk
        is_held = on != "nobody"
        assert holds.standing_on(known.pk).exists() is is_held
        assert holds.not_held(Ticket.objects.filter(pk=ticket.pk)).exists() is not is_held
        assert bool(why_not(known.pk)) is is_held
        assert LegalHold.objects.standing().count() == {"customer": 2, "both": 2, "nobody": 0}[on]
        assert Event.objects.filter(code="hold.placed").count() == LegalHold.objects.count()
