"""An invitation opens once, within a day, for its own address and workspace, whoever tries and however."""

import logging
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from supportdesk.accounts import invitations
from supportdesk.accounts.models import Invitation
from supportdesk.accounts.people import disable, set_role
from supportdesk.accounts.resets import UsedLink, hashed
from supportdesk.core.events import teammate
from supportdesk.core.jobs import run_due
from supportdesk.core.logs import redacted
from supportdesk.core.models import Event, Job, Membership, Role, TeamMember, User
from supportdesk.core.tenancy import acting_for
from tests.accounts.people import let_proof_age, sign_in
from tests.factories import World, make_member

JOIN, PEOPLE, EMAIL = "/console/join/", "/console/people/", "nora@new.example"
NEW = {"name": "Nora New", "password": "a long pass phrase"}


def invite(world: World, email: str = EMAIL, role: str = Role.RESPONDER, **more: Any) -> str:
    """The token in the mail."""
    with acting_for(world.tenant):
        row = invitations.invite(email=email, role=role, teams=[world.team.pk], origin="https://desk.example", by=world.owner, **more)
        invitations.send(row.pk)
    return str(re.findall(r"/console/join/[\w-]+/([\w-]+)/", str(mail.outbox[-1].body))[0])


def opened(world: World, token: str, client: Client | None = None) -> Client:
    client = client or Client()
    client.get(f"{JOIN}{world.tenant.slug}/{token}/")
    return client


def joined(world: World, token: str) -> Any:
    return opened(world, token).post(JOIN, NEW)


@pytest.mark.reliability(9, "invites")
def test_a_new_person_joins_with_name_password_role_and_teams(acme: World) -> None:
    answer = joined(acme, invite(acme))
    assert (answer.status_code, answer["Location"]) == (302, "/console/sign-in/")
    member = Membership.objects.get(user__email=EMAIL)
    assert (member.tenant, member.role, member.name) == (acme.tenant, Role.RESPONDER, "Nora New")
    with acting_for(acme.tenant):
        assert TeamMember.objects.filter(team=acme.team, membership=member).exists()
    assert "_auth_user_id" in sign_in(member, password=NEW["password"]).session
    codes = set(Event.objects.filter(tenant=acme.tenant).values_list("code", flat=True))
    assert {"member.invited", "member.joined"} <= codes
    assert EMAIL not in str(list(Event.objects.values()))


@pytest.mark.reliability(9, "invites")
@pytest.mark.parametrize(
    "change",
    [
        lambda token: "x",
        lambda token: token.swapcase(),
        lambda token: token + "=",
        lambda token: token[:-1],
        lambda token: "null",
        lambda token: "[]",
        lambda token: "%00" + token[1:],
        hashed,
    ],
)
def test_any_other_token_opens_nothing(acme: World, change: Any) -> None:
    answer = joined(acme, change(invite(acme)))
    assert answer.status_code == 410
    assert "This invitation is over" in answer.content.decode()
    assert not User.objects.filter(email=EMAIL).exists()


@pytest.mark.reliability(9, "invites")
@pytest.mark.parametrize("token", [None, "", [], ["x"], 7, True, {"a": 1}, "A" * 43])
def test_what_is_no_token_joins_nobody(acme: World, token: Any) -> None:
    invite(acme)
    with acting_for(acme.tenant):
        # A link that was not mailed yet has no token, and an empty one is none.
        invitations.invite(email="other@new.example", role=Role.VIEWER, teams=[], origin="", by=acme.owner)
    assert invitations.found(tenant=acme.tenant, token=token) is None
    with pytest.raises(UsedLink):
        invitations.accept(tenant=acme.tenant, token=token, **NEW)


def _used(world: World, token: str) -> None:
    joined(world, token)


def _expired(world: World, token: str) -> None:
    with acting_for(world.tenant):
        Invitation.objects.update(expires_at=timezone.now())


def _withdrawn(world: World, token: str) -> None:
    with acting_for(world.tenant):
        assert invitations.withdraw(invitation=invitations.waiting().get(), by=world.owner)


def _sent_again(world: World, token: str) -> None:
    with acting_for(world.tenant):
        assert invitations.resend(invitation=invitations.waiting().get(), by=world.owner)


def _replaced(world: World, token: str) -> None:
    invite(world)


def _inviter_gone(world: World, token: str) -> None:
    make_member(world.tenant)
    disable(member=world.owner, by=teammate(world.owner))


def _inviter_lowered(world: World, token: str) -> None:
    set_role(member=world.owner, role=Role.RESPONDER, by=teammate(world.owner))


def _suspended(world: World, token: str) -> None:
    world.tenant.is_active = False
    world.tenant.save(update_fields=["is_active"])


@pytest.mark.reliability(9, "invites")
@pytest.mark.parametrize(
    "happened",
    [_used, _expired, _withdrawn, _sent_again, _replaced, _inviter_gone, _inviter_lowered, _suspended],
    ids=lambda each: each.__name__,
)
def test_a_link_that_is_over_says_the_same_whatever_ended_it(acme: World, globex: World, happened: Any) -> None:
    token = invite(acme)
    happened(acme, token)
    before = Membership.objects.count()
    over, unknown = joined(acme, token), joined(globex, "A" * 43)
    assert over.status_code == unknown.status_code == 410
    token_of_form = re.compile(rb'"X-CSRFToken": "\w+"')
    assert token_of_form.sub(b"", over.content) == token_of_form.sub(b"", unknown.content)
    assert Membership.objects.count() == before


