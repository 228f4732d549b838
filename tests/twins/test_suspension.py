"""A workspace is suspended: nobody gets in, nothing runs, nothing is lost, and the other workspace notices nothing."""

import threading
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.db import connection
from django.test import Client
from django.urls import reverse

from agents.actions.models import State
from agents.runtime.models import AgentRun
from supportdesk.asgi import application
from supportdesk.chat import consumers
from supportdesk.console import live
from supportdesk.core import jobs
from supportdesk.core.events import Actor
from supportdesk.core.keys import principal_of
from supportdesk.core.models import Event, Job
from supportdesk.core.suspension import Suspended, resume, suspend
from supportdesk.core.tenancy import acting_for
from tests.agents.desk import Desk, work
from tests.agents.fixtures import *  # noqa: F403
from tests.api.worlds import new_key
from tests.chat.sockets import browser as chat_browser
from tests.chat.sockets import refused_at
from tests.factories import World, make_session, make_world, say
from tests.reliability.report import figure
from tests.surface.addresses import OPEN, addresses, filled
from tests.surface.callers import by_header, teammates
from tests.surface.furniture import everything_of, furnish
from tickets.models import Message
from tickets.verbs import resolve

BY = Actor("operator", 7)


def codes(world: World) -> list[str]:
    return list(Event.objects.filter(tenant=world.tenant, code__startswith="workspace.").order_by("id").values_list("code", flat=True))


def test_suspending_and_resuming_leave_one_event_each_however_often(acme: World):
    assert [suspend(acme.tenant, reason="unpaid", by=BY), suspend(acme.tenant, reason="unpaid", by=BY)] == [True, False]
    assert [resume(acme.tenant, by=BY), resume(acme.tenant, by=BY)] == [True, False]
    assert codes(acme) == ["workspace.suspended", "workspace.resumed"]
    first = Event.objects.get(code="workspace.suspended")
    assert (first.actor_kind, first.actor_id, first.changed) == ("operator", 7, {"is_active": False, "reason": "unpaid"})


@pytest.mark.slow
@pytest.mark.reliability(7, "pages", "keys")
def test_no_address_opens_for_anybody_of_a_suspended_workspace(acme: World):
    made = furnish(acme)
    mates = teammates(acme)
    key = new_key(acme, member=acme.owner)
    program = by_header(f"Bearer {key}")
    suspend(acme.tenant, reason="unpaid")
    before = everything_of(acme)
    said, asked = [], 0
    for address in addresses():
        path = filled(address, made) if not address.name.startswith("console:new_password") else ""
        if not path or address.name in OPEN or getattr(address.view, "login_required", True) is False:
            continue
        for method in ("GET", "POST"):
            if address.area == "api":
                answers = {"program": program(method, path).status_code}
            else:
                answers = {mate.name: mate.ask(method, path).status_code for mate in mates}
            asked += len(answers)
            said += [f"{who}: {method} {address.name}: {status}" for who, status in answers.items() if status in (200, 201, 202, 204)]
    figure("addresses of a suspended workspace", asked)
    assert not [line for line in said if "console:password_" not in line], "\n".join(said)
    assert everything_of(acme) == before
    assert principal_of(key) is None
    resume(acme.tenant)
    assert principal_of(key) is not None
    assert mates[0].client.get(reverse("console:queue")).status_code == 200


@pytest.mark.reliability(7, "pages")
@pytest.mark.parametrize(("language", "word"), [("en", "come back later"), ("de", "später wieder"), ("ar", "لاحقًا")])
def test_customers_of_a_suspended_workspace_read_one_calm_sentence(acme: World, language: str, word: str):
    with acting_for(acme.tenant):
        _session, token = make_session(acme)
    suspend(acme.tenant, reason="fraud of the owner")
    visitor = Client(headers={"accept-language": language})
    place = {"tenant": "acme", "channel": acme.channel.key}
    for answer in (
        visitor.get(reverse("chat:page", kwargs=place)),
        visitor.post(reverse("chat:session", kwargs=place)),
        visitor.get(reverse("chat:thread", kwargs=place), headers={"authorization": f"Chat {token}"}),
        visitor.get(reverse("help:home", kwargs={"tenant": "acme", "brand": acme.brand.key, "language": "en"})),
    ):
        told = str(answer.json()["error"]["message"]) if "json" in answer["Content-Type"] else answer.content.decode()
        assert (answer.status_code, answer["Retry-After"]) == (503, "600")
        assert word in told or "/help/" in answer.request["PATH_INFO"]
        assert "fraud" not in told
    resume(acme.tenant)
    assert visitor.get(reverse("chat:thread", kwargs=place), headers={"authorization": f"Chat {token}"}).status_code == 200


