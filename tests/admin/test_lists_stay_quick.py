"""A list asks the database as often for many rows as for few."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.actions.models import State, ToolCall
from agents.knowledge.models import Article, Snapshot
from agents.releases.models import Agent, Label, Release
from agents.runtime.models import AgentRun, Step
from policies.models import Limit, Policy, PolicyVersion, Prompt, PromptVersion, Rule
from policies.publishing import publish_policy, publish_prompt
from supportdesk.core.events import SYSTEM_ACTOR
from supportdesk.core.models import Brand, Event, Job, Membership, Team
from supportdesk.core.tenancy import acting_for
from tests.admin.pages import url
from tests.factories import World, make_limit, make_member, make_policy, make_prompt, make_rule, make_ticket

LISTS = [
    *(Prompt, Policy, Rule, Limit, PromptVersion, PolicyVersion, Agent, Release, Label),
    *(AgentRun, Step, ToolCall, Event, Job, Membership, Team, Article),
]


def grow(world: World, start: int, stop: int) -> None:
    """Rows of every listed kind, one of each per number."""
    with acting_for(world.tenant):
        for n in range(start, stop):
            policy, prompt = make_policy(f"p{n}"), make_prompt(f"p{n}")
            make_rule(policy)
            make_limit(policy)
            frozen = {
                "policy_version": publish_policy(policy, by=SYSTEM_ACTOR),
                "prompt_version": publish_prompt(prompt, by=SYSTEM_ACTOR),
                "snapshot": Snapshot.objects.create(number=n, passage_ids=[], hash="h"),
            }
            brand = Brand.objects.create(key=f"b{n}", name=f"Brand {n}")
            agent = Agent.objects.create(brand=brand, prompt=prompt, policy=policy)
            release = Release.objects.create(agent=agent, number=n, tools=[], model_chain=[], hash="h", **frozen)
            Label.objects.create(agent=agent, release=release, previous=release)
            ticket = make_ticket(world)
            soon = timezone.now() + timedelta(minutes=1)
            run = AgentRun.objects.create(ticket=ticket, release=release, turn=1, trigger="message", lease_until=soon)
            Step.objects.create(run=run, number=1, kind="outcome", name="reply")
            ToolCall.objects.create(
                ticket=ticket, tool="t", is_write=False, arguments={}, arguments_hash="h", state=State.DONE_READING, verdict="allow"
            )
            Article.objects.create(brand=brand, slug="a", language="en", collection="c", title="t", body="b")
            Team.objects.create(key=f"t{n}", name="Team")
            make_member(world.tenant, name=f"Member {n}")


@pytest.mark.parametrize("model", LISTS)
def test_the_number_of_queries_does_not_grow_with_the_rows(owner: Client, acme: World, model: type):
    counts = []
    grow(acme, 1, 3)
    for more in ((3, 9), (9, 9)):
        owner.get(url(model, "changelist"))
        with CaptureQueriesContext(connection) as queries:
            assert owner.get(url(model, "changelist")).status_code == 200
        counts.append(len(queries))
        grow(acme, *more)
    assert counts[0] == counts[1] <= 14, counts
