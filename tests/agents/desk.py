"""Norrholt as a customer meets it: the real shop process, the real workspace, jobs run in the test's own thread.

The workspace is built once and kept as an image of the whole database; each test begins with that image and leaves none of it behind.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from django.core import mail
from django.db.models import F
from django.utils import timezone

from agents.actions import confirmations
from agents.actions.models import State, ToolCall
from agents.releases.models import Agent, Label, Release
from agents.releases.services import make_release, promote
from agents.runtime.invariants import findings
from agents.runtime.models import AgentRun, Step
from policies.models import Rule
from supportdesk.core import jobs
from supportdesk.core.events import SYSTEM_ACTOR, stamp
from supportdesk.core.models import Job, Membership, Tenant
from supportdesk.core.tenancy import acting_for
from supportdesk.demo import workspace
from tickets.identity import ask_for_code, enter_code, send_code
from tickets.models import Author, Channel, ChatSession, Escalation, Kind, Message, Ticket
from tickets.receiving import open_session, receive_chat_message

SERVER = Path(workspace.__file__).parent / "shop" / "server.py"
TOKEN = "shop-test-token"
ROUNDS = 60
SOON = timedelta(minutes=10)
_ids = count(1)


class ShopProcess:
    """The demo shop in its own process, and what a test asks it behind the product's back."""

    def __init__(self, db: Path, token: str = TOKEN) -> None:
        command = [sys.executable, str(SERVER), "--port", "0", "--db", str(db), "--token", token]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=db.parent)
        assert self.process.stdout
        self.url = self.process.stdout.readline().removeprefix("shop on ").strip()
        self.client = httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=20, trust_env=False)

    @property
    def place(self) -> str:
        """host:port."""
        return self.url.removeprefix("http://")

    def reset(self) -> None:
        """Freshly seeded, no fault standing."""
        self.client.delete("/v1/faults").raise_for_status()
        self.client.post("/v1/reset").raise_for_status()

    def fault(self, mode: str, *, times: int | None = None, method: str = "POST", path: str = "/v1/") -> None:
        """Misbehave from now on, `times` times or until the next reset."""
        self.client.put("/v1/faults", json={"mode": mode, "count": times, "path": path, "method": method}).raise_for_status()

    def heal(self) -> None:
        """Behave again."""
        self.client.delete("/v1/faults").raise_for_status()

    def ledger(self) -> list[dict[str, Any]]:
        """Every effect that was ever taken."""
        entries: list[dict[str, Any]] = self.client.get("/v1/ledger?after=0").raise_for_status().json()["entries"]
        return entries

    def order(self, number: str) -> dict[str, Any]:
        """One order as the shop has it."""
        order: dict[str, Any] = self.client.get(f"/v1/orders/{number}").raise_for_status().json()
        return order

    def refund(self, number: str, amount: int, *, currency: str = "EUR", key: str = "") -> None:
        """A refund somebody makes in the shop itself."""
        sent = {"amount": amount, "currency": currency, "reason": "made in the shop"}
        headers = {"Idempotency-Key": key or f"direct-{next(_ids)}"}
        self.client.post(f"/v1/orders/{number}/refunds", json=sent, headers=headers).raise_for_status()

    def stop(self) -> None:
        """End it."""
        self.client.close()
        self.process.terminate()
        self.process.communicate(timeout=10)


def build(site: workspace.Site | None = None) -> None:
    """The workspace as it opens; another one than the demo's own, if it is named."""
    with _without_first_messages():
        workspace.build(site)
    while stamp():
        pass


@contextmanager
def _without_first_messages() -> Iterator[None]:
    kept, workspace.FIRST_MESSAGES = workspace.FIRST_MESSAGES, ()  # type: ignore[assignment]
    try:
        yield
    finally:
        workspace.FIRST_MESSAGES = kept


def work(*, rounds: int = ROUNDS) -> int:
    """Run jobs until none is left that is due within minutes, waiting for none. Returns how many ran."""
    done = 0
    for _round in range(rounds):
        now = timezone.now()
        Job.objects.filter(state=Job.State.QUEUED, run_at__lt=now + SOON).update(run_at=now - timedelta(seconds=5))
        ran = jobs.run_due()
        done += ran
        if not ran:
            return done
    raise AssertionError(
        f"jobs are never done: {list(Job.objects.filter(state=Job.State.QUEUED).values_list('name', 'args', 'last_error'))}"
    )


def code_in(text: str) -> str:
    """The six digits of a mailed code."""
    found = re.search(r"\b(\d{3}) (\d{3})\b", text)
    assert found, text
    return "".join(found.groups())