@pytest.mark.reliability(7, "sockets")
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
async def test_open_sockets_end_within_five_seconds_and_come_back_later() -> None:
    acme, cookie, token = await sync_to_async(_at_work)()
    headers = [(b"origin", b"http://testserver"), (b"cookie", f"sessionid={cookie}".encode())]
    console = WebsocketCommunicator(application, "/ws/console/", headers=headers)
    assert (await console.connect(5))[0]
    async with chat_browser() as customer, chat_browser() as writing:
        await customer.hello(token)
        await writing.hello(token)
        await sync_to_async(suspend)(acme.tenant, reason="unpaid")
        await writing.say("send", client_id="while-suspended", text="Is anybody there?")
        refused = await writing.hear("refused")
        assert (refused["code"], refused["client_id"]) == ("closed", "while-suspended")
        assert "come back later" in refused["message"]
        assert await writing.closed() == consumers.CLOSED
        assert await customer.closed() == consumers.CLOSED
    assert (await console.receive_output(5))["code"] == live.SIGNED_OUT
    assert await refused_at("acme/web")
    assert await sync_to_async(_messages)(acme) == 1
    await sync_to_async(resume)(acme.tenant)
    async with chat_browser() as customer:
        assert (await customer.hello(token))["last_seq"] == 1


def _at_work() -> tuple[World, str, str]:
    acme = make_world("acme")
    with acting_for(acme.tenant):
        session, token = make_session(acme)
        say(session)
    client = Client()
    client.force_login(acme.owner.user, backend="django.contrib.auth.backends.ModelBackend")
    return acme, str(client.cookies["sessionid"].value), token


def _messages(world: World) -> int:
    with acting_for(world.tenant):
        return Message.objects.count()


@pytest.mark.reliability(7, "jobs")
def test_jobs_of_a_suspended_workspace_wait_and_those_of_others_run(acme: World, globex: World, monkeypatch: pytest.MonkeyPatch):
    ran: list[int] = []
    monkeypatch.setattr("tests.postgres.work.note", lambda n: ran.append(n))
    monkeypatch.setattr(jobs, "_handlers", {"test.note": jobs.Handler("tests.postgres.work.note")})
    for number, world in enumerate((acme, globex)):
        with acting_for(world.tenant):
            jobs.enqueue("test.note", n=number)
    suspend(acme.tenant, reason="unpaid")
    waiting = Job.objects.get(tenant=acme.tenant)
    assert jobs.run_due() == 1
    assert jobs.Queue("carried").take(waiting.pk) is None
    assert ran == [1]
    resume(acme.tenant)
    assert jobs.run_due() == 1
    assert jobs.run_due() == 0
    assert ran == [1, 0]
    waiting.refresh_from_db()
    assert (waiting.state, waiting.attempts) == ("done", 1)


@pytest.mark.reliability(7, "jobs")
def test_a_job_that_was_claimed_just_before_is_given_back(acme: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(jobs, "_handlers", {"test.note": jobs.Handler("tests.postgres.work.note")})
    with acting_for(acme.tenant):
        jobs.enqueue("test.note", n=1)
    queue = jobs.Queue("late")
    job = queue.claim()
    assert job is not None
    suspend(acme.tenant, reason="unpaid")
    queue.run(job)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.lease_owner) == ("queued", 0, "")


@pytest.mark.reliability(7, "jobs")
def test_a_job_that_died_meanwhile_dies_again_when_somebody_can_be_told(acme: World, monkeypatch: pytest.MonkeyPatch):
    handler = jobs.Handler("tests.postgres.work.note", on_dead="agents.runtime.turns.gave_up")
    with acting_for(acme.tenant):
        ticket = say(make_session(acme)[0]).ticket
        Job.objects.all().delete()
        monkeypatch.setattr(jobs, "_handlers", {**jobs.registered(), "test.note": handler})
        job = jobs.enqueue("test.note", ticket_id=ticket.pk)
        assert job is not None
        suspend(acme.tenant, reason="unpaid")
        Job.objects.update(state=Job.State.DEAD, attempts=5)
        job.refresh_from_db()
        jobs.tell_of_death(job)
        job.refresh_from_db()
        assert (job.state, job.attempts) == ("queued", 4)


