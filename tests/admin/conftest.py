"""Acme with its teammates, Globex beside it, and browsers signed in as somebody."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.test import Client

from policies.models import Limit, Policy, Prompt, Rule
from supportdesk.core.models import Membership, Role
from supportdesk.core.tenancy import acting_for
from tests.factories import World, make_limit, make_member, make_policy, make_prompt, make_rule, make_world

SignIn = Callable[[Membership], Client]


@dataclass(frozen=True)
class Drafts:
    """A policy with one rule and one limit, and a prompt."""

    policy: Policy
    rule: Rule
    limit: Limit
    prompt: Prompt


def make_drafts(world: World) -> Drafts:
    with acting_for(world.tenant):
        policy = make_policy()
        return Drafts(policy, make_rule(policy), make_limit(policy), make_prompt())


@pytest.fixture
def acme(db: None) -> World:
    return make_world("acme")


@pytest.fixture
def globex(db: None) -> World:
    return make_world("globex", owner="Charlie Chen")


@pytest.fixture
def drafts(acme: World) -> Drafts:
    return make_drafts(acme)


@pytest.fixture
def sign_in() -> SignIn:
    """A browser of this teammate, who may open Django admin."""

    def signed_in(member: Membership) -> Client:
        member.user.is_staff = True
        member.user.save(update_fields=["is_staff"])
        client = Client()
        client.force_login(member.user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return signed_in


@pytest.fixture
def editor(acme: World, sign_in: SignIn) -> Client:
    return sign_in(make_member(acme.tenant, Role.POLICY_EDITOR, name="Erin Engel"))


@pytest.fixture
def responder(acme: World, sign_in: SignIn) -> Client:
    return sign_in(make_member(acme.tenant, Role.RESPONDER, name="Bob Berg"))


@pytest.fixture
def owner(acme: World, sign_in: SignIn) -> Client:
    return sign_in(acme.owner)
