"""Rights that are taken are gone: pages at the next click, keys at the next request, sockets within five seconds."""

from collections.abc import Callable

import pytest
from channels.db import database_sync_to_async
from django.contrib.sessions.models import Session
from django.test import Client

from supportdesk.accounts.people import change_password, disable, disable_user, set_role
from supportdesk.accounts.sessions import end_all_sessions, end_session, sessions_of
from supportdesk.console import live
from supportdesk.core.events import SYSTEM_ACTOR
from supportdesk.core.keys import make_key
from supportdesk.core.models import Event, Membership, Role, ServiceIdentity
from supportdesk.core.tenancy import acting_for
from tests.accounts.people import SIGN_IN, sign_in
from tests.api.worlds import Caller
from tests.console.test_live import page_of
from tests.factories import World, make_member, make_world

Taking = Callable[[Membership], object]
# What is done to a supervisor, and what a key that acts as them may still do: nothing, or what the lower role may.
TAKINGS: dict[str, tuple[Taking, int]] = {
    "teammate disabled": (lambda member: disable(member=member, by=SYSTEM_ACTOR), 401),
    "account closed": (lambda member: disable_user(user=member.user), 401),
    "role lowered": (lambda member: set_role(member=member, role=Role.VIEWER, by=SYSTEM_ACTOR), 403),
    "password changed": (lambda member: change_password(user=member.user, password="another long pass phrase"), 401),
    "sessions ended": (lambda member: end_all_sessions(user=member.user), 200),
}
NAMES = sorted(TAKINGS)


def supervisor(world: World) -> Membership:
    return make_member(world.tenant, Role.SUPERVISOR, name="Sam Sund")


@pytest.mark.reliability(11, "pages")
@pytest.mark.parametrize("name", NAMES)
def test_open_pages_lead_to_sign_in_at_the_next_click(acme: World, name: str) -> None:
    sam = supervisor(acme)
    browsers = [sign_in(sam), sign_in(sam)]
    assert [client.get("/console/").status_code for client in browsers] == [200, 200]
    TAKINGS[name][0](sam)
    assert not Session.objects.filter(session_key__in=[client.cookies["sessionid"].value for client in browsers]).exists()
    for client in browsers:
        for path in ("/console/", "/console/approvals/", "/console/rows/"):
            assert client.get(path)["Location"].startswith(SIGN_IN)
        assert client.post("/console/availability/", {"available": "0"})["Location"].startswith(SIGN_IN)


@pytest.mark.reliability(11, "pages")
def test_nobody_elses_session_ends_with_it(acme: World) -> None:
    sam, alice = supervisor(acme), sign_in(acme.owner)
    sign_in(sam)
    for name in ("role lowered", "sessions ended", "teammate disabled"):
        TAKINGS[name][0](sam)
    assert alice.get("/console/").status_code == 200


@pytest.mark.reliability(11, "keys")
@pytest.mark.parametrize("name", NAMES)
def test_a_key_that_acts_as_the_teammate_follows_at_the_next_request(acme: World, name: str) -> None:
    sam = supervisor(acme)
    with acting_for(acme.tenant):
        service = ServiceIdentity.objects.create(name="Script", scopes=["ticket.assign", "ticket.list"], membership=sam)
        own = ServiceIdentity.objects.create(name="Backend", scopes=["ticket.list"])
        key, untouched = make_key(service=service, name="k")[1], make_key(service=own, name="k")[1]
    assert Caller(key).get("tickets").status_code == 200
    TAKINGS[name][0](sam)
    # Assigning is what a viewer may not; reading the list they still may.
    answer = Caller(key).patch("tickets/1", {"priority": 3}) if name == "role lowered" else Caller(key).get("tickets")
    assert answer.status_code == TAKINGS[name][1]
    assert Caller(untouched).get("tickets").status_code == 200


@pytest.mark.reliability(11, "sockets")
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("tail_ends")
@pytest.mark.parametrize("name", [*NAMES, "signed out"])
async def test_an_open_socket_closes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert live.WATCH_SECONDS < 5
    monkeypatch.setattr(live, "WATCH_SECONDS", 0.2)
    acme = await database_sync_to_async(make_world)("acme")
    sam = await database_sync_to_async(supervisor)(acme)
    async with page_of(sam) as page:
        await page.resume(0)

        def take() -> None:
            key = Session.objects.get().session_key
            client = Client()
            client.cookies["sessionid"] = key
            client.get("/console/")
            if name == "signed out":
                client.post("/console/sign-out/")
            else:
                TAKINGS[name][0](sam)

        await database_sync_to_async(take)()
        assert await page.closed() == live.SIGNED_OUT


def test_a_higher_role_ends_no_session(acme: World) -> None:
    sam = supervisor(acme)
    client = sign_in(sam)
    client.get("/console/")
    set_role(member=sam, role=Role.OWNER, by=SYSTEM_ACTOR)
    assert client.get("/console/").status_code == 200


def test_one_session_can_be_ended_and_only_ones_own(acme: World) -> None:
    sam = supervisor(acme)
    client = sign_in(sam)
    client.get("/console/")
    (row,) = sessions_of(sam.user)
    assert end_session(user=acme.owner.user, session_id=row.pk) is False
    assert client.get("/console/").status_code == 200
    assert end_session(user=sam.user, session_id=row.pk) is True
    assert client.get("/console/")["Location"].startswith(SIGN_IN)


def test_each_is_in_the_event_log_without_a_name(acme: World) -> None:
    sam = supervisor(acme)
    sign_in(sam).get("/console/")
    set_role(member=sam, role=Role.VIEWER, by=SYSTEM_ACTOR)
    change_password(user=sam.user, password="another long pass phrase")
    disable(member=sam, by=SYSTEM_ACTOR)
    told = Event.objects.filter(tenant=acme.tenant, subject__member=str(sam.pk))
    assert {"member.role_changed", "session.ended", "password.changed", "member.disabled"} <= set(told.values_list("code", flat=True))
    assert sam.user.email not in str(list(told.values()))
    assert "Sam" not in str(list(told.values()))