@pytest.mark.reliability(7, "jobs")
def test_no_verb_writes_on_a_ticket_of_a_suspended_workspace(acme: World):
    with acting_for(acme.tenant):
        session, _token = make_session(acme)
        ticket = say(session).ticket
        fresh, _token = make_session(acme)
        suspend(acme.tenant, reason="unpaid")
        before = everything_of(acme)
        for act in (lambda: say(session), lambda: say(fresh), lambda: resolve(ticket_id=ticket.pk, by=BY)):
            with pytest.raises(Suspended):
                act()
        assert everything_of(acme) == before


@pytest.mark.usefixtures("promises")
@pytest.mark.reliability(7, "jobs")
def test_an_approved_refund_waits_for_the_workspace_and_runs_once(desk: Desk):
    chat = desk.asked_to_confirm()
    chat.answers(yes=True, then_work=False)
    before = desk.shop.ledger()
    suspend(desk.tenant, reason="unpaid")
    assert work() == 0
    assert chat.call.state == State.APPROVED
    resume(desk.tenant)
    work()
    assert (len(desk.shop.ledger()), chat.call.state) == (len(before) + 1, State.SUCCEEDED)


@pytest.mark.usefixtures("promises")
@pytest.mark.reliability(7, "jobs")
@pytest.mark.parametrize("moment", ["claim", "effect"])
def test_the_executor_looks_again_inside_its_transaction(desk: Desk, monkeypatch: pytest.MonkeyPatch, moment: str):
    """Suspended after the job began: before the claim nothing happens, after the effect the truth is told later; one effect in both."""
    from agents.actions import executor

    chat = desk.asked_to_confirm()
    chat.answers(yes=True, then_work=False)
    before = len(desk.shop.ledger())
    looked, at = executor.facts.look, executor.fault_point

    def look(*args: Any, **kwargs: Any) -> Any:
        seen = looked(*args, **kwargs)
        suspend(desk.tenant, reason="unpaid")
        return seen

    def after_effect(point: str) -> None:
        if point == "after_effect":
            suspend(desk.tenant, reason="unpaid")
        at(point)

    with monkeypatch.context() as patch:
        if moment == "claim":
            patch.setattr(executor.facts, "look", look)
        else:
            patch.setattr(executor, "fault_point", after_effect)
        work()
    assert len(desk.shop.ledger()) == before + (moment == "effect")
    assert chat.call.state == (State.APPROVED if moment == "claim" else State.EXECUTING)
    assert work() == 0
    resume(desk.tenant)
    work()
    assert (len(desk.shop.ledger()), chat.call.state) == (before + 1, State.SUCCEEDED)


@pytest.mark.usefixtures("promises")
@pytest.mark.reliability(7, "jobs")
def test_a_turn_under_way_says_nothing_and_is_taken_again_once(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    from agents.runtime import turns

    chat = desk.chat()
    chat.says("How long is the warranty on tent seams?", then_work=False)
    thought = turns.think

    def think(**kwargs: Any) -> Any:
        turn = thought(**kwargs)
        suspend(desk.tenant, reason="unpaid")
        return turn

    with monkeypatch.context() as patch:
        patch.setattr(turns, "think", think)
        work()
    assert chat.said == []
    assert [run.state for run in chat.runs] == [AgentRun.State.STALE]
    resume(desk.tenant)
    work()
    assert len(chat.said) == 1
    assert chat.runs[-1].state == AgentRun.State.DONE


@pytest.mark.slow
@pytest.mark.usefixtures("promises")
@pytest.mark.reliability(7, "jobs")
def test_under_load_each_message_is_stored_and_answered_once_or_refused(desk: Desk):
    """Customers write while it is suspended and resumed: whole or not at all, and every stored one is answered."""
    stored: list[int] = []
    refused: list[str] = []
    chats = [desk.chat() for _ in range(3)]
    beginning = threading.Barrier(4)

    def customer(chat: Any) -> None:
        with acting_for(desk.tenant):
            beginning.wait(10)
            for number in range(12):
                try:
                    stored.append(chat.says(f"How long is the warranty on tent seams? ({number})", then_work=False).pk)
                except Suspended:
                    refused.append("closed")
        connection.close()

    team = [threading.Thread(target=customer, args=(chat,)) for chat in chats]
    for thread in team:
        thread.start()
    beginning.wait(10)
    suspend(desk.tenant, reason="unpaid")
    assert work() == 0
    for thread in team:
        thread.join(30)
    assert sum(1 for each in stored) + len(refused) == 36
    assert Message.objects.filter(pk__in=stored).count() == len(stored) == Message.objects.filter(author="customer").count()
    assert chats[0].said == []
    resume(desk.tenant)
    work()
    for chat in chats:
        assert bool(chat.said) == bool(chat.session.ticket_id)
