"""The whole production form as its own processes, and customers who never stop writing."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connections
from django.utils import timezone

from supportdesk.core.models import Tenant
from supportdesk.core.processes import free_port, is_taken
from supportdesk.core.tenancy import acting_for
from tickets.models import Author, Channel, Message
from tickets.receiving import open_session, receive_chat_message

QUESTION = "How long can I return boots I only wore indoors?"
EVERY_SECONDS = 0.2


class Desk:
    """`manage.py serve --form production --demo` on the test's database."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        self.var = folder / "var"
        self.var.mkdir()
        self.log = folder / "serve.log"
        self.port = _two_free_ports()
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "supportdesk.settings",
            "SUPPORTDESK_VAR": str(self.var),
            "DATABASE_URL": settings.DATABASE_URL,
            "REDIS_URL": redis_url,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin, and wait until a first question is answered.

        Raises:
            AssertionError: with the log, when they do not.
        """
        command = [sys.executable, "manage.py", "serve", "--form", "production", "--demo", "--port", str(self.port)]
        with self.log.open("w") as log:
            self._process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=self.environment, stdout=log, stderr=log)
        until(lambda: "is ready" in self.said() or self._process.poll() is not None, 180, self.said)
        assert self._process.poll() is None, self.said()
        first = Customers()
        first.ask(Tenant.objects.get(slug="norrholt"))
        until(lambda: first.all_answered(timezone.now()), 180, self.said)

    def stop(self) -> None:
        """End cleanly."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)

    def said(self) -> str:
        """Everything its processes said so far."""
        return self.log.read_text() if self.log.exists() else ""

    def pid(self, name: str) -> int:
        """The process id of a child."""
        return int((self.var / f"{name}.pid").read_text())


def until(is_so: Callable[[], object], seconds: float, or_say: Callable[[], object] = lambda: "") -> float:
    """Wait for it; returns how long it took.

    Raises:
        AssertionError: it did not become so in time.
    """
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < seconds, or_say()
        time.sleep(0.1)
    return time.monotonic() - began


@dataclass
class Written:
    """One message and its ticket."""

    ticket_id: int
    at: datetime


@dataclass
class Customers:
    """Five new customers a second, each with one question, from the first call of `begin` to `stop`."""

    written: list[Written] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """Start writing."""
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write no more."""
        self._enough.set()
        self._thread.join(30)

    def ask(self, tenant: Tenant) -> None:
        """A new customer asks."""
        with acting_for(tenant):
            session, _token = open_session(Channel.objects.get(key="chat"))
            message = receive_chat_message(session=session, body=QUESTION, client_id="first")
        self.written.append(Written(message.ticket_id, timezone.now()))

    def _write(self) -> None:
        tenant = Tenant.objects.get(slug="norrholt")
        next_at = time.monotonic()
        while not self._enough.is_set():
            try:
                self.ask(tenant)
            except Exception as error:
                self.refused.append(f"{type(error).__name__}: {error}")
            next_at += EVERY_SECONDS
            time.sleep(max(0.0, next_at - time.monotonic()))
        connections.close_all()

    def answers(self) -> dict[int, list[datetime]]:
        """When the agent answered each ticket."""
        with acting_for(Tenant.objects.get(slug="norrholt")):
            ids = [one.ticket_id for one in self.written]
            rows = Message.objects.filter(ticket_id__in=ids, author=Author.AI).order_by("seq").values_list("ticket_id", "created_at")
            found: dict[int, list[datetime]] = {ticket_id: [] for ticket_id in ids}
            for ticket_id, at in rows:
                found[ticket_id].append(at)
            return found

    def all_answered(self, before: datetime) -> bool:
        """Whether everything written before that moment has its answer."""
        found = self.answers()
        return all(found[one.ticket_id] for one in self.written if one.at <= before)


@dataclass(frozen=True)
class Outcome:
    """What one fault did: how many messages, how long the slowest waited, and how long after the fault all of before were answered."""

    messages: int
    worst: float
    caught_up: float

    def __str__(self) -> str:
        return f"{self.messages} messages, slowest answer {self.worst:.1f} s, caught up {self.caught_up:.1f} s after the fault"


def drill(fault: Callable[[], None], *, before: float = 6.0, after: float = 12.0) -> Outcome:
    """Let customers write before, during and after the fault, and look at what became of each message.

    Raises:
        AssertionError: a message was refused, not answered within 30 seconds after the fault, or answered more than once.
    """
    customers = Customers()
    customers.begin()
    time.sleep(before)
    fault()
    over = timezone.now()
    time.sleep(after)
    customers.stop()
    until(lambda: customers.all_answered(over), 60, lambda: _unanswered(customers))
    until(lambda: customers.all_answered(timezone.now()), 60, lambda: _unanswered(customers))
    answers = customers.answers()
    waits = {one.ticket_id: answers[one.ticket_id][0] - one.at for one in customers.written}
    held = [answers[one.ticket_id][0] for one in customers.written if one.at <= over]
    outcome = Outcome(
        messages=len(customers.written),
        worst=max(waits.values(), default=timedelta()).total_seconds(),
        caught_up=max(0.0, (max(held) - over).total_seconds()),
    )
    assert customers.refused == []
    assert [ticket for ticket, at in answers.items() if len(at) != 1] == [], outcome
    assert outcome.caught_up <= 30, outcome
    return outcome


def _unanswered(customers: Customers) -> str:
    found = customers.answers()
    return f"{sum(not at for at in found.values())} of {len(found)} have no answer"


def _two_free_ports() -> int:
    while is_taken("127.0.0.1", (port := free_port()) + 1):
        pass
    return port
