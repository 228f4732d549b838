"""The platform operators' site: for operators with a second factor alone, and without a word of what workspaces hold."""

from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib import admin
from django.core import mail
from django.test import Client
from django.urls import reverse

from agents.actions.models import Connector
from supportdesk.accounts.models import Invitation
from supportdesk.core.jobs import run_due
from supportdesk.core.models import Event, Job, Membership, OperatorAct, Role, Tenant, User
from supportdesk.core.switches import is_stopped
from supportdesk.core.tenancy import acting_for
from supportdesk.operators.urls import urlpatterns
from tests.accounts.people import CODE, SIGN_IN, code_of, enrol, forget_codes, let_proof_age, sign_in
from tests.factories import PASSWORD, World, make_member, make_user
from tests.surface.furniture import ADDRESS, LOOKS, WORDS, furnish

SITE = "/operator/"


@pytest.fixture
def root(db: None) -> User:
    return make_user("Opal Operator", is_superuser=True)


@pytest.fixture
def client(root: User) -> Client:
    return signed_in(root)


def signed_in(user: User) -> Client:
    """Through the form, with the code of the second factor."""
    secret, _codes = enrol(user)
    forget_codes()
    client = Client()
    client.post(SIGN_IN, {"username": user.email, "password": PASSWORD})
    client.post(CODE, {"code": code_of(secret)})
    return client


def pages() -> list[str]:
    """Every page that only shows."""
    return [reverse(f"operator:{each.name}") for each in urlpatterns if each.name in ("workspaces", "accounts", "jobs", "sign_ins", "acts")]


def acts(tenant: Tenant, user: User) -> list[tuple[str, dict[str, Any]]]:
    """Every form, filled in."""
    why = {"reason": "The contract ended."}
    return [
        (reverse("operator:make"), {"slug": "initech", "name": "Initech", "email": "owner@initech.example"}),
        (reverse("operator:suspend", args=[tenant.pk]), why),
        (reverse("operator:resume", args=[tenant.pk]), why),
        (reverse("operator:verify", args=[tenant.pk]), {}),
        (reverse("operator:switch"), {"is_on": "1", **why}),
        (reverse("operator:close", args=[user.pk]), why),
        (reverse("operator:open", args=[user.pk]), why),
        (reverse("operator:end_sessions", args=[user.pk]), {}),
    ]


def test_an_operator_without_a_workspace_signs_in_and_comes_here(root: User, client: Client) -> None:
    assert client.get(SITE).status_code == 200
    again = Client()
    answer = again.post(SIGN_IN, {"username": root.email, "password": PASSWORD})
    assert answer["Location"] == CODE


def test_without_a_second_factor_nothing_opens_but_setting_it_up(root: User, acme: World) -> None:
    client = Client()
    assert client.post(SIGN_IN, {"username": root.email, "password": PASSWORD})["Location"] == SITE
    for path in pages():
        assert client.get(path)["Location"] == f"{SITE}second-factor/"
    for path, form in acts(acme.tenant, acme.owner.user):
        assert client.post(path, form)["Location"] == f"{SITE}second-factor/"
    assert client.get(f"{SITE}second-factor/").status_code == 200
    enrol(root)
    assert client.get(SITE)["Location"] == f"{SITE}prove/"
    assert not OperatorAct.objects.exists()


@pytest.mark.parametrize("role", list(Role))
def test_for_tenants_people_it_is_not_there(acme: World, role: Role) -> None:
    member = make_member(acme.tenant, role, name="Bob Brown", is_staff=True)
    client = sign_in(member)
    for path in pages():
        assert client.get(path).status_code == 404
    for path, form in acts(acme.tenant, acme.owner.user):
        assert client.post(path, form).status_code == 404
    for path in pages():
        assert Client().get(path)["Location"].startswith(SIGN_IN)


def test_an_operator_who_was_unmade_is_out_at_once(root: User, client: Client) -> None:
    User.objects.filter(pk=root.pk).update(is_superuser=False)
    assert client.get(SITE).status_code == 404


def test_every_change_asks_again(acme: World, client: Client) -> None:
    let_proof_age(client)
    for path, form in acts(acme.tenant, acme.owner.user):
        assert client.post(path, form).status_code == 403, path
    assert not OperatorAct.objects.exists()
    assert Tenant.objects.get(pk=acme.tenant.pk).is_active


def test_operators_see_no_content_of_any_workspace(acme: World, client: Client) -> None:
    made = furnish(acme)
    with acting_for(acme.tenant):
        token = Connector.objects.get().sealed_token
        secrets = [token.open(), token.ciphertext]
    Job.objects.filter(tenant=acme.tenant).update(state="dead", args={"ticket_id": "canary-argument"}, last_error="canary-error")
    canaries = [
        LOOKS,
        ADDRESS,
        WORDS,
        "It broke here",
        "broken-pole",
        "How to return",
        "canary-argument",
        "canary-error",
        made.token,
        *secrets,
    ]
    for path in pages():
        page = client.get(path)
        assert page.status_code == 200, path
        text = page.content.decode()
        assert not [each for each in canaries if each and each in text], path
    assert client.get("/console/").status_code == 302
    assert client.get(f"/console/tickets/{made.ticket.number}/").status_code == 302
    assert client.get("/admin/").status_code in (302, 404)


