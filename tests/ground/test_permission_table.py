"""The permission table: every role and right, and what `allowed` does with it."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from supportdesk.core.models import Membership, Role
from supportdesk.core.permissions import PERMISSIONS, allowed, may

# Weakest right first; a row says who has it: v(iewer) r(esponder) s(upervisor) p(olicy editor) a(dministrator) o(wner).
TABLE = """
ticket.list        v r s p a o
ticket.see         v r s p a o
ticket.see_all     - - s p a o
ticket.reply       - r s - a o
ticket.note        - r s - a o
ticket.assign      - r s - a o
ticket.take_over   - r s - a o
ticket.hand_back   - r s - a o
ticket.resolve     - r s - a o
approval.see       v r s p a o
approval.decide    - - s - a o
trace.see          v r s p a o
customer.see       v r s p a o
customer.edit      - r s - a o
customer.vouch     - - - - a o
message.receive    - r s - a o
file.see           v r s p a o
knowledge.see      v r s p a o
knowledge.edit     - - - p a o
policy.see         v r s p a o
policy.edit        - - - p a o
policy.publish     - - - p a o
release.see        v r s p a o
release.promote    - - - p a o
connector.edit     - - - - a o
switch.flip        - - s p a o
team.edit          - - - - a o
key.edit           - - - - a o
job.redrive        - - - - a o
audit.see          - - s p a o
audit.export       - - - - a o
sign_in.edit       - - - - a o
customer.export    - - - - a o
customer.erase     - - - - a o
retention.edit     - - - - a o
profile.see        v r s p a o
profile.secure     v r s p a o
"""
ROWS = {line.split()[0]: line.split()[1:] for line in TABLE.strip().splitlines()}
ROLES = [Role.VIEWER, Role.RESPONDER, Role.SUPERVISOR, Role.POLICY_EDITOR, Role.ADMIN, Role.OWNER]


def member(role: Role, *, is_active: bool = True) -> Membership:
    return Membership(role=role, is_active=is_active)


def test_the_table_is_exactly_what_was_agreed():
    assert {name: [mark != "-" for mark in marks] for name, marks in ROWS.items()} == {
        name: [role in roles for role in ROLES] for name, roles in PERMISSIONS.items()
    }


@pytest.mark.parametrize("name", sorted(PERMISSIONS))
def test_nobody_and_the_inactive_may_nothing(name: str):
    assert not may(None, name)
    for role in Role:
        assert not may(member(role, is_active=False), name)
        assert may(member(role), name) is (role in PERMISSIONS[name])


def test_a_right_the_table_does_not_have_is_a_mistake():
    with pytest.raises(KeyError):
        may(member(Role.OWNER), "ticket.eat")
    with pytest.raises(AssertionError):
        allowed("ticket.eat")


@allowed("policy.edit")
def view(request: HttpRequest) -> HttpResponse:
    return HttpResponse("done")


def ask(who: Membership | None) -> HttpRequest:
    request = RequestFactory().get("/console/policies/?page=2")
    request.user = AnonymousUser()
    request.membership = who
    return request


def test_a_view_sends_nobody_to_sign_in_and_refuses_the_wrong_role():
    answer = view(ask(None))
    assert (answer.status_code, answer["Location"].endswith("next=/console/policies/%3Fpage%3D2")) == (302, True)
    with pytest.raises(PermissionDenied, match="Responder"):
        view(ask(member(Role.RESPONDER)))
    assert view(ask(member(Role.POLICY_EDITOR))).status_code == 200
