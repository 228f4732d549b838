"""Reliability 66: a hold that is being placed while a schedule begins is waited for, and keeps everything."""

import time

import pytest
from django.db import transaction
from django.utils import timezone

from agents.runtime.models import Step
from supportdesk.core.tenancy import acting_for
from supportdesk.lifecycle import holds
from supportdesk.lifecycle.schedules import GO
from tests.factories import World
from tests.lifecycle.persons import make_person
from tests.lifecycle.test_schedules import aged
from tests.postgres.threads import errors, together


@pytest.mark.reliability(66, "legal hold")
@pytest.mark.parametrize("kind", ["tickets", "traces", "files"])
def test_a_hold_under_way_is_waited_for(acme: World, kind: str) -> None:
    with acting_for(acme.tenant):
        ida = make_person(acme, "QX7IDAJK")
        aged(ida)

    def place() -> None:
        with acting_for(acme.tenant), transaction.atomic():
            holds.place_on_customer(customer_id=ida.customer.pk, reason="A lawsuit", by=acme.owner)
            time.sleep(1.2)

    def apply() -> None:
        time.sleep(0.4)
        with acting_for(acme.tenant):
            GO[kind](timezone.now())

    assert errors(together(place, apply)) == []
    with acting_for(acme.tenant):
        assert not ida.ticket.messages.filter(body="Erased.").exists()
        assert Step.objects.filter(run__ticket=ida.ticket).exclude(input={}).exists()
        assert ida.ticket.attachments.exists()
