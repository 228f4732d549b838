"""The next person at a computer sees nothing of the one before: who leaves, who signs in, who proves another address, who gets a link."""

import json
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.core import mail
from django.test import Client

from supportdesk.core.models import Event
from supportdesk.core.tenancy import acting_for
from tests.chat.signing import IDA, SITE, host_key, signed
from tests.chat.sockets import browser
from tests.factories import World, make_session, make_world, say
from tickets.access import prove_by_code
from tickets.errors import SomebodyElse
from tickets.identity import ask_for_code, enter_code, proof_of, send_code, vouch
from tickets.models import ChatSession, Customer, CustomerIdentity, IdentityProof, Ticket
from tickets.receiving import session_of
from tickets.verbs import teammate
from tickets.writing import locked

PAGE, SESSION, SIGNED, LEAVE, THREAD = (f"/chat/acme/web/{each}" for each in ("", "session/", "signed/", "leave/", "thread/"))
OWEN = "owen@mail.example"
SECRET = "My order is N-20377, the door code is 4402"


def shown(client: Client, token: str) -> tuple[int, str]:
    """What a token shows."""
    answer = client.get(THREAD, headers={"Authorization": f"Chat {token}"})
    return answer.status_code, answer.content.decode()


def code_for(ticket: Ticket, email: str) -> str:
    """A mailed code."""
    send_code(ask_for_code(ticket_id=ticket.pk, email=email).pk)
    return "".join(char for char in mail.outbox[-1].body.splitlines()[0] if char.isdigit())


def proven_talk(world: World, email: str = IDA) -> tuple[ChatSession, str, Ticket]:
    """Somebody who proved who they are and wrote what nobody else should read; inside `acting_for`."""
    session, token = make_session(world)
    ticket = say(session, SECRET).ticket
    assert prove_by_code(session=session, digits=code_for(ticket, email)) == ""
    return session, token, ticket


def post_form(client: Client, text: str, origin: str = SITE) -> Any:
    return client.post(SIGNED, {"identity": text}, headers={"Origin": origin} if origin else {})


def exchange(client: Client, previous: str = "") -> Any:
    headers = {"Authorization": f"Chat {previous}"} if previous else {}
    return client.post(SESSION, json.dumps({"handoff": True}), content_type="application/json", headers=headers)


@pytest.mark.reliability(18, "shared computer")
@pytest.mark.reliability(14, "revoked")
def test_leaving_ends_the_session_on_the_server_and_what_was_proved(acme: World, client: Client) -> None:
    with acting_for(acme.tenant):
        _session, token, ticket = proven_talk(acme)
    assert SECRET in shown(client, token)[1]
    assert client.post(LEAVE, headers={"Authorization": f"Chat {token}"}).status_code == 204
    assert shown(client, token) == (401, "")
    assert client.post(LEAVE, headers={"Authorization": f"Chat {token}"}).status_code == 204
    with acting_for(acme.tenant):
        assert proof_of(ticket) is None
        assert Event.objects.filter(code="chat.left").count() == 1


@pytest.mark.reliability(18, "shared computer")
def test_leaving_needs_the_token_and_nothing_but_a_post(acme: World, client: Client) -> None:
    with acting_for(acme.tenant):
        _session, token, _ticket = proven_talk(acme)
    client.post(f"{LEAVE}?token={token}")
    client.post(LEAVE, {"token": token})
    assert client.get(LEAVE, headers={"Authorization": f"Chat {token}"}).status_code == 405
    assert shown(client, token)[0] == 200


