"""What is private is out of a key's reach, unless it acts as a teammate with a part in it."""

import pytest

from agents.releases.models import Agent
from agents.runtime.models import AgentRun
from supportdesk.core.events import SYSTEM_ACTOR
from supportdesk.core.grants import give
from supportdesk.core.models import Role
from supportdesk.core.tenancy import acting_for
from tests.api.calls import NAMING, NOBODYS, OPERATIONS, Named
from tests.api.worlds import Caller, Rows, new_key
from tests.console.worlds import make_live_release
from tests.factories import World, make_member
from tickets.models import Channel, ChannelGrant, Queue, QueueGrant


def close(world: World, what: str) -> None:
    with acting_for(world.tenant):
        (Queue if what == "queue" else Channel).objects.update(is_private=True)


@pytest.mark.parametrize("what", ["queue", "channel"])
@pytest.mark.parametrize("name", sorted(NAMING))
def test_a_private_row_is_told_like_one_that_is_not_there(acme: World, rows: Rows, name: str, what: str) -> None:
    operation = OPERATIONS[name]
    ada = make_member(acme.tenant, Role.ADMIN, name="Ada Adler")
    close(acme, what)
    kinds = [ada] if operation.as_teammate else [ada, None]
    for member in kinds:
        caller = Caller(new_key(acme, member=member))
        private = caller.ask(operation.method, operation.path(Named.of(rows)), operation.body)
        missing = caller.ask(operation.method, operation.path(NOBODYS), operation.body)
        assert (private.status_code, private.content) == (404, missing.content)


@pytest.mark.parametrize("what", ["queue", "channel"])
def test_lists_leave_out_what_is_private(acme: World, rows: Rows, shop: Caller, what: str) -> None:
    lists = ("tickets", "customers", "approvals")
    before = [len(shop.get(path).json()["items"]) for path in lists]
    assert all(before)
    close(acme, what)
    assert [len(shop.get(path).json()["items"]) for path in lists] == [0, 0, 0]


def test_a_key_that_acts_as_a_teammate_with_a_grant_reaches_it(acme: World, rows: Rows) -> None:
    ada = make_member(acme.tenant, Role.ADMIN, name="Ada Adler")
    caller, path = Caller(new_key(acme, member=ada)), f"tickets/{rows.ticket.number}"
    close(acme, "queue")
    close(acme, "channel")
    assert caller.get(path).status_code == 404
    with acting_for(acme.tenant):
        give(QueueGrant, on=rows.ticket.queue, to=ada, by=SYSTEM_ACTOR)
        assert caller.get(path).status_code == 404
        give(ChannelGrant, on=rows.ticket.channel, to=ada, by=SYSTEM_ACTOR)
    assert caller.get(path).status_code == 200


def test_a_private_queue_is_not_named_in_a_body(acme: World, rows: Rows, shop: Caller) -> None:
    with acting_for(acme.tenant):
        Queue.objects.create(key="legal", name="Legal", is_private=True)
    answers = [shop.patch(f"tickets/{rows.ticket.number}", {"queue": key}) for key in ("legal", "nobodys")]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[0].content == answers[1].content


def test_traces_of_a_private_agent_are_out_of_reach(acme: World, rows: Rows, shop: Caller, alice: Caller) -> None:
    callers, path = (shop, alice), f"runs/{rows.run.pk}"
    with acting_for(acme.tenant):
        AgentRun.objects.filter(pk=rows.run.pk).update(release=make_live_release(acme))
    assert [caller.get(path).status_code for caller in callers] == [200, 200]
    with acting_for(acme.tenant):
        Agent.objects.update(is_private=True)
    assert [caller.get(path).status_code for caller in callers] == [404, 404]
