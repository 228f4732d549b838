"""Originals of masked messages: not kept unless a workspace chose so, then sealed, noted at each look, gone with the message."""

import pytest
from django.db import connection

from supportdesk.core.models import Event
from supportdesk.core.tenancy import acting_for
from supportdesk.lifecycle import originals
from supportdesk.lifecycle.erasing import ask_for_erasure, erase
from supportdesk.lifecycle.models import KeptOriginal
from tests.factories import World, make_session, say
from tests.lifecycle.persons import settled

CARD = "My card is 4242 4242 4242 4242, please"


@pytest.mark.reliability(67, "originals")
def test_no_original_is_kept_unless_the_workspace_chose_so(acme: World):
    with acting_for(acme.tenant):
        session, _token = make_session(acme)
        say(session, CARD)
        assert not KeptOriginal.objects.exists()


@pytest.mark.reliability(67, "originals")
def test_a_kept_original_is_sealed_and_each_look_is_an_event(acme: World):
    with acting_for(acme.tenant):
        originals.choose(keeps=True, by=acme.owner)
        session, _token = make_session(acme)
        message, plain = say(session, CARD), say(session, "Where is my order?")
        assert "4242 4242" not in message.body
        kept = KeptOriginal.objects.get()
        assert kept.message_id == message.pk != plain.pk
        with connection.cursor() as cursor:
            cursor.execute("SELECT sealed_body FROM lifecycle_keptoriginal")
            assert "4242" not in cursor.fetchone()[0]
        assert originals.read(original_id=kept.pk, by=acme.owner) == CARD
        assert Event.objects.filter(code="original.read", subject__message=str(message.pk), actor_id=acme.owner.pk).count() == 1
        originals.choose(keeps=False, by=acme.owner)
        say(session, CARD)
        assert KeptOriginal.objects.count() == 1


@pytest.mark.reliability(67, "originals")
def test_an_original_goes_with_its_message(acme: World):
    with acting_for(acme.tenant):
        originals.choose(keeps=True, by=acme.owner)
        session, _token = make_session(acme)
        ticket = say(session, CARD).ticket
        settled(ticket)
        erase(ask_for_erasure(customer_id=ticket.customer_id, by=acme.owner).pk)
        assert not KeptOriginal.objects.exists()