@pytest.mark.reliability(9, "invites")
def test_it_lasts_a_day_at_most_and_lies_hashed(acme: World) -> None:
    token = invite(acme)
    with acting_for(acme.tenant):
        row = Invitation.objects.get()
        stored = Invitation.objects.values().get()
    assert row.expires_at - row.created_at <= timedelta(hours=24, seconds=1)
    assert len(token) * 6 >= 128
    assert not any(token in str(value) for value in stored.values())
    assert token not in str(list(Job.objects.values())) + str(list(Event.objects.values()))
    assert EMAIL not in str(row)


@pytest.mark.reliability(9, "other workspace")
def test_at_another_workspaces_address_it_opens_nothing_and_stays_open(acme: World, globex: World) -> None:
    token = invite(acme)
    assert joined(globex, token).status_code == 410
    with pytest.raises(UsedLink):
        invitations.accept(tenant=globex.tenant, token=token, **NEW)
    assert joined(acme, token).status_code == 302
    assert not Membership.objects.filter(tenant=globex.tenant, user__email=EMAIL).exists()


@pytest.mark.reliability(9, "other workspace")
def test_who_has_an_account_signs_in_first_and_then_works_in_both(acme: World, globex: World) -> None:
    charlie = globex.owner.user
    token = invite(acme, email=charlie.email.upper(), role=Role.VIEWER)
    client = opened(acme, token)
    assert "has an account already" in client.get(JOIN).content.decode()
    client.post(JOIN, NEW)
    assert Membership.objects.filter(user=charlie).count() == 1
    assert charlie.check_password(NEW["password"]) is False
    client = opened(acme, token, sign_in(globex.owner))
    assert client.post(JOIN)["Location"] == "/console/"
    assert sorted(Membership.objects.filter(user=charlie).values_list("tenant__slug", "role")) == [("acme", "viewer"), ("globex", "owner")]


@pytest.mark.reliability(9, "invites")
def test_somebody_elses_session_accepts_nothing(acme: World, globex: World) -> None:
    token = invite(acme, email=globex.owner.user.email)
    bob = make_member(acme.tenant, Role.VIEWER, name="Bob Brown")
    client = opened(acme, token, sign_in(bob))
    assert "Sign out, then open the link" in client.get(JOIN).content.decode()
    client.post(JOIN, NEW)
    assert not Membership.objects.filter(tenant=acme.tenant, user=globex.owner.user).exists()


def test_owners_are_made_by_owners(acme: World) -> None:
    admin = make_member(acme.tenant, Role.ADMIN, name="Ada Admin")
    client = sign_in(admin)
    answer = client.post(f"{PEOPLE}invite/", {"email": EMAIL, "role": "owner"})
    assert (answer.status_code, "Only an owner makes an owner." in answer.content.decode()) == (422, True)
    assert client.post(f"{PEOPLE}invite/", {"email": EMAIL, "role": "admin"}).status_code == 302
    token = invite(acme, role=Role.OWNER)
    make_member(acme.tenant, name="Second Owner")
    set_role(member=acme.owner, role=Role.ADMIN, by=teammate(acme.owner))
    assert joined(acme, token).status_code == 410


def test_inviting_asks_again_who_it_is(acme: World) -> None:
    client = sign_in(acme.owner)
    let_proof_age(client)
    assert client.post(f"{PEOPLE}invite/", {"email": EMAIL, "role": "viewer"}).status_code == 403
    with acting_for(acme.tenant):
        assert not Invitation.objects.exists()


def test_a_weak_password_is_refused_and_the_link_still_opens(acme: World) -> None:
    client = opened(acme, invite(acme))
    assert client.post(JOIN, {"name": "Nora", "password": "password"}).status_code == 422
    assert client.post(JOIN, NEW).status_code == 302


@pytest.mark.reliability(9, "invites")
def test_the_token_leaves_the_address_and_no_log_holds_it(acme: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        token, client = invite(acme), Client()
        answer = client.get(f"{JOIN}acme/{token}/")
        assert (answer.status_code, answer["Location"], answer["Referrer-Policy"]) == (302, JOIN, "no-referrer")
        assert token not in client.get(JOIN).content.decode()
        client.post(JOIN, NEW)
    assert not any(token in redacted(record.getMessage()) for record in caplog.records)
    assert token not in redacted(f"Not Found: {JOIN}acme/{token}/")


def test_the_mail_goes_out_by_a_job(acme: World) -> None:
    sign_in(acme.owner).post(f"{PEOPLE}invite/", {"email": EMAIL, "role": "viewer", "teams": [acme.team.pk]})
    assert mail.outbox == []
    assert run_due() >= 1
    assert mail.outbox[0].to == [EMAIL]
    assert "http://testserver/console/join/acme/" in str(mail.outbox[0].body)


def test_invitations_are_counted_by_the_hour(acme: World) -> None:
    with acting_for(acme.tenant):
        for n in range(invitations.MAILS_AN_HOUR):
            invitations.invite(email=f"p{n}@new.example", role=Role.VIEWER, teams=[], origin="", by=acme.owner)
        with pytest.raises(invitations.NotInvited, match="Too many"):
            invitations.invite(email="one@more.example", role=Role.VIEWER, teams=[], origin="", by=acme.owner)


def test_a_team_of_another_workspace_is_refused(acme: World, globex: World) -> None:
    client = sign_in(acme.owner)
    for team in (globex.team.pk, 987_654_321, "x"):
        assert client.post(f"{PEOPLE}invite/", {"email": EMAIL, "role": "viewer", "teams": [team]}).status_code == 422
