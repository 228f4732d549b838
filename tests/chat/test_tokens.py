"""Reliability 14: a chat token opens its own ticket on its own channel, in no address, until it ends; then nothing within 5 s."""

import itertools
import re
from pathlib import Path

import pytest
from channels.db import database_sync_to_async
from django.test import Client
from django.urls import reverse

from supportdesk.chat import consumers
from supportdesk.core.events import stamp
from supportdesk.core.models import Event, Role
from supportdesk.core.tenancy import acting_for
from tests.chat.sockets import browser
from tests.factories import World, make_member, make_session, make_ticket, make_world, say
from tickets import access, verbs
from tickets.identity import MAX_CODES_A_DAY, MAX_CODES_A_NETWORK, RESEND_SECONDS, ask_for_code, proof_of
from tickets.models import Channel, ChatSession, OneTimeCode, Ticket
from tickets.receiving import session_of
from tickets.verbs import teammate

ROOT = Path(__file__).resolve().parents[2]
THREAD = "/chat/acme/web/thread/"


def status(client: Client, token: str, place: str = "acme/web") -> int:
    return client.get(f"/chat/{place}/thread/", headers={"Authorization": f"Chat {token}"}).status_code


@pytest.mark.reliability(14, "claims")
def test_no_part_of_a_token_can_be_another_ones(acme: World, globex: World, client: Client) -> None:
    tokens = []
    for world in (acme, globex):
        with acting_for(world.tenant):
            for _ in range(2):
                session, token = make_session(world)
                say(session)
                tokens.append(token)
    for one, other in itertools.permutations(tokens, 2):
        swapped = f"{one.split('.')[0]}.{other.split('.')[1]}"
        for place in ("acme/web", "globex/web"):
            assert status(client, swapped, place) == 401
    public, secret = tokens[0].split(".")
    for forged in (
        f"{public}.",
        f".{secret}",
        f"{secret}.{public}",
        f"{public}.{secret[:-1]}",
        f"{public}.{secret}x",
        f"{public.upper()}.{secret}",
        f"{public}.{secret}.{secret}",
        f" {tokens[0]}",
        f"{tokens[0]}\n",
        f"{public}%00.{secret}",
        "eyJhbGciOiJub25lIn0.e30.",
    ):
        with acting_for(acme.tenant):
            assert session_of(acme.channel, forged) is None, forged
    assert status(client, tokens[0]) == 200


@pytest.mark.reliability(14, "other places")
def test_a_token_opens_nothing_at_another_channel_or_workspace(acme: World, globex: World, client: Client) -> None:
    with acting_for(acme.tenant):
        Channel.objects.create(brand=acme.brand, key="shop", kind="chat", name="Shop chat")
        _session, token = make_session(acme)
    assert [status(client, token, place) for place in ("acme/web", "acme/shop", "globex/web")] == [200, 401, 401]
    for address in (reverse("console:queue"), "/api/v1/tickets/", "/admin/"):
        answer = client.get(address, headers={"Authorization": f"Chat {token}"})
        assert answer.status_code in (302, 401, 403, 404), address


@pytest.mark.reliability(14, "other places")
def test_a_session_whose_ticket_is_of_another_channel_opens_nothing(acme: World) -> None:
    with acting_for(acme.tenant):
        other = Channel.objects.create(brand=acme.brand, key="shop", kind="chat", name="Shop chat")
        session, token = make_session(acme)
        ticket = say(session).ticket
        Ticket.objects.filter(pk=ticket.pk).update(channel=other)
        assert session_of(acme.channel, token) is None
        assert session_of(other, token) is None


@pytest.mark.reliability(14, "address log")
@pytest.mark.parametrize("name", ["token", "t", "session", "authorization", "Authorization", "identity", "handoff"])
def test_no_address_carries_a_token(name: str, acme: World, client: Client) -> None:
    with acting_for(acme.tenant):
        _session, token = make_session(acme)
    for value in (token, f"Chat {token}"):
        assert client.get(THREAD, {name: value}).status_code == 401
        assert client.post(f"/chat/acme/web/leave/?{name}={value}").status_code == 204
    assert status(client, token) == 200


@pytest.mark.reliability(14, "address log")
def test_the_page_writes_no_token_into_an_address() -> None:
    for path in (ROOT / "static/js").glob("chat*.js"):
        source = path.read_text()
        for address in re.findall(r"(?:fetch|URL|WebSocket|replaceState|pushState|location\.\w+)\s*\(([^;\n]*)", source):
            assert "token" not in address, (path.name, address)
        assert "searchParams" not in source
        assert "document.cookie" not in source


@pytest.mark.reliability(14, "closed ticket")
def test_after_its_ticket_is_resolved_a_token_reads_on_and_writing_opens_it_again(acme: World, client: Client) -> None:
    with acting_for(acme.tenant):
        session, token = make_session(acme)
        ticket = say(session, "Where is it?").ticket
        verbs.resolve(ticket_id=ticket.pk, by=teammate(acme.owner))
    assert "Where is it?" in client.get(THREAD, headers={"Authorization": f"Chat {token}"}).content.decode()
    with acting_for(acme.tenant):
        assert say(session, "Still nothing").ticket_id == ticket.pk
        ticket.refresh_from_db()
        assert ticket.is_open
        assert Ticket.objects.count() == 1