def test_suspending_and_resuming_stop_and_start_a_workspace_and_both_trails_say_so(acme: World, client: Client, root: User) -> None:
    owner = sign_in(acme.owner)
    path, form = acts(acme.tenant, acme.owner.user)[1]
    assert client.post(path, {"reason": " "}).status_code == 422
    assert client.post(path, form).status_code == 302
    assert owner.get("/console/").status_code == 302
    assert client.post(path, form).status_code == 302
    assert client.post(reverse("operator:resume", args=[acme.tenant.pk]), form).status_code == 302
    assert owner.get("/console/").status_code == 200
    assert list(OperatorAct.objects.order_by("pk").values_list("code", "tenant", "by")) == [
        ("suspended", acme.tenant.pk, root.pk),
        ("resumed", acme.tenant.pk, root.pk),
    ]
    told = Event.objects.filter(tenant=acme.tenant, code__startswith="workspace.").order_by("pk")
    assert list(told.values_list("code", "actor_kind", "actor_id")) == [
        ("workspace.suspended", "operator", root.pk),
        ("workspace.resumed", "operator", root.pk),
    ]
    assert "The contract ended." in client.get(f"{SITE}acts/").content.decode()


def test_a_workspace_is_made_and_its_owner_invited(client: Client) -> None:
    path, form = acts(Tenant(pk=1), User(pk=1))[0]
    assert client.post(path, {**form, "slug": "no slug"}).status_code == 422
    assert client.post(path, form).status_code == 302
    assert client.post(path, form).status_code == 422
    tenant = Tenant.objects.get(slug="initech")
    with acting_for(tenant):
        assert Invitation.objects.get().role == Role.OWNER
    while run_due():
        pass
    token = str(mail.outbox[-1].body).split("/console/join/initech/")[1].split("/")[0]
    new = Client()
    new.get(f"/console/join/initech/{token}/")
    new.post("/console/join/", {"name": "Ines Initech", "password": "a long pass phrase"})
    owner = Membership.objects.get(tenant=tenant)
    assert (owner.role, owner.user.is_staff, owner.user.is_superuser) == (Role.OWNER, True, False)


def test_the_global_switch_stops_every_workspaces_agent(acme: World, globex: World, client: Client) -> None:
    assert client.post(f"{SITE}switch/", {"is_on": "1", "reason": "A provider leaks."}).status_code == 302
    for world in (acme, globex):
        with acting_for(world.tenant):
            assert is_stopped() is not None
    client.post(f"{SITE}switch/", {"is_on": "0", "reason": "It is over."})
    with acting_for(acme.tenant):
        assert is_stopped() is None
    assert set(OperatorAct.objects.values_list("code", flat=True)) == {"agents_stopped", "agents_started"}


def test_closing_an_account_ends_its_sessions_everywhere(acme: World, client: Client, root: User) -> None:
    owner = sign_in(acme.owner)
    owner.get("/console/")
    why = {"reason": "They asked."}
    assert client.post(reverse("operator:close", args=[acme.owner.user_id]), why).status_code == 302
    assert owner.get("/console/").status_code == 302
    assert "_auth_user_id" not in sign_in(acme.owner).session
    assert client.post(reverse("operator:open", args=[acme.owner.user_id]), why).status_code == 302
    owner = sign_in(acme.owner)
    owner.get("/console/")
    assert client.post(reverse("operator:end_sessions", args=[acme.owner.user_id])).status_code == 302
    assert owner.get("/console/").status_code == 302
    assert client.post(reverse("operator:close", args=[root.pk]), why).status_code == 422
    assert User.objects.get(pk=root.pk).is_active


def test_a_chain_is_verified(acme: World, client: Client) -> None:
    assert client.post(reverse("operator:verify", args=[acme.tenant.pk])).status_code == 302
    assert "the chain holds" in client.get(SITE).content.decode()


def test_failed_sign_ins_are_here_and_not_in_the_tenants_admin(acme: World, client: Client) -> None:
    Client().post(SIGN_IN, {"username": acme.owner.user.email, "password": "wrong"})
    assert acme.owner.user.email in client.get(f"{SITE}sign-ins/").content.decode()
    assert not admin.site.is_registered(AccessAttempt)
    acme.owner.user.is_staff = True
    acme.owner.user.save()
    assert sign_in(acme.owner).get("/admin/axes/accessattempt/").status_code == 404


def test_a_form_takes_no_field_it_does_not_know(acme: World, client: Client) -> None:
    for path, form in acts(acme.tenant, acme.owner.user):
        assert client.post(path, {**form, "is_superuser": "1"}).status_code == 400
    assert not OperatorAct.objects.exists()
