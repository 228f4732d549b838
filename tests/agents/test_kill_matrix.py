"""Kill -9 at every labelled step of a turn, a decision and an execution, under every decision there is: a table of effects and replies.

Reliability 56. The real worker process dies at the step; another one, without a fault, goes on by itself.
"""

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

from agents.actions.models import Approval, State
from agents.runtime.models import AgentRun
from supportdesk.core.faults import POINTS
from supportdesk.core.models import Job
from tests.agents.desk import Chat, Desk
from tests.agents.images import url_of
from tickets.models import Author, Kind

pytestmark = [pytest.mark.usefixtures("promises"), pytest.mark.slow]
ROOT = Path(django_settings.BASE_DIR)
LEASE_SECONDS = 2
ACTS = ("confirm", "approve", "reject", "edit", "double click")
# Where each step lies: in the process that takes the message or the decision, in the turn, in the execution, in the reconciliation.
DECIDING = ("customer_answered", "approval_decided")
TURN = ("run_begun", "turn_thought", "before_send", "after_send")
EXECUTION = ("before_effect", "after_effect", "before_settle", "after_settle")
RECONCILIATION = ("before_reconcile", "after_reconcile")
EFFECT = {"confirm": 6400, "approve": 15000, "edit": 14000, "double click": 15000}
Run = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def run(desk: Desk, tmp_path: Path) -> Iterator[Run]:
    """Starts a process of ours on the test's database, with a fault or without one."""
    begun: list[subprocess.Popen[bytes]] = []

    def start(*command: str, fault: str = "") -> "subprocess.Popen[bytes]":
        environment = {
            **os.environ,
            "DATABASE_URL": url_of(connection.settings_dict["NAME"]),
            "SUPPORTDESK_VAR": str(tmp_path / "var"),
            "OUTBOUND_PRIVATE_HOSTS": desk.shop.place,
            "JOB_LEASE_SECONDS": str(LEASE_SECONDS),
            "SUPPORTDESK_FAULT": fault,
        }
        words = [sys.executable, *command]
        begun.append(subprocess.Popen(words, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return begun[-1]

    yield start
    for process in begun:
        if process.poll() is None:
            process.kill()
        process.wait(20)


def ready(desk: Desk, act: str) -> Chat:
    """A customer before the decision."""
    if act == "confirm":
        return desk.asked_to_confirm()
    chat = desk.asked_to_confirm("Please refund 150.00 EUR of order N-20418, the pole set broke")
    chat.answers(yes=True)
    assert chat.call.state == State.WAITING
    return chat


def decide(desk: Desk, chat: Chat, act: str, run: Run, fault: str = "") -> None:
    """The decision, each in a process of its own; a double click is two at once."""
    tenant = str(desk.tenant.pk)
    if act == "confirm":
        wanted = [("confirm", tenant, str(chat.ticket.pk), chat.card.data["call"], chat.card.data["hash"])]
    else:
        approval = Approval.objects.get(decision="")
        verb = "approve" if act == "double click" else act
        wanted = [(verb, tenant, str(approval.pk), str(desk.teammate().pk), approval.shown_hash)] * (2 if act == "double click" else 1)
    # Whoever decides first dies; the second click finds it decided and comes back.
    processes = [run("-m", "tests.agents.decider", *words, fault=fault) for words in wanted]
    codes = sorted(process.wait(240) for process in processes)
    assert codes == [-signal.SIGKILL if fault else 0, *[0] * (len(codes) - 1)], codes


def settled(chat: Chat, act: str) -> bool:
    done = {"reject": State.REJECTED}.get(act, State.SUCCEEDED)
    told = any(row.seq > chat.card.seq + 1 for row in chat.said if row.kind == Kind.TEXT)
    waiting = Job.objects.exclude(state="done").exclude(name="actions.expire_approval").exists()
    return chat.call.state == done and told and not waiting


def cases() -> Iterator[tuple[str, str]]:
    """Every step a decision can reach."""
    for act in ACTS:
        yield act, "customer_answered" if act == "confirm" else "approval_decided"
        steps = TURN if act == "reject" else (*EXECUTION, *TURN, *RECONCILIATION)
        yield from ((act, step) for step in steps)


def test_every_labelled_step_is_in_the_table() -> None:
    assert {step for _act, step in cases()} | {"message_stored"} == set(POINTS)


@pytest.mark.parametrize(("act", "step"), list(cases()))
def test_killed_at_a_step_of_a_decision(desk: Desk, run: Run, act: str, step: str, capsys: pytest.CaptureFixture[str]) -> None:
    # reliability 22, 56
    chat = ready(desk, act)
    replies = len([row for row in chat.said if row.kind == Kind.TEXT])
    if step in RECONCILIATION:
        # The shop takes the effect and its answer is lost: only then is there something to reconcile.
        desk.shop.fault("lost", times=1)
    decide(desk, chat, act, run, fault=step if step in DECIDING else "")
    began = time.monotonic()
    if step not in DECIDING:
        worker = run("manage.py", "worker", "--threads", "1", fault=step)
        assert worker.wait(240) == -signal.SIGKILL, "the step was never reached"
    began = time.monotonic()
    run("manage.py", "worker", "--threads", "1")
    end = began + 240
    while not settled(chat, act):
        assert time.monotonic() < end, [chat.call.state, list(Job.objects.values_list("name", "state", "last_error"))]
        time.sleep(0.1)
    seconds = time.monotonic() - began
    effects = [entry["amount"] for entry in desk.shop.ledger()]
    new = len([row for row in chat.said if row.kind == Kind.TEXT]) - replies
    receipts = len(chat.messages(Kind.RECEIPT))
    with capsys.disabled():
        print(f"\n| {act} | {step} | {len(effects)} {effects} | {receipts} | {new} | {chat.call.state} | {seconds:.1f} s |", end="")
    assert effects == ([] if act == "reject" else [EFFECT[act]])
    assert receipts == len(effects)
    assert new == 1
    assert not AgentRun.objects.filter(state="running").exists()
    assert Approval.objects.exclude(decision="").count() <= 2


def test_a_message_whose_web_process_died_after_storing_it_is_answered_once(desk: Desk, run: Run) -> None:  # reliability 56
    chat = desk.chat()
    chat.says("Hello", then_work=True)
    words = (
        "-m",
        "tests.agents.decider",
        "say",
        str(desk.tenant.pk),
        str(chat.session.pk),
        "How long can I return boots I only wore indoors?",
    )
    for fault in ("message_stored", ""):
        # The browser sends again what was not acknowledged.
        assert run(*words, fault=fault).wait(120) == (-signal.SIGKILL if fault else 0)
    run("manage.py", "worker", "--threads", "1")
    end = time.monotonic() + 240
    while "60 days" not in chat.last.body:
        assert time.monotonic() < end
        time.sleep(0.1)
    asked = [row for row in chat.messages(author=Author.CUSTOMER) if "indoors" in row.body]
    assert len(asked) == 1
    assert len([row for row in chat.said if row.seq > asked[0].seq]) == 1