@pytest.mark.reliability(18, "other person")
@pytest.mark.reliability(16, "code")
def test_who_proves_another_address_gets_a_conversation_of_their_own(acme: World, client: Client) -> None:
    with acting_for(acme.tenant):
        session, token, ticket = proven_talk(acme)
        fresh = prove_by_code(session=session, digits=code_for(ticket, OWEN))
        assert fresh
        ticket.refresh_from_db()
        assert ticket.customer_id == CustomerIdentity.objects.get(value=IDA).customer_id
        assert ticket.customer_id != CustomerIdentity.objects.get(value=OWEN).customer_id
        assert proof_of(ticket) is None
    assert shown(client, token) == (401, "")
    status, page = shown(client, fresh)
    assert (status, SECRET in page, "N-20377" in page) == (200, False, False)
    with acting_for(acme.tenant):
        theirs = session_of(acme.channel, fresh)
        assert theirs is not None
        begun = say(theirs, "Hello").ticket
        proof = proof_of(begun)
        assert begun != ticket
        assert proof is not None
        assert (proof.identity.value, proof.method) == (OWEN, "email_code")


@pytest.mark.reliability(18, "other person")
def test_an_expired_or_revoked_proof_still_says_whose_ticket_it_is(acme: World) -> None:
    with acting_for(acme.tenant):
        session, _token, ticket = proven_talk(acme)
        IdentityProof.objects.update(expires_at=ticket.opened_at, revoked_at=ticket.opened_at)
        assert prove_by_code(session=session, digits=code_for(ticket, OWEN)) != ""


@pytest.mark.reliability(18, "merge")
def test_one_side_merges_nobody(acme: World) -> None:
    with acting_for(acme.tenant):
        _session, _token, ticket = proven_talk(acme)
        _other, _token, theirs = proven_talk(acme, OWEN)
        before = Customer.objects.count()
        with pytest.raises(SomebodyElse):
            enter_code(ticket_id=ticket.pk, digits=code_for(ticket, OWEN))
        with pytest.raises(SomebodyElse):
            vouch(locked(ticket.pk), email=OWEN, by=teammate(acme.owner), name="Shop")
        ticket.refresh_from_db()
        assert ticket.customer_id != theirs.customer_id
        assert Customer.objects.count() == before


@pytest.mark.reliability(18, "merge")
def test_a_visitor_becomes_a_known_customer_only_by_their_proof(acme: World) -> None:
    with acting_for(acme.tenant):
        _first, _token, ticket = proven_talk(acme)
        second = say(make_session(acme)[0]).ticket
        assert second.customer_id != ticket.customer_id
        code_for(second, "bo@mail.example")
        second.refresh_from_db()
        assert second.customer_id != ticket.customer_id
        third_session, _token, third = proven_talk(acme)
        assert third_session.pk
        third.refresh_from_db()
        ticket.refresh_from_db()
        assert third.customer_id == ticket.customer_id


@pytest.mark.reliability(18, "merge")
def test_a_second_address_is_ones_own_only_where_it_was_proved_as_such(acme: World, client: Client) -> None:
    with acting_for(acme.tenant):
        session, _token, ticket = proven_talk(acme)
        known = CustomerIdentity.objects.get(value=IDA).customer
        CustomerIdentity.objects.create(customer=known, kind="email", value="ida@work.example", is_verified=True)
        assert prove_by_code(session=session, digits=code_for(ticket, "ida@work.example")) == ""


@pytest.mark.reliability(18, "forwarded link")
def test_a_forwarded_link_shows_the_greeting_and_nothing_else(acme: World, client: Client) -> None:
    with acting_for(acme.tenant):
        _session, token, _ticket = proven_talk(acme)
    stranger = Client()
    page = stranger.get(PAGE)
    assert (page.status_code, len(page.cookies)) == (200, 0)
    for part in (token, token.split(".")[0], SECRET, IDA):
        assert part not in page.content.decode()
    assert stranger.get(THREAD).status_code == 401
    assert stranger.get(f"{PAGE}?token={token}").content == page.content