@dataclass
class Chat:
    """One visitor's chat, seen from outside."""

    desk: "Desk"
    session: ChatSession

    @property
    def ticket(self) -> Ticket:
        """The ticket as it is now."""
        found: Ticket = Ticket.objects.select_related("brand", "customer", "queue").get(pk=self.session.ticket_id)
        return found

    def says(self, text: str, *, client_id: str = "", then_work: bool = True) -> Message:
        """Send one message, and let the agent take its turn."""
        message = receive_chat_message(session=self.session, body=text, client_id=client_id or f"c{next(_ids)}")
        if then_work:
            work()
        return message

    def proves(self, email: str, *, then_work: bool = True) -> None:
        """Ask for a code, read it from the mail, enter it."""
        ask_for_code(ticket_id=self.session.ticket_id, email=email)
        work()
        enter_code(ticket_id=self.session.ticket_id, digits=code_in(mail.outbox[-1].body))
        if then_work:
            work()

    def messages(self, *kinds: Kind, author: Author | None = None) -> list[Message]:
        """What stands in the chat, of these kinds (none given: all)."""
        rows = Message.objects.filter(ticket=self.session.ticket_id).order_by("seq")
        if kinds:
            rows = rows.filter(kind__in=kinds)
        return list(rows.filter(author=author) if author else rows)

    @property
    def said(self) -> list[Message]:
        """What the agent said, cards included."""
        return self.messages(author=Author.AI)

    @property
    def last(self) -> Message:
        """The agent's newest utterance."""
        return self.said[-1]

    @property
    def shown(self) -> str:
        """Everything a customer can read in this chat that they did not write themselves."""
        rows = [row for row in self.messages() if row.author != Author.CUSTOMER and not row.is_private]
        return "\n".join(f"{row.body} {row.data} {row.citations}" for row in rows)

    @property
    def card(self) -> Message:
        """The newest confirmation card."""
        return self.messages(Kind.CONFIRM)[-1]

    def answers(self, *, yes: bool, card: Message | None = None, shown_hash: str = "", then_work: bool = True) -> ToolCall:
        """Press a button of a card, and let the executor run."""
        data = (card or self.card).data
        call = confirmations.answer(ticket_id=self.ticket.pk, call_id=data["call"], shown_hash=shown_hash or data["hash"], yes=yes)
        if then_work:
            work()
        return call

    @property
    def calls(self) -> list[ToolCall]:
        """The ticket's action ledger, oldest first."""
        return list(ToolCall.objects.filter(ticket=self.session.ticket_id, is_write=True).order_by("created_at"))

    @property
    def call(self) -> ToolCall:
        """The newest write."""
        return self.calls[-1]

    @property
    def runs(self) -> list[AgentRun]:
        """The agent's attempts, oldest first."""
        return list(AgentRun.objects.filter(ticket=self.session.ticket_id).order_by("id"))

    def steps(self, kind: Step.Kind | None = None) -> list[Step]:
        """The trace of the newest run."""
        rows = Step.objects.filter(run=self.runs[-1]).order_by("number")
        return list(rows.filter(kind=kind) if kind else rows)

    @property
    def escalation(self) -> Escalation:
        """The one handoff of this ticket."""
        found: Escalation = Escalation.objects.get(ticket=self.session.ticket_id)
        return found

    @property
    def is_with_a_person(self) -> bool:
        """Whether it was passed on."""
        return self.ticket.handler == "human"


@dataclass
class Desk:
    """The workspace and its shop."""

    tenant: Tenant
    shop: ShopProcess
    chats: list[Chat] = field(default_factory=list)

    def chat(self) -> Chat:
        """A new visitor."""
        session, _token = open_session(Channel.objects.select_related("brand").get(key="chat"))
        made = Chat(self, session)
        self.chats.append(made)
        return made

    def proven(self, email: str, opening: str = "Hello") -> Chat:
        """A visitor who has proved who they are; what they said so far counts as answered."""
        chat = self.chat()
        chat.says(opening, then_work=False)
        code = ask_for_code(ticket_id=chat.session.ticket_id, email=email)
        send_code(code.pk)
        enter_code(ticket_id=chat.session.ticket_id, digits=code_in(mail.outbox[-1].body))
        Job.objects.filter(state=Job.State.QUEUED, name__in=["runtime.start_run", "tickets.send_code"]).delete()
        Ticket.objects.filter(pk=chat.session.ticket_id).update(answered_seq=F("asked_seq"), waiting_since=None)
        return chat

    def asked_to_confirm(self, wish: str = "Please refund N-20377, the boots do not fit", email: str = "ida@mail.example") -> Chat:
        """A proven visitor who looks at a confirmation card."""
        chat = self.chat()
        chat.says(wish)
        chat.proves(email)
        assert chat.last.kind == Kind.CONFIRM, chat.shown
        return chat

    @property
    def agent(self) -> Agent:
        """Alder."""
        found: Agent = Agent.objects.get()
        return found

    def teammate(self, email: str = "mira@norrholt.example") -> Membership:
        """One of the people."""
        return Membership.objects.get(tenant=self.tenant, user__email=email)

    def change_rule(self, code: str, **fields: Any) -> Release:
        """Edit one rule, publish and promote."""
        Rule.objects.filter(code=code).update(**fields)
        return self.release()

    def release(self, **fields: Any) -> Release:
        """Publish what the agent is now, with `fields` changed, and make it live."""
        agent = self.agent
        for name, value in fields.items():
            setattr(agent, name, value)
        agent.save()
        made = make_release(agent, by=SYSTEM_ACTOR)
        promote(made, by=SYSTEM_ACTOR)
        return made

    def without_release(self) -> None:
        """Nothing is live."""
        Label.objects.all().delete()


def broken_promises() -> list[str]:
    """What the eight invariants find."""
    return [f"{each.invariant} {each.text}" for each in findings()]


def open_desk(shop: ShopProcess) -> Desk:
    """The workspace of the image, its connector pointing to this shop."""
    return Desk(Tenant.objects.get(slug="norrholt"), shop)


__all__ = ["Chat", "Desk", "ShopProcess", "State", "acting_for", "broken_promises", "open_desk", "work"]
