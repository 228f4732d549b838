"""A session is an anonymous visitor's own; its token opens nothing else."""

import pytest
from django.test import Client
from django.utils import timezone

from supportdesk.chat.places import SESSIONS_A_MINUTE
from supportdesk.core.tenancy import acting_for
from tests.factories import World, make_session, say
from tickets.models import ChatSession
from tickets.receiving import session_of

SESSION, THREAD = "/chat/acme/web/session/", "/chat/acme/web/thread/"


def test_a_session_is_opened_without_any_cookie(acme: World) -> None:
    response = Client(enforce_csrf_checks=True).post(SESSION)
    assert response.status_code == 201
    assert not response.cookies
    assert "no-store" in response["Cache-Control"]
    with acting_for(acme.tenant):
        assert session_of(acme.channel, response.json()["token"]) == ChatSession.objects.get()


def test_a_session_is_not_opened_by_looking(acme: World, client: Client) -> None:
    assert client.get(SESSION).status_code == 405


def test_one_visitor_cannot_open_sessions_without_end(acme: World, client: Client) -> None:
    answers = [client.post(SESSION).status_code for _ in range(SESSIONS_A_MINUTE + 1)]
    assert answers == [201] * SESSIONS_A_MINUTE + [429]
    assert client.post(SESSION, REMOTE_ADDR="203.0.113.9").status_code == 201


def test_one_ipv6_network_counts_as_one_visitor(acme: World, client: Client) -> None:
    answers = [client.post(SESSION, REMOTE_ADDR=f"2001:db8::{n:x}").status_code for n in range(SESSIONS_A_MINUTE + 1)]
    assert answers[-1] == 429


@pytest.mark.parametrize("header", ["", "Chat", "Chat ", "Chat x.y", "Bearer {token}", "chat {token}", "Chat {token}x", "Chat \x00"])
def test_a_thread_needs_the_right_token_in_the_header(header: str, acme: World, client: Client) -> None:
    with acting_for(acme.tenant):
        _session, token = make_session(acme)
    response = client.get(THREAD, headers={"Authorization": header.format(token=token)})
    assert (response.status_code, response.content) == (401, b"")


def test_a_token_in_the_address_opens_nothing(acme: World, client: Client) -> None:
    with acting_for(acme.tenant):
        _session, token = make_session(acme)
    assert client.get(THREAD, {"token": token}).status_code == 401


@pytest.mark.parametrize("field", ["expires_at", "revoked_at"])
def test_a_session_that_is_over_opens_nothing(field: str, acme: World, client: Client) -> None:
    with acting_for(acme.tenant):
        session, token = make_session(acme)
        ChatSession.objects.filter(pk=session.pk).update(**{field: timezone.now()})
    assert client.get(THREAD, headers={"Authorization": f"Chat {token}"}).status_code == 401


def test_a_token_of_another_shop_opens_nothing_here(acme: World, globex: World, client: Client) -> None:
    with acting_for(globex.tenant):
        session, token = make_session(globex)
        say(session, "Mine alone")
    assert client.get(THREAD, headers={"Authorization": f"Chat {token}"}).status_code == 401
    there = client.get("/chat/globex/web/thread/", headers={"Authorization": f"Chat {token}"})
    assert "Mine alone" in there.content.decode()
