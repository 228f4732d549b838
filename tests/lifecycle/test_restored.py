"""After a restore from an old backup, whoever was erased since is erased again; who wrote again later is new."""

import io
import json
from collections.abc import Callable

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from supportdesk.core.tenancy import acting_for
from supportdesk.lifecycle.models import ErasedSubject, Erasure
from supportdesk.lifecycle.restored import come_back
from tests.factories import World
from tests.lifecycle.persons import Person, erased, rows_with
from tickets.models import Customer, CustomerIdentity

People = Callable[[], tuple[World, Person, Person, Person]]


@pytest.mark.reliability(66, "audit")
def test_who_was_erased_is_erased_again_after_a_restore(db: None, make_people: People):
    acme, ida, neighbour, _elsewhere = make_people()
    with acting_for(acme.tenant):
        values = list(CustomerIdentity.objects.filter(customer=ida.customer).values_list("value", flat=True))
        erased(ida)
        text = settings.ERASED_LIST.read_text()
        assert not any(value in text for value in values)
        assert ida.mark not in text
        assert {json.loads(line)["tenant"] for line in text.splitlines()} == {"acme"}
        # As a backup from before brings it back: the person is there, the table of the erased is not.
        ErasedSubject.objects.all().delete()
        Erasure.objects.filter(state="done").delete()
        Customer.objects.filter(pk=ida.customer.pk).update(name=f"Ida {ida.mark}")
        CustomerIdentity.objects.create(customer=ida.customer, kind="email", value=values[0])
    said = io.StringIO()
    call_command("reapply_erasures", stdout=said)
    assert f"customer {ida.customer.pk}: erased again" in said.getvalue()
    assert rows_with(ida.mark) == []
    assert rows_with(neighbour.mark)
    call_command("reapply_erasures", stdout=(again := io.StringIO()))
    assert again.getvalue() == ""


@pytest.mark.reliability(66, "audit")
def test_who_writes_again_after_being_erased_is_not_erased_again(db: None, make_people: People):
    acme, ida, _neighbour, _elsewhere = make_people()
    with acting_for(acme.tenant):
        value = CustomerIdentity.objects.filter(customer=ida.customer).values_list("value", flat=True).first()
        erased(ida)
        new = Customer.objects.create(name="Ida", created_at=timezone.now())
        CustomerIdentity.objects.create(customer=new, kind="email", value=value, is_verified=True)
        assert come_back() == []


@pytest.mark.reliability(66, "audit")
def test_a_claimed_address_erases_nobody_after_a_restore(db: None, make_people: People):
    acme, ida, neighbour, _elsewhere = make_people()
    with acting_for(acme.tenant):
        theirs = CustomerIdentity.objects.get(customer=neighbour.customer)
        mine = CustomerIdentity.objects.get(customer=ida.customer).value
        # Who is erased had typed the neighbour's address; the neighbour had typed theirs.
        CustomerIdentity.objects.create(customer=ida.customer, kind="email", value=theirs.value)
        CustomerIdentity.objects.create(customer=neighbour.customer, kind="email", value=mine)
        erased(ida)
        assert sorted(ErasedSubject.objects.values_list("kind", flat=True)) == ["customer", "email"]
        assert come_back() == []