@pytest.mark.reliability(14, "closed ticket")
def test_after_access_ended_a_resolved_ticket_is_shut_and_writing_begins_a_new_one(acme: World, client: Client) -> None:
    with acting_for(acme.tenant):
        session, token = make_session(acme)
        ticket = say(session).ticket
        verbs.resolve(ticket_id=ticket.pk, by=teammate(acme.owner))
        access.end_access(ticket_id=ticket.pk, by=acme.owner)
    assert status(client, token) == 401
    fresh = client.post("/chat/acme/web/session/").json()["token"]
    with acting_for(acme.tenant):
        found = session_of(acme.channel, fresh)
        assert found is not None
        assert say(found).ticket_id != ticket.pk


@pytest.mark.reliability(14, "revoked")
def test_a_teammate_ends_a_customers_access_from_the_ticket(acme: World, client: Client) -> None:
    with acting_for(acme.tenant):
        session, token = make_session(acme)
        ticket = say(session).ticket
        code = ask_for_code(ticket_id=ticket.pk, email="ida@mail.example")
    client.force_login(acme.owner.user, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(reverse("console:ticket", args=[ticket.number])).content.decode()
    assert "End this customer's access" in page.replace("&#x27;", "'")
    assert client.post(reverse("console:end_access", args=[ticket.number]), follow=True).status_code == 200
    assert status(Client(), token) == 401
    with acting_for(acme.tenant):
        event = Event.objects.get(code="customer.access_ended")
        assert (event.actor_kind, event.actor_id, event.ticket_id) == ("teammate", acme.owner.pk, ticket.pk)
        code.refresh_from_db()
        assert code.expires_at <= event.at
        assert proof_of(ticket) is None
    assert 'popovertarget="end-access"' not in client.get(reverse("console:ticket", args=[ticket.number])).content.decode()


@pytest.mark.reliability(14, "revoked")
@pytest.mark.parametrize("role", [Role.VIEWER, Role.POLICY_EDITOR])
def test_who_may_not_assign_may_not_end_access(role: Role, acme: World, client: Client) -> None:
    reader = make_member(acme.tenant, role, name="Rea Reader")
    with acting_for(acme.tenant):
        ticket = make_ticket(acme)
    client.force_login(reader.user, backend="django.contrib.auth.backends.ModelBackend")
    assert client.post(reverse("console:end_access", args=[ticket.number])).status_code in (403, 404)
    with acting_for(acme.tenant):
        assert ChatSession.objects.get().revoked_at is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("tail_ends")
@pytest.mark.reliability(14, "socket", "revoked")
async def test_an_open_socket_closes_within_five_seconds_of_the_end_of_access() -> None:
    def talk() -> tuple[World, str, int]:
        world = make_world("acme")
        with acting_for(world.tenant):
            session, token = make_session(world)
            return world, token, say(session).ticket_id

    def shut(world: World, ticket_id: int) -> None:
        with acting_for(world.tenant):
            access.end_access(ticket_id=ticket_id, by=world.owner)
        stamp()

    world, token, ticket_id = await database_sync_to_async(talk)()
    async with browser() as line:
        await line.hello(token)
        await database_sync_to_async(shut)(world, ticket_id)
        # The helper waits five seconds and no longer.
        assert await line.closed() == consumers.UNKNOWN_SESSION
    async with browser() as line:
        await line.say("hello", token=token, position=0)
        assert await line.closed() == consumers.UNKNOWN_SESSION


@pytest.mark.reliability(16, "code")
def test_one_network_has_only_so_many_mails_whatever_tickets_and_addresses_it_names(acme: World) -> None:
    answers = []
    with acting_for(acme.tenant):
        for n in range(MAX_CODES_A_NETWORK + 1):
            ticket = make_ticket(acme)
            try:
                ask_for_code(ticket_id=ticket.pk, email=f"n{n}@mail.example", network="203.0.113.7")
                answers.append("")
            except Exception as refusal:
                answers.append(str(refusal))
        ask_for_code(ticket_id=make_ticket(acme).pk, email="other@mail.example", network="203.0.113.8")
    assert answers[:-1] == [""] * MAX_CODES_A_NETWORK
    assert answers[-1] == "Too many codes were asked for. Try again in an hour, or talk to a person."


@pytest.mark.reliability(16, "code")
def test_one_workspace_mails_only_so_many_codes_a_day(acme: World, globex: World) -> None:
    with acting_for(acme.tenant):
        ticket = make_ticket(acme)
        now = ticket.opened_at
        OneTimeCode.objects.bulk_create(
            OneTimeCode(tenant=acme.tenant, ticket=ticket, email=f"n{n}@x.example", expires_at=now) for n in range(MAX_CODES_A_DAY)
        )
        with pytest.raises(Exception, match="Too many codes were asked for"):
            ask_for_code(ticket_id=make_ticket(acme).pk, email="ida@mail.example")
    with acting_for(globex.tenant):
        assert ask_for_code(ticket_id=make_ticket(globex).pk, email="ida@mail.example")
    assert RESEND_SECONDS
