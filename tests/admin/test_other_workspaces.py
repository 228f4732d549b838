"""Globex is invisible from Acme: in lists, by address, in choices, in what is sent."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.utils import timezone

from agents.actions.models import Connector, State, ToolCall
from agents.knowledge.models import Article, Snapshot
from agents.releases.models import Agent, AgentGrant, Label, Release
from agents.runtime.models import AgentRun, Step
from policies.models import Policy, Rule
from policies.publishing import publish_policy, publish_prompt
from supportdesk.accounts.models import SignInRules
from supportdesk.core.admin import ByTable
from supportdesk.core.events import SYSTEM_ACTOR
from supportdesk.core.grants import give
from supportdesk.core.keys import make_key
from supportdesk.core.models import Event, Job, Role, ServiceIdentity, TeamMember
from supportdesk.core.tenancy import acting_for
from tests.admin.conftest import Drafts, make_drafts
from tests.admin.pages import send, text, url
from tests.factories import World, make_member, make_switch, make_ticket, make_user
from tickets.models import ChannelGrant, QueueGrant, QueueTeam
from tickets.signed import make_key as make_host_key

CANARY = "canary-of-globex"


@pytest.fixture
def theirs(globex: World) -> dict[Any, Any]:
    """One row of Globex for every kind of row that has an admin page."""
    drafts = make_drafts(globex)
    with acting_for(globex.tenant):
        version, prompt_version = publish_policy(drafts.policy, by=SYSTEM_ACTOR), publish_prompt(drafts.prompt, by=SYSTEM_ACTOR)
        agent = Agent.objects.create(brand=globex.brand, prompt=drafts.prompt, policy=drafts.policy)
        snapshot = Snapshot.objects.create(number=1, passage_ids=[], hash=CANARY)
        release = Release.objects.create(
            agent=agent,
            number=1,
            prompt_version=prompt_version,
            policy_version=version,
            snapshot=snapshot,
            tools=[],
            model_chain=[],
            hash=CANARY,
            note=CANARY,
        )
        ticket = make_ticket(globex, CANARY)
        run = AgentRun.objects.create(ticket=ticket, turn=1, trigger=CANARY[:20], lease_until=timezone.now() + timedelta(minutes=1))
        rows = [
            *(drafts.policy, drafts.rule, drafts.limit, drafts.prompt, version, prompt_version, agent, snapshot, release, run),
            *(globex.brand, globex.channel, globex.queue, globex.team, globex.owner, make_switch(globex.tenant)),
            service := ServiceIdentity.objects.create(name=CANARY, scopes=[]),
            make_key(service=service, name=CANARY)[0],
            make_host_key(channel=globex.channel, name=CANARY, site="https://globex.example", algorithm="HS256", by=SYSTEM_ACTOR)[0],
            SignInRules.objects.create(session_hours=7),
            Connector.objects.create(key="shop", name=CANARY, base_url="https://shop.example"),
            Article.objects.create(brand=globex.brand, slug=CANARY, language="en", collection=CANARY, title=CANARY, body=CANARY),
            give(QueueGrant, on=globex.queue, to=globex.owner, by=SYSTEM_ACTOR),
            give(ChannelGrant, on=globex.channel, to=globex.owner, by=SYSTEM_ACTOR),
            give(AgentGrant, on=agent, to=globex.owner, by=SYSTEM_ACTOR),
            Label.objects.create(agent=agent, release=release),
            Step.objects.create(run=run, number=1, kind="outcome", name=CANARY),
            Event.objects.filter(tenant=globex.tenant).first(),
            Job.objects.filter(tenant=globex.tenant).first(),
            ToolCall.objects.create(
                id=uuid.uuid4(),
                ticket=ticket,
                tool=CANARY,
                is_write=True,
                arguments={},
                arguments_hash="x",
                state=State.WAITING,
                verdict="ask",
                target=CANARY,
            ),
        ]
    return {type(row): row for row in rows}


def test_every_admin_page_has_a_row_of_globex_to_try(theirs: dict[Any, Any]):
    ours = {model for model, page in admin.site._registry.items() if isinstance(page, ByTable)}
    assert ours == set(theirs)


def test_rows_of_globex_are_neither_listed_nor_found_by_address(owner: Client, acme: World, drafts: Drafts, theirs: dict[Any, Any]):
    for model, row in theirs.items():
        page = owner.get(url(model, "changelist"))
        assert page.status_code == 200, model
        assert page.context["cl"].queryset.filter(pk=row.pk).count() == 0, model
        assert CANARY not in text(page), model
        missing = uuid.uuid4() if model is ToolCall else 999_999
        for what in ("change", "delete", "history"):
            answers = [owner.get(url(model, what, pk), follow=True) for pk in (row.pk, missing)]
            assert answers[0].status_code == answers[1].status_code, (model, what)
            assert answers[0].redirect_chain[-1:] == answers[1].redirect_chain[-1:], (model, what)
            assert CANARY not in text(answers[0])


def test_sending_to_a_row_of_globex_changes_nothing(owner: Client, acme: World, theirs: dict[Any, Any]):
    for model, row in theirs.items():
        for what in ("change", "delete"):
            answer = owner.post(url(model, what, row.pk), {"post": "yes", "name": "hacked", "reason": "hacked"})
            assert answer.status_code in (302, 403, 404), (model, what)
        owner.post(url(model, "changelist"), {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"})
        with acting_for(row.tenant):
            kept = model._base_manager.get(pk=row.pk)
        assert str(kept) == str(row), model


def test_actions_on_rows_of_globex_do_nothing(owner: Client, acme: World, theirs: dict[Any, Any]):
    before = Event.objects.count()
    for model in (Policy, Job, Release, Label, Agent):
        for action in ("publish", "redrive", "make_live", "roll_back", "make_a_release"):
            owner.post(url(model, "changelist"), {"action": action, "_selected_action": [str(theirs[model].pk)]})
    assert Event.objects.count() == before


def test_choices_offer_only_the_own_workspace(owner: Client, acme: World, drafts: Drafts, theirs: dict[Any, Any]):
    outsider = make_member(theirs[Policy].tenant, Role.RESPONDER, name=CANARY)
    for model, page in admin.site._registry.items():
        if not isinstance(page, ByTable):
            continue
        answer = owner.get(url(model, "add"))
        if answer.status_code != 200:
            continue
        with acting_for(acme.tenant):
            forms = [answer.context["adminform"].form, *(each.formset.empty_form for each in answer.context["inline_admin_formsets"])]
            for field in (field for form in forms for field in form.fields.values() if hasattr(field, "queryset")):
                if hasattr(field.queryset.model, "tenant"):
                    assert set(field.queryset.values_list("tenant_id", flat=True)) <= {acme.tenant.pk}, (model, field)
        assert outsider.name not in text(answer)


def test_a_reference_to_globex_is_refused(owner: Client, acme: World, drafts: Drafts, theirs: dict[Any, Any]):
    page = send(owner, url(Rule, "change", drafts.rule.pk), policy=theirs[Policy].pk)
    assert page.context["adminform"].form.errors.keys() == {"policy"}
    outsider = make_member(theirs[Policy].tenant, Role.RESPONDER, name="Carl Out")
    page = send(owner, url(type(acme.team), "change", acme.team.pk), **{"members-TOTAL_FORMS": 2, "members-1-membership": outsider.pk})
    assert "Select a valid choice" in text(page)
    other_team = {"team_links-TOTAL_FORMS": 2, "team_links-1-team": theirs[type(acme.team)].pk}
    page = send(owner, url(type(acme.queue), "change", acme.queue.pk), **other_team)
    assert "Select a valid choice" in text(page)
    with acting_for(acme.tenant):
        assert (TeamMember.objects.count(), QueueTeam.objects.count()) == (1, 1)


def test_an_inline_row_of_globex_cannot_be_pulled_into_an_own_page(owner: Client, acme: World, drafts: Drafts, theirs: dict[Any, Any]):
    rule = theirs[Rule]
    answer = owner.get(url(Policy, "change", drafts.policy.pk))
    assert answer.status_code == 200
    send(owner, url(Policy, "change", drafts.policy.pk), **{"rules-0-id": rule.pk, "rules-0-title": "Pulled over"})
    with acting_for(rule.tenant):
        rule.refresh_from_db()
    assert (rule.title, rule.policy_id) == ("Refunds of an own order", theirs[Policy].pk)


def test_a_teammate_of_two_workspaces_sees_only_the_chosen_one(owner: Client, acme: World, drafts: Drafts, theirs: dict[Any, Any]):
    both = make_member(theirs[Policy].tenant, Role.VIEWER, user=acme.owner.user)
    assert owner.get(url(Policy, "change", drafts.policy.pk)).status_code == 200
    session = owner.session
    session["membership"] = both.pk
    session.save()
    assert owner.get(url(Policy, "change", drafts.policy.pk)).status_code == 302
    assert owner.get(url(Policy, "change", theirs[Policy].pk)).status_code == 200
    assert owner.get(url(Policy, "add")).status_code == 403


def test_users_outside_every_workspace_are_offered_nowhere(owner: Client, acme: World):
    make_user("Zoe Unseen")
    for model, page in admin.site._registry.items():
        if isinstance(page, ByTable):
            assert "Zoe Unseen" not in text(owner.get(url(model, "changelist")))
