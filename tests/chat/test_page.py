"""The chat page as a first visitor meets it."""

import pytest
from django.test import Client

from supportdesk.core.models import Event
from supportdesk.core.tenancy import acting_for
from tests.factories import World, make_switch
from tickets.models import Channel, ChatSession, Customer

PAGE = "/chat/acme/web/"


def test_the_first_words_say_that_an_ai_answers_and_that_a_person_can_be_had(acme: World, client: Client) -> None:
    page = client.get(PAGE).content.decode()
    assert "I am Alder, the AI agent of Acme." in page
    assert "You can talk to a person at any time." in page
    assert page.count("<li><button") == 4
    assert 'id="person"' in page


def test_a_mere_visit_leaves_no_rows(acme: World, client: Client) -> None:
    client.get(PAGE)
    with acting_for(acme.tenant):
        assert (ChatSession.objects.count(), Customer.objects.count(), Event.objects.count()) == (0, 0, 0)


def test_the_page_has_no_inline_script_or_style(acme: World, client: Client) -> None:
    response = client.get(PAGE)
    page = response.content.decode()
    assert "<style" not in page
    assert " style=" not in page
    assert "onclick" not in page
    assert page.count("<script") == page.count('<script type="module" src="/static/js/chat.js"></script>') == 1
    assert "'unsafe-inline'" not in response["Content-Security-Policy"]


def test_the_page_is_right_to_left_for_a_browser_that_asks_for_arabic(acme: World, client: Client) -> None:
    page = client.get(PAGE, headers={"Accept-Language": "ar"}).content.decode()
    assert '<html lang="ar" dir="rtl">' in page


def test_a_stopped_agent_is_not_promised(acme: World, client: Client) -> None:
    make_switch(acme.tenant)
    page = client.get(PAGE).content.decode()
    assert "AI agent" not in page.split("<template")[0]
    assert "a person reads it and answers" in page


@pytest.mark.parametrize("place", ["acme/nowhere", "nobody/web", "acme/mail", "globex/only-acme"])
def test_a_place_that_is_no_chat_is_not_found(place: str, acme: World, globex: World, client: Client) -> None:
    with acting_for(acme.tenant):
        Channel.objects.create(brand=acme.brand, key="mail", kind=Channel.Kind.EMAIL, name="Mail")
        Channel.objects.create(brand=acme.brand, key="only-acme", kind=Channel.Kind.CHAT, name="Chat")
    for path in ("", "thread/"):
        assert client.get(f"/chat/{place}/{path}").status_code == 404
    assert client.post(f"/chat/{place}/session/").status_code == 404


def test_a_closed_channel_is_not_found(acme: World, client: Client) -> None:
    with acting_for(acme.tenant):
        Channel.objects.filter(pk=acme.channel.pk).update(is_active=False)
    assert client.get(PAGE).status_code == 404


def test_a_suspended_workspace_says_so_and_opens_nothing(acme: World, client: Client) -> None:
    acme.tenant.is_active = False
    acme.tenant.save(update_fields=["is_active"])
    assert client.get(PAGE).status_code == 503
    assert client.post(f"{PAGE}session/").status_code == 503
