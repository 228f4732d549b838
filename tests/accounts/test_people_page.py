"""The people page: who works here, and taking rights from there with the rules the admin has."""

import pytest

from supportdesk.accounts import second_factor
from supportdesk.core.models import Event, Membership, Role
from tests.accounts.people import enrol, let_proof_age, sign_in
from tests.factories import World, make_member

PEOPLE = "/console/people/"


def test_it_lists_teammates_with_role_factor_and_when_they_were_seen(acme: World, globex: World) -> None:
    bob = make_member(acme.tenant, Role.VIEWER, name="Bob Brown")
    enrol(bob.user)
    page = sign_in(acme.owner).get(PEOPLE).content.decode()
    assert "Bob Brown" in page
    assert "Viewer" in page
    assert "not signed in" in page
    assert "No second factor" in page
    assert globex.owner.user.email not in page


@pytest.mark.parametrize("role", [Role.VIEWER, Role.RESPONDER, Role.SUPERVISOR, Role.POLICY_EDITOR])
def test_others_do_not_open_it(acme: World, role: Role) -> None:
    assert sign_in(make_member(acme.tenant, role, name="Bob Brown")).get(PEOPLE).status_code == 403


def test_a_lowered_role_and_letting_go_end_sessions(acme: World) -> None:
    bob = make_member(acme.tenant, Role.SUPERVISOR, name="Bob Brown")
    client, bobs = sign_in(acme.owner), sign_in(bob)
    bobs.get("/console/")
    assert client.post(f"{PEOPLE}{bob.pk}/role/", {"role": "viewer"}).status_code == 302
    assert bobs.get("/console/").status_code == 302
    bobs = sign_in(bob)
    bobs.get("/console/")
    assert client.post(f"{PEOPLE}{bob.pk}/let-go/").status_code == 302
    assert bobs.get("/console/").status_code == 302
    assert not Membership.objects.get(pk=bob.pk).is_active


def test_the_last_owner_stays_and_owners_are_for_owners(acme: World) -> None:
    admin = make_member(acme.tenant, Role.ADMIN, name="Ada Admin")
    client = sign_in(admin)
    for path, data in (
        (f"{acme.owner.pk}/role/", {"role": "viewer"}),
        (f"{acme.owner.pk}/let-go/", {}),
        (f"{admin.pk}/role/", {"role": "owner"}),
    ):
        assert client.post(PEOPLE + path, data).status_code == 422, path
    owner = sign_in(acme.owner)
    assert owner.post(f"{PEOPLE}{acme.owner.pk}/role/", {"role": "viewer"}).status_code == 422
    assert owner.post(f"{PEOPLE}{admin.pk}/role/", {"role": "owner"}).status_code == 302
    assert owner.post(f"{PEOPLE}{acme.owner.pk}/role/", {"role": "viewer"}).status_code == 302


def test_a_lost_second_factor_is_reset_with_an_event(acme: World) -> None:
    bob = make_member(acme.tenant, Role.VIEWER, name="Bob Brown")
    enrol(bob.user)
    client = sign_in(acme.owner)
    assert client.post(f"{PEOPLE}{bob.pk}/second-factor/reset/").status_code == 302
    assert not second_factor.has_second_factor(bob.user)
    assert Event.objects.filter(tenant=acme.tenant, code="second_factor.reset", actor_id=acme.owner.pk).count() == 1
    assert client.post(f"{PEOPLE}{bob.pk}/second-factor/reset/").status_code == 422


def test_the_factor_of_somebody_who_works_elsewhere_too_stays(acme: World, globex: World) -> None:
    make_member(acme.tenant, Role.VIEWER, user=globex.owner.user)
    enrol(globex.owner.user)
    here = Membership.objects.get(tenant=acme.tenant, user=globex.owner.user)
    assert sign_in(acme.owner).post(f"{PEOPLE}{here.pk}/second-factor/reset/").status_code == 422
    assert second_factor.has_second_factor(globex.owner.user)


@pytest.mark.parametrize("act", ["role", "let-go", "sessions/end", "second-factor/reset"])
def test_another_workspaces_teammate_is_not_there_and_every_act_asks_again(acme: World, globex: World, act: str) -> None:
    client = sign_in(acme.owner)
    body = {"role": "viewer"} if act == "role" else {}
    assert client.post(f"{PEOPLE}{globex.owner.pk}/{act}/", body).status_code == 404
    let_proof_age(client)
    assert client.post(f"{PEOPLE}{acme.owner.pk}/{act}/", body).status_code == 403
