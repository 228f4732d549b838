"""Reliability 9: an invitation that many people open at the same moment joins one of them, once."""

import re
from typing import Any

import pytest
from django.core import mail

from supportdesk.accounts import invitations
from supportdesk.accounts.resets import UsedLink
from supportdesk.core.models import Event, Membership, Role, User
from supportdesk.core.tenancy import acting_for
from tests.factories import World
from tests.postgres.threads import errors, together

THREADS = 20


def invite(world: World, email: str) -> str:
    with acting_for(world.tenant):
        row = invitations.invite(email=email, role=Role.RESPONDER, teams=[world.team.pk], origin="https://desk.example", by=world.owner)
        invitations.send(row.pk)
    return str(re.findall(r"/console/join/[\w-]+/([\w-]+)/", str(mail.outbox[-1].body))[0])


@pytest.mark.reliability(9, "invites", "concurrent redeem")
def test_twenty_new_people_at_once_and_one_gets_in(acme: World) -> None:
    token = invite(acme, "nora@new.example")

    def accept(n: int) -> Membership:
        return invitations.accept(tenant=acme.tenant, token=token, name=f"Person {n}", password=f"pass phrase of thread {n}")

    results = together(*(lambda n=n: accept(n) for n in range(THREADS)))
    assert [type(error) for error in errors(results)] == [UsedLink] * (THREADS - 1)
    (winner,) = [n for n, result in enumerate(results) if isinstance(result, Membership)]
    assert User.objects.get(email="nora@new.example").name == f"Person {winner}"
    assert Membership.objects.filter(tenant=acme.tenant).count() == 2
    assert Event.objects.filter(code="member.joined").count() == 1


@pytest.mark.reliability(9, "concurrent redeem", "other workspace")
def test_at_two_workspaces_at_once_it_opens_its_own_alone(acme: World, globex: World) -> None:
    token = invite(acme, globex.owner.user.email)

    def accept(world: World) -> Any:
        return invitations.accept(tenant=world.tenant, token=token, user=globex.owner.user)

    results = together(*(lambda world=world: accept(world) for world in (acme, globex) * 10))
    assert [type(error) for error in errors(results)] == [UsedLink] * (THREADS - 1)
    assert set(Membership.objects.filter(user=globex.owner.user).values_list("tenant__slug", "role")) == {
        ("acme", "responder"),
        ("globex", "owner"),
    }
