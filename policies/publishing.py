"""Publishing: an edited prompt or policy becomes a frozen version that decisions cite."""

import hashlib
import json
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max

from policies.models import Limit, Policy, PolicyVersion, Prompt, PromptVersion, Rule
from supportdesk.core.events import Actor, record


def canonical(content: Any) -> str:
    """One spelling per content: sorted keys, no spaces."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(content: Any) -> str:
    """SHA-256 of the canonical spelling."""
    return hashlib.sha256(canonical(content).encode()).hexdigest()


@transaction.atomic
def publish_policy(policy: Policy, *, by: Actor, name: str = "") -> PolicyVersion:
    """Freeze the policy's active rules and limits; unchanged content returns the newest version.

    Raises:
        ValidationError: when a rule or limit could not be evaluated.
    """
    # Two people publishing at once take turns, so numbers stay 1..n.
    Policy.objects.select_for_update().get(pk=policy.pk)
    rules = list(Rule.objects.filter(policy=policy, is_active=True))
    limits = list(Limit.objects.filter(policy=policy, is_active=True))
    checked: list[Rule | Limit] = [*rules, *limits]
    for row in checked:
        try:
            row.clean()
        except ValidationError as error:
            raise ValidationError(f"{row.code}: {'; '.join(error.messages)}") from error
    content = {"rules": [rule.as_json() for rule in rules], "limits": [limit.as_json() for limit in limits]}
    newest = PolicyVersion.objects.filter(policy=policy).order_by("-number").first()
    if newest and newest.hash == digest(content):
        unchanged: PolicyVersion = newest
        return unchanged
    number = (PolicyVersion.objects.filter(policy=policy).aggregate(n=Max("number"))["n"] or 0) + 1
    version = PolicyVersion.objects.create(policy=policy, number=number, content=content, hash=digest(content), published_by=name)
    record("policy.published", by=by, policy=policy.pk, version=version.pk, changed={"number": number, "hash": version.hash})
    made: PolicyVersion = version
    return made


@transaction.atomic
def publish_prompt(prompt: Prompt, *, by: Actor, name: str = "") -> PromptVersion:
    """Freeze the prompt; unchanged content returns the newest version."""
    Prompt.objects.select_for_update().get(pk=prompt.pk)
    content = {"body": prompt.body}
    newest = PromptVersion.objects.filter(prompt=prompt).order_by("-number").first()
    if newest and newest.hash == digest(content):
        unchanged: PromptVersion = newest
        return unchanged
    number = (newest.number if newest else 0) + 1
    version = PromptVersion.objects.create(prompt=prompt, number=number, content=content, hash=digest(content), published_by=name)
    record("prompt.published", by=by, prompt=prompt.pk, version=version.pk, changed={"number": number, "hash": version.hash})
    made: PromptVersion = version
    return made
