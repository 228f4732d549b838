"""What each role finds behind the staff door follows the permission table, superuser or not."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client

from agents.actions.models import ToolCall
from agents.runtime.models import AgentRun, Step
from policies.models import Limit, Policy, PolicyVersion, Prompt, PromptVersion, Rule
from policies.publishing import publish_policy, publish_prompt
from supportdesk.core.admin import ByTable, ReadOnlyAdmin
from supportdesk.core.events import SYSTEM_ACTOR
from supportdesk.core.models import Event, Job, KillSwitch, Membership, Role
from supportdesk.core.permissions import PERMISSIONS, may
from supportdesk.core.tenancy import acting_for
from tests.admin.conftest import Drafts, SignIn
from tests.admin.pages import send, text, url
from tests.factories import World, make_member, make_switch, make_user

OURS = [model for model in admin.site._registry if isinstance(admin.site._registry[model], ByTable)]


def test_every_admin_of_ours_names_rights_the_table_has():
    ours = {label for app in ("core", "tickets", "policies", "knowledge", "actions", "releases", "runtime") for label in [app]}
    for model, page in admin.site._registry.items():
        if model._meta.app_label in ours:
            assert isinstance(page, ByTable), model
            assert page.see in PERMISSIONS, model
            assert not page.edit or page.edit in PERMISSIONS, model


@pytest.mark.parametrize("role", list(Role))
def test_each_role_sees_and_adds_what_the_table_says(acme: World, sign_in: SignIn, drafts: Drafts, role: Role):
    member = make_member(acme.tenant, role, name="Rae Roe")
    client = sign_in(member)
    for model in OURS:
        page: Any = admin.site._registry[model]
        assert client.get(url(model, "changelist")).status_code == (200 if may(member, page.see) else 403), (role, model)
        may_add = bool(page.edit) and may(member, page.edit) and model is not Membership
        assert client.get(url(model, "add")).status_code == (200 if may_add else 403), (role, model)


def test_a_responder_reads_a_rule_and_cannot_change_it(responder: Client, drafts: Drafts):
    address = url(Rule, "change", drafts.rule.pk)
    assert "Refunds on the customer's own order are allowed." in text(responder.get(address))
    assert responder.post(address, {"code": "R-1", "title": "Mine now"}).status_code == 403
    assert responder.post(url(Rule, "delete", drafts.rule.pk), {"post": "yes"}).status_code == 403
    drafts.rule.refresh_from_db()
    assert drafts.rule.title == "Refunds of an own order"


def test_a_responder_cannot_publish_by_any_button(responder: Client, acme: World, drafts: Drafts):
    address = url(Policy, "change", drafts.policy.pk)
    assert "Save and publish" not in text(responder.get(address))
    assert responder.post(address, {"policies_policy_publish_after_saving": "1"}).status_code == 403
    responder.post(url(Policy, "changelist"), {"action": "publish", "_selected_action": [drafts.policy.pk]})
    with acting_for(acme.tenant):
        assert not PolicyVersion.objects.exists()


def test_without_the_staff_flag_the_door_stays_shut(acme: World):
    client = Client()
    client.force_login(acme.owner.user, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(url(Policy, "changelist")).status_code == 302


def test_a_superuser_without_a_workspace_finds_nothing(acme: World, drafts: Drafts):
    client = Client()
    client.force_login(make_user("Sam Root", is_staff=True, is_superuser=True), backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/admin/").status_code == 302
    for model in OURS:
        assert "/admin/login/" in client.get(url(model, "changelist"))["Location"], model
    assert "/admin/login/" in client.get(url(Rule, "history", drafts.rule.pk))["Location"]


def test_an_inactive_membership_has_no_rights_left(acme: World, sign_in: SignIn, drafts: Drafts):
    member = make_member(acme.tenant, Role.ADMIN, name="Ann Past")
    client = sign_in(member)
    Membership.objects.filter(pk=member.pk).update(is_active=False)
    assert "/admin/login/" in client.get(url(Policy, "changelist"))["Location"]


def test_the_admin_has_no_second_door_to_sign_in_by(acme: World):
    answer = Client().get("/admin/login/", {"next": "/admin/policies/policy/"})
    assert answer["Location"] == "/console/sign-in/?next=/admin/policies/policy/"
    assert Client().get("/admin/login/", {"next": "https://elsewhere.example/"})["Location"] == "/console/sign-in/?next=/admin/"


@pytest.mark.parametrize("model", [PromptVersion, PolicyVersion, ToolCall, AgentRun, Step, Event])
def test_nobody_adds_changes_or_deletes_what_happened(owner: Client, model: Any):
    page = admin.site._registry[model]
    assert isinstance(page, ReadOnlyAdmin)
    assert page.edit == ""
    assert owner.get(url(model, "add")).status_code == 403


def test_frozen_versions_cannot_be_changed_or_deleted(owner: Client, acme: World, drafts: Drafts):
    with acting_for(acme.tenant):
        versions: list[Any] = [publish_policy(drafts.policy, by=SYSTEM_ACTOR), publish_prompt(drafts.prompt, by=SYSTEM_ACTOR)]
    for version in versions:
        model: Any = type(version)
        page = owner.get(url(model, "change", version.pk))
        assert page.status_code == 200
        assert 'name="_save"' not in page.content.decode()
        assert owner.post(url(model, "change", version.pk), {"number": 9, "content": "{}"}).status_code == 403
        assert owner.post(url(model, "delete", version.pk), {"post": "yes"}).status_code == 403
        owner.post(url(model, "changelist"), {"action": "delete_selected", "_selected_action": [version.pk], "post": "yes"})
        with acting_for(acme.tenant):
            assert model.objects.values_list("content", flat=True).get(pk=version.pk) == version.content
    assert "Refunds on the customer's own order are allowed." in text(owner.get(url(PolicyVersion, "change", versions[0].pk)))


def test_a_policy_that_was_published_cannot_be_deleted_from_under_its_versions(owner: Client, acme: World, drafts: Drafts):
    with acting_for(acme.tenant):
        publish_policy(drafts.policy, by=SYSTEM_ACTOR)
    page = owner.post(url(Policy, "delete", drafts.policy.pk), {"post": "yes"}, follow=True)
    assert page.status_code in (200, 403)
    with acting_for(acme.tenant):
        assert Policy.objects.filter(pk=drafts.policy.pk).exists()


def test_the_kill_switch_is_flipped_by_those_who_may_and_told_to_the_audit_trail(acme: World, sign_in: SignIn, responder: Client):
    switch = make_switch(acme.tenant, is_on=False)
    lead = sign_in(make_member(acme.tenant, Role.SUPERVISOR, name="Lea Lind"))
    send(lead, url(KillSwitch, "change", switch.pk), is_on="on", reason="Odd refunds")
    switch.refresh_from_db()
    assert (switch.is_on, switch.reason) == (True, "Odd refunds")
    event = Event.objects.get(code="killswitch.changed")
    assert (event.changed["is_on"], event.changed["tool"], event.subject) == (True, "", {"killswitch": str(switch.pk)})
    assert responder.post(url(KillSwitch, "change", switch.pk), {"reason": "no"}).status_code == 403
    send(lead, url(KillSwitch, "add"), tool="create_refund", is_on="on", reason="Only refunds")
    assert KillSwitch.objects.get(tool="create_refund").tenant == acme.tenant
    page = send(lead, url(KillSwitch, "add"), tool="create_refund", is_on="on", reason="Again")
    assert "There is one of this name already." in text(page)


def test_dead_jobs_are_found_by_state_and_run_again(owner: Client, acme: World, responder: Client):
    fields = {"tenant": acme.tenant, "name": "knowledge.index", "max_attempts": 5}
    dead = Job.objects.create(**fields, state=Job.State.DEAD, attempts=5, last_error="no index", dedupe="tenant")
    twin = Job.objects.create(**fields, state=Job.State.DEAD, attempts=5, dedupe="tenant")
    done = Job.objects.create(**fields, state=Job.State.DONE)
    page = text(owner.get(url(Job, "changelist"), {"state__exact": "dead"}))
    assert url(Job, "change", dead.pk) in page
    assert url(Job, "change", done.pk) not in page
    chosen = {"action": "redrive", "_selected_action": [dead.pk, twin.pk, done.pk]}
    assert responder.post(url(Job, "changelist"), chosen).status_code == 403
    assert "1 job is due again. 2 were not dead, or wait already." in text(owner.post(url(Job, "changelist"), chosen, follow=True))
    assert sorted(Job.objects.values_list("state", flat=True)) == ["dead", "done", "queued"]


def test_only_an_owner_makes_an_owner_and_the_last_one_stays(owner: Client, acme: World, sign_in: SignIn):
    boss = make_member(acme.tenant, Role.ADMIN, name="Ada Min")
    by_admin = sign_in(boss)
    page = send(by_admin, url(Membership, "change", boss.pk), role="owner")
    assert "Only an owner makes or unmakes an owner." in text(page)
    page = send(by_admin, url(Membership, "change", acme.owner.pk), is_active=None)
    assert "This is the last owner of the workspace." in text(page)
    page = send(owner, url(Membership, "change", acme.owner.pk), role="admin")
    assert "This is the last owner of the workspace." in text(page)
    send(owner, url(Membership, "change", boss.pk), role="owner")
    boss.refresh_from_db()
    assert boss.role == Role.OWNER
    assert send(by_admin, url(Membership, "change", acme.owner.pk), role="viewer").redirect_chain


@pytest.mark.parametrize("model", [Prompt, Policy, Rule, Limit])
def test_the_four_drafts_carry_a_history(model: Any):
    assert apps.get_model("policies", f"Historical{model.__name__}")


def test_what_the_search_found_once_is_not_told_after_the_role_was_lowered(acme: World, sign_in: SignIn):
    member = make_member(acme.tenant, Role.ADMIN, name="Ada Admin")
    client = sign_in(member)
    assert "Connectors" in client.get("/admin/search/", {"s": "connector"}).content.decode()
    Membership.objects.filter(pk=member.pk).update(role=Role.VIEWER)
    assert "API keys" not in client.get("/admin/search/", {"s": "api"}).content.decode()
