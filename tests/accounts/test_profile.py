"""One's own page: name, password, sessions and keys; never anybody else's."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from supportdesk.accounts.own_keys import keys_of, make_own_key, scopes_for
from supportdesk.accounts.sessions import sessions_of
from supportdesk.core import keys
from supportdesk.core.models import ApiKey, Event, Membership, Role, User
from supportdesk.core.permissions import STEP_UP, may
from supportdesk.core.tenancy import acting_for
from tests.accounts.people import PROFILE, SIGN_IN, let_proof_age, sign_in
from tests.api.worlds import Caller
from tests.factories import PASSWORD, World, make_member

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
NEW = "another long pass phrase"


@pytest.fixture
def bob(acme: World) -> Membership:
    return make_member(acme.tenant, Role.RESPONDER, name="Bob Berg")


def make(client: Client, **changes: Any) -> Any:
    return client.post("/console/profile/keys/", {"name": "Sheet", "scopes": ["ticket.list"], "days": "30", **changes})


def text_of(answer: Any) -> str:
    """The key a page shows this once."""
    found = re.search(r"sd_(?:live|test)_[0-9a-f]{12}_[\w-]{43}", answer.content.decode())
    assert found
    return found[0]


def test_the_name_can_be_changed_and_cannot_be_emptied(bob: Membership) -> None:
    client = sign_in(bob)
    assert client.post("/console/profile/name/", {"name": "  Bob   Bergström "}).status_code == 302
    assert client.post("/console/profile/name/", {"name": " "}).status_code == 422
    assert client.post("/console/profile/name/", {"name": "x" * 121}).status_code == 422
    assert User.objects.get(pk=bob.user_id).name == "Bob Bergström"
    assert "Bergström" not in str(list(Event.objects.values()))


def test_a_new_password_ends_every_other_session_and_the_keys(bob: Membership) -> None:
    here, there = sign_in(bob), sign_in(bob)
    there.get("/console/")
    key = text_of(make(here))
    assert here.post("/console/profile/password/", {"password": "short"}).status_code == 422
    assert here.post("/console/profile/password/", {"password": NEW, "keys": "end"})["Location"] == PROFILE
    assert here.get("/console/").status_code == 200
    assert there.get("/console/")["Location"].startswith(SIGN_IN)
    assert Caller(key).get("tickets").status_code == 401
    assert "_auth_user_id" not in sign_in(bob, password=PASSWORD).session
    assert "_auth_user_id" in sign_in(bob, password=NEW).session


def test_keys_stay_when_one_says_so(bob: Membership) -> None:
    client = sign_in(bob)
    key = text_of(make(client))
    client.post("/console/profile/password/", {"password": NEW})
    assert Caller(key).get("tickets").status_code == 200


def test_the_page_says_where_one_is_signed_in_and_ends_it(bob: Membership) -> None:
    here, there = sign_in(bob), sign_in(bob, headers={"User-Agent": FIREFOX}, REMOTE_ADDR="10.3.0.7")
    there.get("/console/", headers={"User-Agent": FIREFOX}, REMOTE_ADDR="10.3.0.7")
    page = here.get(PROFILE).content.decode()
    assert "Firefox on Windows" in page
    assert "10.3.0.7" in page
    assert page.count("This one") == 1
    row = next(row for row in sessions_of(bob.user) if row.ip == "10.3.0.7")
    assert here.post(f"/console/profile/sessions/{row.pk}/end/").status_code == 302
    assert there.get("/console/")["Location"].startswith(SIGN_IN)
    assert here.post(f"/console/profile/sessions/{row.pk}/end/").status_code == 404


def test_all_others_can_be_ended_at_once(bob: Membership) -> None:
    here, others = sign_in(bob), [sign_in(bob) for _ in range(3)]
    for client in others:
        client.get("/console/")
    here.post("/console/profile/sessions/end-others/")
    assert [client.get("/console/").status_code for client in (here, *others)] == [200, 302, 302, 302]


def test_another_persons_session_and_key_are_not_there(bob: Membership, acme: World, globex: World) -> None:
    client = sign_in(bob)
    for other in (acme.owner, globex.owner):
        theirs = sign_in(other)
        theirs.get("/console/")
        with acting_for(other.tenant):
            key, _text = make_own_key(member=other, name="Theirs", scopes=["ticket.list"], days=3)
        (row,) = sessions_of(other.user)
        for path in (f"sessions/{row.pk}/end", f"keys/{key.pk}/rotate", f"keys/{key.pk}/revoke"):
            assert client.post(f"{PROFILE}{path}/", {"hours": "1"} if path.endswith("rotate") else {}).status_code == 404
        assert theirs.get("/console/").status_code == 200
        assert "Theirs" not in client.get(PROFILE).content.decode()


def test_a_key_is_shown_once_and_does_what_was_chosen(bob: Membership) -> None:
    client = sign_in(bob)
    made = make(client)
    key = text_of(made)
    assert "no-store" in made["Cache-Control"]
    assert key not in client.get(PROFILE).content.decode()
    assert Caller(key).get("tickets").status_code == 200
    assert Caller(key).get("customers").status_code == 403
    row = ApiKey.objects.get()
    assert row.expires_at is not None
    assert timedelta(days=29) < row.expires_at - timezone.now() <= timedelta(days=30)
    assert "Used" in client.get(PROFILE).content.decode()


@pytest.mark.parametrize(
    "changes",
    [
        {"name": " "},
        {"name": "x" * 61},
        {"scopes": []},
        {"scopes": ["ticket.list", "policy.publish"]},
        {"scopes": ["approval.decide"]},
        {"scopes": ["ticket.eat"]},
        {"days": "0"},
        {"days": "366"},
        {"days": "-1"},
        {"days": ""},
    ],
)
def test_a_key_beyond_ones_role_or_for_ever_is_refused(bob: Membership, changes: dict[str, Any]) -> None:
    answer = make(sign_in(bob), **changes)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("role", list(Role))
def test_what_can_be_chosen_is_what_the_role_may_and_nothing_that_asks_again(acme: World, role: Role) -> None:
    member = make_member(acme.tenant, role, name="Some One")
    assert all(may(member, name) for name in scopes_for(member))
    assert not set(scopes_for(member)) & STEP_UP


def test_rotation_overlaps_and_then_the_old_key_is_over(bob: Membership) -> None:
    client = sign_in(bob)
    old = text_of(make(client))
    row = ApiKey.objects.get()
    new = text_of(client.post(f"{PROFILE}keys/{row.pk}/rotate/", {"hours": "2"}))
    assert [Caller(key).get("tickets").status_code for key in (old, new)] == [200, 200]
    row.refresh_from_db()
    assert row.expires_at is not None
    assert timedelta(minutes=115) < row.expires_at - timezone.now() <= timedelta(hours=2)
    ApiKey.objects.filter(pk=row.pk).update(expires_at=timezone.now())
    assert [Caller(key).get("tickets").status_code for key in (old, new)] == [401, 200]
    assert client.post(f"{PROFILE}keys/{row.pk}/rotate/", {"hours": "2"}).status_code == 422
    assert Event.objects.filter(code="key.rotated").count() == 1


def test_rotation_never_lengthens_the_old_keys_life(bob: Membership) -> None:
    with acting_for(bob.tenant):
        key, _text = make_own_key(member=bob, name="Short", scopes=["ticket.list"], days=1)
        ends = key.expires_at
        keys.rotate(key, overlap=timedelta(days=5))
        key.refresh_from_db()
        assert key.expires_at == ends


def test_a_revoked_key_is_gone_from_the_page_and_from_use(bob: Membership) -> None:
    client = sign_in(bob)
    text = text_of(make(client))
    assert client.post(f"{PROFILE}keys/{ApiKey.objects.get().pk}/revoke/").status_code == 302
    assert Caller(text).get("tickets").status_code == 401
    with acting_for(bob.tenant):
        assert keys_of(bob) == []


def test_what_matters_asks_again_and_what_protects_does_not(bob: Membership) -> None:
    client = sign_in(bob)
    make(client)
    key = ApiKey.objects.get()
    let_proof_age(client)
    for path, data in (
        ("password", {"password": NEW}),
        ("keys", {"name": "x", "scopes": "ticket.list", "days": "1"}),
        (f"keys/{key.pk}/rotate", {"hours": "1"}),
        ("recovery-codes", {}),
        ("second-factor/remove", {}),
    ):
        assert client.post(f"{PROFILE}{path}/", data).status_code == 403
    assert client.post(f"{PROFILE}sessions/end-others/").status_code == 302
    assert client.post(f"{PROFILE}keys/{key.pk}/revoke/").status_code == 302