@pytest.mark.reliability(18, "other person")
def test_a_form_of_the_host_site_leads_to_the_chat_signed_in(acme: World, client: Client) -> None:
    text = signed(acme, *host_key(acme))
    answer = post_form(client, text)
    assert (answer.status_code, answer["Location"]) == (303, PAGE)
    cookie = answer.cookies["chat_handoff"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["max-age"]) == (True, "Lax", PAGE, 60)
    page = client.get(PAGE).content.decode()
    assert "data-handoff" in page
    assert cookie.value not in page
    token = exchange(client).json()["token"]
    assert shown(client, token)[0] == 200
    assert "data-handoff" not in client.get(PAGE).content.decode()
    client.cookies["chat_handoff"] = cookie.value
    assert exchange(client).status_code == 403


@pytest.mark.reliability(18, "other person")
@pytest.mark.parametrize(
    "origin", ["", "null", "https://evil.example", "https://shop.example.evil", "http://shop.example", "https://shop.example:8443"]
)
def test_a_form_of_any_other_page_signs_nobody_in(origin: str, acme: World, client: Client) -> None:
    answer = post_form(client, signed(acme, *host_key(acme)), origin)
    assert (answer.status_code, "chat_handoff" in answer.cookies) == (403, False)
    assert "This sign-in did not work" in answer.content.decode()


def test_a_signed_token_in_the_address_is_not_read(acme: World, client: Client) -> None:
    text = signed(acme, *host_key(acme))
    assert client.get(f"{SIGNED}?identity={text}").status_code == 405
    assert client.post(f"{SIGNED}?identity={text}", headers={"Origin": SITE}).status_code == 403


@pytest.mark.reliability(18, "other person")
@pytest.mark.parametrize("before", ["anonymous", "proved", "signed"])
def test_who_signs_in_as_somebody_else_begins_anew(before: str, acme: World, client: Client) -> None:
    key = host_key(acme)
    with acting_for(acme.tenant):
        if before == "proved":
            _session, token, _ticket = proven_talk(acme)
        elif before == "anonymous":
            session, token = make_session(acme)
            say(session, SECRET)
    if before == "signed":
        post_form(client, signed(acme, *key))
        token = exchange(client).json()["token"]
        with acting_for(acme.tenant):
            found = session_of(acme.channel, token)
            assert found is not None
            say(found, SECRET)
    assert SECRET in shown(client, token)[1]
    post_form(client, signed(acme, *key, sub="C-2002", email=OWEN))
    fresh = exchange(client, token).json()["token"]
    assert fresh != token
    assert shown(client, token) == (401, "")
    assert SECRET not in shown(client, fresh)[1]


@pytest.mark.reliability(18, "shared computer")
def test_the_same_person_signing_in_again_finds_their_conversation(acme: World, client: Client) -> None:
    key = host_key(acme)
    post_form(client, signed(acme, *key))
    token = exchange(client).json()["token"]
    with acting_for(acme.tenant):
        found = session_of(acme.channel, token)
        assert found is not None
        say(found, SECRET)
    post_form(client, signed(acme, *key))
    assert exchange(client, token).json()["token"] == token
    assert SECRET in shown(client, token)[1]


def test_a_page_that_waits_too_long_is_not_signed_in(acme: World, client: Client) -> None:
    post_form(client, signed(acme, *host_key(acme)))
    with acting_for(acme.tenant):
        ChatSession.objects.update(handoff_until=ChatSession.objects.get().created_at)
    assert exchange(client).status_code == 403
    assert exchange(Client()).status_code == 403


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("tail_ends")
@pytest.mark.reliability(18, "other person")
async def test_the_socket_hands_over_a_token_of_their_own_and_closes() -> None:
    def talk() -> tuple[str, str]:
        world = make_world("acme")
        with acting_for(world.tenant):
            _session, token, ticket = proven_talk(world)
            return token, code_for(ticket, OWEN)

    token, digits = await database_sync_to_async(talk)()
    async with browser() as line:
        await line.hello(token)
        await line.say("code", digits=digits)
        fresh = (await line.hear("renewed"))["token"]
        assert await line.closed() == 4401
    async with browser() as line:
        assert (await line.hello(fresh))["last_seq"] == 0
