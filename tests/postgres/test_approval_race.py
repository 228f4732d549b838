"""Approve, approve and reject at the same moment on PostgreSQL: exactly one decision, and the losers learn who and when."""

import random
from collections import Counter

import pytest
from django.utils import timezone

from agents.actions import approvals
from agents.actions.asking import ask_teammate
from agents.actions.ledger import arguments_hash
from agents.actions.models import Approval, State, ToolCall
from agents.releases.models import Agent
from agents.releases.services import make_release, policy_of, promote
from policies.decide import Decision
from policies.verdicts import Verdict
from supportdesk.core.events import SYSTEM_ACTOR
from supportdesk.core.models import Brand, Event, Job, Membership, Role
from supportdesk.core.tenancy import acting_for
from tests.factories import World, make_member, make_policy, make_prompt, make_rule, make_ticket
from tests.postgres.threads import Crew, errors, nap
from tickets.models import Kind, Message


def with_release(world: World) -> None:
    """Something live, so that there is a policy to decide by."""
    policy = make_policy()
    make_rule(policy)
    agent = Agent.objects.create(brand=Brand.objects.get(), prompt=make_prompt(), policy=policy, tools=["create_refund"])
    promote(make_release(agent, by=SYSTEM_ACTOR), by=SYSTEM_ACTOR)


def waiting(world: World) -> Approval:
    """One call that waits for a teammate."""
    ticket = make_ticket(world)
    arguments = {"order_number": "N-20418", "amount": 15000, "currency": "EUR", "reason": "broke"}
    call = ToolCall.objects.create(
        ticket=ticket,
        run_id=1,
        tool="create_refund",
        is_write=True,
        arguments=arguments,
        arguments_hash=arguments_hash("create_refund", arguments),
        state=State.WAITING,
        verdict="ask",
        target="N-20418",
        amount=15000,
        currency="EUR",
        policy_version=policy_of(ticket),
    )
    return ask_teammate(call, Decision(Verdict.ASK, "asked"))


def decide(world: World, approval: Approval, by: Membership, verb: str, chance: random.Random) -> str:
    nap(0.003, chance)
    with acting_for(world.tenant):
        try:
            if verb == "approve":
                approvals.approve(approval_id=approval.pk, by=by, shown_hash=approval.shown_hash)
            else:
                approvals.reject(approval_id=approval.pk, by=by, reason="No")
        except approvals.AlreadyDecided as late:
            return str(late)
    return "won"


def race(world: World, rounds: int, seed: int) -> Counter[str]:
    """Three teammates decide at once, `rounds` times; who won how."""
    chance, winners = random.Random(seed), Counter[str]()
    people = [make_member(world.tenant, Role.SUPERVISOR, name=name) for name in ("Mira Berg", "Sam Dahl", "Nora Ek")]
    verbs = ("approve", "approve", "reject")
    with acting_for(world.tenant):
        with_release(world)
    with Crew(3) as crew:
        for _ in range(rounds):
            with acting_for(world.tenant):
                approval = waiting(world)
            seeds = [random.Random(chance.random()) for _ in people]
            order = random.Random(chance.random()).sample(list(zip(people, verbs, strict=True)), 3)
            said = crew.together(
                *(lambda p=p, v=v, c=c, a=approval: decide(world, a, p, v, c) for (p, v), c in zip(order, seeds, strict=True))
            )
            assert errors(said) == [], said
            assert said.count("won") == 1, said
            winner, verb = order[said.index("won")]
            with acting_for(world.tenant):
                held = Approval.objects.select_related("call").get(pk=approval.pk)
                at = timezone.localtime(held.decided_at).strftime("%H:%M")
                did = {"approve": "approved", "reject": "rejected"}[verb]
                assert [text for text in said if text != "won"] == [f"{winner.name} {did} this at {at}."] * 2
                assert (held.decision, held.decided_by_id) == (verb, winner.pk)
                assert held.call.state == (State.APPROVED if verb == "approve" else State.REJECTED)
                ends = Event.objects.filter(ticket_id=held.ticket_id, code__startswith="approval.").exclude(code="approval.asked")
                assert [event.code for event in ends] == [f"approval.{did}"]
                jobs = Job.objects.filter(args__call_id=str(held.call_id))
                assert Counter(jobs.values_list("name", flat=True)) == {"actions.execute" if verb == "approve" else "runtime.start_run": 1}
                news = Message.objects.filter(ticket_id=held.ticket_id, kind=Kind.NEWS)
                assert news.count() == (verb == "reject")
            winners[f"{winner.name} {verb}"] += 1
    return winners


def test_one_of_three_decides(acme: World):
    winners = race(acme, 30, seed=5)
    assert len(winners) >= 2, winners


@pytest.mark.slow
def test_one_of_three_decides_in_two_hundred_rounds(acme: World, capsys: pytest.CaptureFixture[str]):
    winners = race(acme, 200, seed=6)
    with capsys.disabled():
        print(f"\n200 rounds, one decision each: {dict(winners)}")
    assert sum(winners.values()) == 200
    assert min(winners.values()) >= 20, winners
