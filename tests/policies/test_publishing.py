"""An edited policy or prompt becomes a frozen version."""

import hashlib
import json

import pytest
from django.core.exceptions import ValidationError

from policies.models import PolicyVersion, PromptVersion, Rule
from policies.publishing import canonical, digest, publish_policy, publish_prompt
from policies.verdicts import Verdict
from supportdesk.core.events import Actor
from supportdesk.core.models import Event, Tenant
from supportdesk.core.tenancy import acting_for
from tests.factories import make_limit, make_policy, make_prompt, make_rule, make_tenant

BOB = Actor("teammate", 7)


def test_a_published_policy_keeps_its_rules_when_the_draft_changes(acme: Tenant):
    policy = make_policy()
    rule = make_rule(policy)
    make_limit(policy)
    version = publish_policy(policy, by=BOB, name="Bob")
    rule.tools, rule.title = ["cancel_order"], "Something else"
    rule.save(update_fields=["tools", "title"])
    frozen = PolicyVersion.objects.get(pk=version.pk)
    assert [(each.code, each.tools, each.title) for each in frozen.rules()] == [("R-1", ("create_refund",), "Refunds of an own order")]
    assert [(each.code, each.amount, each.otherwise) for each in frozen.limits()] == [("L-1", {"EUR": 20_000}, Verdict.ASK)]
    assert (frozen.number, frozen.published_by) == (1, "Bob")


def test_unchanged_content_returns_the_same_version_and_says_nothing_new(acme: Tenant):
    policy, prompt = make_policy(), make_prompt()
    make_rule(policy)
    assert publish_policy(policy, by=BOB) == publish_policy(policy, by=BOB)
    assert publish_prompt(prompt, by=BOB) == publish_prompt(prompt, by=BOB)
    assert sorted(Event.objects.values_list("code", flat=True)) == ["policy.published", "prompt.published"]


def test_each_change_makes_the_next_number(acme: Tenant):
    policy, prompt = make_policy(), make_prompt()
    first = publish_policy(policy, by=BOB)
    rule = make_rule(policy)
    second = publish_policy(policy, by=BOB)
    rule.is_active = False
    rule.save(update_fields=["is_active"])
    third = publish_policy(policy, by=BOB)
    assert [version.number for version in (first, second, third)] == [1, 2, 3]
    assert first.hash == third.hash != second.hash
    publish_prompt(prompt, by=BOB)
    prompt.body = "You are Alder. Be brief."
    prompt.save(update_fields=["body"])
    assert publish_prompt(prompt, by=BOB).number == 2


def test_the_hash_is_sha256_of_one_canonical_spelling(acme: Tenant):
    content = {"b": ["ä", {"z": 1, "a": None}], "a": True}
    assert canonical(content) == '{"a":true,"b":["ä",{"a":null,"z":1}]}'
    assert digest(content) == digest(json.loads(json.dumps(content))) == hashlib.sha256(canonical(content).encode()).hexdigest()
    policy = make_policy()
    make_rule(policy)
    version = publish_policy(policy, by=BOB)
    version.refresh_from_db()
    assert version.hash == digest(version.content)


def test_a_broken_rule_is_refused_by_its_code_and_nothing_is_published(acme: Tenant):
    policy = make_policy()
    make_rule(policy, "R-1")
    make_rule(policy, "R-2", when=[{"fact": "order.colour", "op": "==", "value": "red"}])
    with pytest.raises(ValidationError, match=r"R-2: There is no fact “order\.colour”"):
        publish_policy(policy, by=BOB)
    assert not PolicyVersion.objects.exists()
    assert not Event.objects.exists()


def test_a_broken_rule_that_is_switched_off_stops_nobody(acme: Tenant):
    policy = make_policy()
    make_rule(policy, "R-2", when=[{"fact": "order.colour", "op": "==", "value": "red"}], is_active=False)
    assert publish_policy(policy, by=BOB).rules() == []


@pytest.mark.parametrize("otherwise", ["allow", "nonsense"])
def test_a_requirement_that_would_allow_is_refused(acme: Tenant, otherwise: str):
    policy = make_policy()
    make_rule(policy, kind=Rule.Kind.REQUIRE, condition=[{"fact": "order.is_own", "op": "==", "value": True}], otherwise=otherwise)
    with pytest.raises(ValidationError, match="R-1: Where a requirement is not met"):
        publish_policy(policy, by=BOB)


def test_a_limit_on_every_tool_is_refused_because_it_would_count_nothing(acme: Tenant):
    policy = make_policy()
    make_limit(policy, tools=["*"])
    with pytest.raises(ValidationError, match="L-1: Name each tool"):
        publish_policy(policy, by=BOB)


def test_publishing_is_told_to_the_event_log_with_the_hash(acme: Tenant):
    version = publish_policy(make_policy(), by=BOB)
    event = Event.objects.get()
    assert (event.code, event.actor_kind, event.actor_id, event.changed) == (
        "policy.published",
        "teammate",
        7,
        {"number": 1, "hash": version.hash},
    )


def test_another_workspace_cannot_publish_this_policy(acme: Tenant):
    policy, prompt = make_policy(), make_prompt()
    with acting_for(make_tenant("globex")):
        with pytest.raises(type(policy).DoesNotExist):
            publish_policy(policy, by=BOB)
        with pytest.raises(type(prompt).DoesNotExist):
            publish_prompt(prompt, by=BOB)
    assert not PolicyVersion.objects.exists()
    assert not PromptVersion.objects.exists()
