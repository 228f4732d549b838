"""The workspace's rules: a second factor before anything else opens, sessions that end; and no page of the library's own."""

import asyncio
import time
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.contrib import admin
from django.test import Client
from django.urls import NoReverseMatch, get_resolver, reverse

from supportdesk.accounts.adapters import AccountAdapter
from supportdesk.accounts.models import SignInRules
from supportdesk.accounts.provider import SocialAdapter
from supportdesk.accounts.rules import SIGNED_IN_AT, rules_of
from supportdesk.console import live
from supportdesk.core.models import Membership
from supportdesk.core.tenancy import acting_for
from tests.accounts.people import CODE, SIGN_IN, code_of, enrol, forget_codes, sign_in
from tests.admin.pages import url
from tests.console.test_live import page_of
from tests.factories import World, make_world

ENROL = "/console/profile/second-factor/"


def require(world: World, **fields: Any) -> None:
    with acting_for(world.tenant):
        SignInRules.objects.create(**{"require_second_factor": True, **fields})
    forget_codes()


def staff(member: Membership) -> Membership:
    member.user.is_staff = True
    member.user.save(update_fields=["is_staff"])
    return member


def test_whoever_lacks_a_second_factor_is_led_to_set_one_up_before_anything_opens(acme: World) -> None:
    client = sign_in(staff(acme.owner))
    require(acme)
    for path in ("/console/", "/console/approvals/", "/console/profile/", "/admin/", url(Membership, "changelist")):
        assert client.get(path)["Location"] == ENROL
    assert client.post("/console/profile/keys/", {"name": "x"})["Location"] == ENROL
    assert client.get("/console/", headers={"HX-Request": "true"})["HX-Redirect"] == ENROL
    assert "Your workspace asks everybody for one" in client.get(ENROL).content.decode()
    assert client.post("/console/sign-out/").status_code == 302


def test_whoever_has_one_notices_nothing_and_cannot_take_it_away(acme: World) -> None:
    secret, _codes = enrol(acme.owner.user)
    require(acme)
    client = sign_in(acme.owner)
    client.post(CODE, {"code": code_of(secret)})
    assert client.get("/console/").status_code == 200
    client.post("/console/profile/second-factor/remove/")
    assert "so it stays" in client.get("/console/profile/").content.decode()


def test_setting_it_up_opens_the_rest(acme: World) -> None:
    from tests.accounts.test_second_factor import secret_shown

    require(acme)
    client = sign_in(acme.owner)
    assert client.post(ENROL, {"code": code_of(secret_shown(client.get(ENROL)))}).status_code == 200
    assert client.get("/console/").status_code == 200


def test_one_workspaces_rule_is_not_anothers(acme: World, globex: World) -> None:
    require(acme)
    assert sign_in(globex.owner).get("/console/").status_code == 200


def test_a_session_ends_after_the_workspaces_hours_however_busy_it_is(acme: World) -> None:
    require(acme, require_second_factor=False, session_hours=2)
    client = sign_in(acme.owner)
    for age, status in ((2 * 3600 - 60, 200), (2 * 3600 + 1, 302)):
        session = client.session
        session[SIGNED_IN_AT] = time.time() - age
        session.save()
        assert client.get("/console/").status_code == status
    assert client.get("/console/")["Location"].startswith(SIGN_IN)


def test_the_rules_are_changed_by_administrators_and_hold_at_once(acme: World) -> None:
    client = sign_in(staff(acme.owner))
    assert rules_of(acme.tenant).session_hours == 12
    assert client.post(url(SignInRules, "add"), {"session_hours": "13", "step_up_amount": "1"}).status_code == 200
    with acting_for(acme.tenant):
        assert not SignInRules.objects.exists()
    sent = {"session_hours": "5", "step_up_amount": "70000"}
    assert client.post(url(SignInRules, "add"), sent).status_code == 302
    # The cache forgets when the transaction is through, which this test's never is.
    forget_codes()
    assert (rules_of(acme.tenant).session_hours, rules_of(acme.tenant).step_up_amount) == (5, 70_000)
    assert client.get(url(SignInRules, "add")).status_code == 403


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("tail_ends")
async def test_an_open_socket_closes_when_a_second_factor_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "WATCH_SECONDS", 0.2)
    acme = await database_sync_to_async(make_world)("acme")
    async with page_of(acme.owner) as page:
        await page.resume(0)
        await asyncio.sleep(0)
        await database_sync_to_async(require)(acme)
        assert await page.closed() == live.SIGNED_OUT


def test_nobody_signs_up(acme: World) -> None:
    assert AccountAdapter().is_open_for_signup(None) is False
    assert SocialAdapter().is_open_for_signup(None, None) is False
    for path in ("/accounts/signup/", "/console/signup/", "/accounts/login/", "/console/accounts/", "/accounts/2fa/", "/console/sign-up/"):
        assert Client().get(path).status_code == 404


def test_no_page_of_the_library_is_reachable_but_those_we_draw() -> None:
    def views(patterns: Any) -> list[str]:
        found: list[str] = []
        for each in patterns:
            found += views(each.url_patterns) if hasattr(each, "url_patterns") else [each.callback.__module__]
        return found

    assert [module for module in views(get_resolver().url_patterns) if module.startswith("allauth")] == []
    for name in (
        "account_signup",
        "account_email",
        "account_reset_password",
        "mfa_index",
        "usersessions_list",
        "socialaccount_connections",
    ):
        with pytest.raises(NoReverseMatch):
            reverse(name)


def test_its_tables_have_no_page_in_the_admin() -> None:
    assert [model._meta.label for model in admin.site._registry if model.__module__.startswith("allauth")] == []
