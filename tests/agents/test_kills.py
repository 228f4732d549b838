"""A worker is killed at each step of a turn and of an effect: one effect, one visible answer, and no run left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection

from agents.actions.models import State
from agents.runtime.models import AgentRun
from supportdesk.core import jobs
from supportdesk.core.models import Job
from tests.agents.desk import Chat, Desk, work
from tests.agents.images import url_of
from tickets.models import Kind

pytestmark = pytest.mark.usefixtures("promises")
MANAGE = Path(django_settings.BASE_DIR) / "manage.py"
LEASE_SECONDS = 2
StartWorker = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start_worker(desk: Desk, tmp_path: Path) -> Iterator[StartWorker]:
    """Real workers on the test's database, each with a fault or without one."""
    begun: list[subprocess.Popen[bytes]] = []

    def start(fault: str = "", *, how: tuple[str, ...] = ("--threads", "1")) -> "subprocess.Popen[bytes]":
        environment = {
            **os.environ,
            "DATABASE_URL": url_of(connection.settings_dict["NAME"]),
            "SUPPORTDESK_VAR": str(tmp_path / "var"),
            "OUTBOUND_PRIVATE_HOSTS": desk.shop.place,
            "JOB_LEASE_SECONDS": str(LEASE_SECONDS),
            "SUPPORTDESK_FAULT": fault,
        }
        command = [sys.executable, str(MANAGE), "worker", *how]
        begun.append(subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return begun[-1]

    yield start
    for process in begun:
        if process.poll() is None:
            process.kill()
        process.wait(20)


def until(is_so: Callable[[], bool], *, seconds: float = 240) -> None:
    """Wait for it.

    Raises:
        AssertionError: it did not become so in time.
    """
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, list(Job.objects.values_list("name", "state", "last_error"))
        time.sleep(0.1)


def killed(process: "subprocess.Popen[bytes]") -> bool:
    """Whether the worker died of its fault."""
    return process.wait(240) == -signal.SIGKILL


def one_effect_and_one_answer(desk: Desk, chat: Chat) -> None:
    """The refund happened once, its receipt and one reply stand behind the card."""
    assert [entry["idempotency_key"] for entry in desk.shop.ledger()] == [str(chat.call.pk)]
    assert chat.call.state == State.SUCCEEDED
    assert len(chat.messages(Kind.RECEIPT)) == 1
    assert len([row for row in chat.said if row.seq > chat.card.seq]) == 1
    assert not AgentRun.objects.filter(state="running").exists()


@pytest.mark.parametrize("point", ["before_effect", "after_effect"])
def test_a_worker_killed_around_the_effect_leaves_exactly_one(desk: Desk, start_worker: StartWorker, point: str) -> None:
    # reliability 22, 56
    chat = desk.asked_to_confirm()
    chat.answers(yes=True, then_work=False)
    assert killed(start_worker(point, how=("--once",)))
    assert chat.call.state == State.EXECUTING
    assert len(desk.shop.ledger()) == (point == "after_effect")
    until(lambda: jobs.sweep() > 0, seconds=LEASE_SECONDS + 5)
    work()
    one_effect_and_one_answer(desk, chat)


@pytest.mark.slow
@pytest.mark.parametrize("point", ["before_effect", "after_effect", "run_begun", "turn_thought", "before_send", "after_send"])
def test_the_next_worker_finishes_a_refund_whoever_died_where(desk: Desk, start_worker: StartWorker, point: str) -> None:
    # reliability 22, 56
    chat = desk.asked_to_confirm()
    chat.answers(yes=True, then_work=False)
    assert killed(start_worker(point))
    start_worker("")
    until(lambda: chat.call.state == State.SUCCEEDED and chat.last.seq > chat.card.seq and not Job.objects.exclude(state="done").exists())
    one_effect_and_one_answer(desk, chat)


@pytest.mark.slow
@pytest.mark.parametrize("point", ["run_begun", "turn_thought", "before_send", "after_send"])
def test_the_next_worker_answers_a_question_whoever_died_where(desk: Desk, start_worker: StartWorker, point: str) -> None:
    # reliability 56
    chat = desk.chat()
    chat.says("How long can I return boots I only wore indoors?", then_work=False)
    assert killed(start_worker(point))
    start_worker("")
    until(lambda: bool(chat.said) and not Job.objects.exclude(state="done").exists())
    assert len(chat.said) == 1
    assert "60 days" in chat.last.body
    assert not AgentRun.objects.filter(state="running").exists()


@pytest.mark.slow
@pytest.mark.parametrize("point", ["run_begun", "turn_thought", "before_send", "after_send"])
def test_the_next_worker_hands_over_whoever_died_where(desk: Desk, start_worker: StartWorker, point: str) -> None:  # reliability 56
    chat = desk.chat()
    chat.says("I want to talk to a human", then_work=False)
    worker = start_worker(point)
    if point == "after_send":
        # A handoff has no step after its commit: the worker lives on.
        until(lambda: chat.is_with_a_person)
        worker.kill()
    else:
        assert killed(worker)
        start_worker("")
        until(lambda: chat.is_with_a_person)
    until(lambda: not Job.objects.filter(state__in=["queued", "running"]).exists() or jobs.sweep() > 0)
    work()
    assert chat.ticket.escalations.count() == 1
    assert len(chat.said) == 1
    assert not AgentRun.objects.filter(state="running").exists()
