"""The talk as its customer may see it: which messages, in which shape, and how the cards and the ticket stand now."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from agents.actions.models import Confirmation, State, ToolCall
from agents.runtime.models import AgentRun
from supportdesk.chat.news import News, sentence
from supportdesk.core.models import Brand, TeamMember
from supportdesk.core.switches import is_stopped
from tickets.identity import RESEND_SECONDS, masked
from tickets.models import Author, ChatSession, Handler, IdentityProof, Kind, Message, OneTimeCode, QueueTeam, Status, Ticket

# An allow-list: a kind nobody thought of here stays with the teammates.
SHOWN = (Kind.TEXT, Kind.CODE, Kind.CONFIRM, Kind.RECEIPT, Kind.NEWS)
# Cards change after they were sent, so they are told again with every look at the thread.
CARDS = (Kind.CODE, Kind.CONFIRM)
UNDER_WAY = {State.WAITING: "waiting", State.APPROVED: "doing", State.EXECUTING: "doing", State.UNKNOWN: "unknown"}
SETTLED = {State.SUCCEEDED: "done", State.FAILED: "failed", State.DENIED: "failed", State.REJECTED: "rejected"}


@dataclass(frozen=True)
class CodeCard:
    """The one-time code as a field: `state` is ask (for an address), sent, proven or over."""

    state: str
    email: str = ""
    hint: str = ""
    expires_at: datetime | None = None
    again_at: datetime | None = None


@dataclass(frozen=True)
class ConfirmCard:
    """A question before an act: `state` is open, no, over, or the yes's outcome: waiting, doing, done, failed, rejected, unknown.

    `became` is what a teammate made of it, where they did.
    """

    state: str
    call: str
    hash: str
    title: str
    facts: list[tuple[str, str]]
    yes: str
    no: str
    answered_at: datetime | None = None
    became: str = ""


@dataclass(frozen=True)
class Receipt:
    """What was done, with its reference; a fact that is a moment comes as one."""

    title: str
    facts: list[tuple[str, str | datetime]]


@dataclass(frozen=True)
class Entry:
    """One thing in the thread; `shape` names its template."""

    message: Message
    shape: str
    who: str = ""
    team: str = ""
    initials: str = ""
    client_id: str = ""
    sources: Sequence[dict[str, Any]] = ()
    code: CodeCard | None = None
    confirm: ConfirmCard | None = None
    receipt: Receipt | None = None
    news: News | None = None

    @property
    def state(self) -> str:
        """How the card stands, which the page compares to know whether to show it anew; empty for what never changes."""
        card = self.code or self.confirm
        return f"{card.state}{f'-{self.code.again_at:%H%M%S}' if self.code and self.code.again_at else ''}" if card else ""


@dataclass(frozen=True)
class Pending:
    """An act under way that the customer waits for."""

    call: str
    state: str
    title: str
    facts: list[tuple[str, str]]


@dataclass(frozen=True)
class Thread:
    """The ticket as the page shows it now."""

    brand: Brand
    entries: list[Entry] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)
    handler: str = Handler.AI.value
    status: str = Status.OPEN.value
    is_working: bool = False
    answers: tuple[str, str] = ("", "")
    last_seq: int = 0
    newest_answer: int = 0


def shown_messages(ticket_id: int) -> QuerySet[Message]:
    """The messages of a ticket its customer may see, oldest first; never a private note."""
    return Message.objects.filter(ticket_id=ticket_id, kind__in=SHOWN).order_by("seq")


def thread_of(session: ChatSession, after: int = 0) -> Thread:
    """The session's thread: what came after `after`, the cards as they stand, and the ticket's state."""
    brand = session.channel.brand
    ticket = session.ticket
    if ticket is None:
        return Thread(brand, answers=answerer(brand, None))
    # The newest seq is read first and bounds the rest: what is written in between waits for the next look instead of being skipped by it.
    newest = shown_messages(ticket.pk).order_by("-seq").values_list("seq", "kind", "author").first()
    upto = newest[0] if newest else 0
    fresh = shown_messages(ticket.pk).filter(Q(seq__gt=after) | Q(kind__in=CARDS), seq__lte=upto)
    messages = list(fresh.select_related("member__user"))
    reader = _Reader(session, ticket, messages)
    is_working = ticket.is_open and ticket.handler == Handler.AI and (ticket.asked_seq > ticket.answered_seq or _is_running(ticket))
    answered = newest is not None and newest[1] == Kind.TEXT and newest[2] == Author.AI
    judged = answered and not is_working and ticket.is_open and ticket.handler == Handler.AI and not reader.pending()
    return Thread(
        brand=brand,
        entries=[entry for message in messages if (entry := reader.entry(message))],
        pending=reader.pending(),
        handler=ticket.handler,
        status=ticket.status,
        is_working=is_working,
        answers=answerer(brand, ticket),
        last_seq=upto,
        newest_answer=upto if judged else 0,
    )


def _is_running(ticket: Ticket) -> bool:
    """Whether a turn is under way that no question waits for, such as the one after a proof or a settled call."""
    alive = AgentRun.objects.filter(ticket=ticket, state=AgentRun.State.RUNNING, lease_until__gt=timezone.now())
    return bool(alive.exists())


def answerer(brand: Brand, ticket: Ticket | None) -> tuple[str, str]:
    """Who answers here and how soon: the line under the brand's name, of which narrow screens show the first half."""
    minutes = brand.reply_minutes
    soon = ngettext("usually within %(minutes)s minute", "usually within %(minutes)s minutes", minutes) % {"minutes": minutes}
    if ticket is not None and ticket.is_open and ticket.handler == Handler.HUMAN:
        if ticket.assignee is not None:
            return _("%(name)s is here") % {"name": ticket.assignee.name.split()[0]}, ""
        return _("A person will answer"), soon
    if is_stopped():
        return _("People answer here"), soon
    return _("%(agent)s, AI agent") % {"agent": brand.agent_name}, _("answers in seconds")


class _Reader:
    """Turns messages into entries; reads everything around them in a fixed number of queries."""

    def __init__(self, session: ChatSession, ticket: Ticket, messages: list[Message]) -> None:
        self.session, self.ticket = session, ticket
        self.agent = session.channel.brand.agent_name
        self.newest_code = max((message.seq for message in messages if message.kind == Kind.CODE), default=0)
        self.calls = {str(call.pk): call for call in ToolCall.objects.filter(ticket=ticket, is_write=True).order_by("created_at")}
        self.edits = {call.edited_from_id: call for call in self.calls.values() if call.edited_from_id}
        self.confirmations: dict[tuple[str, str], Confirmation] = {
            (str(row.call_id), row.shown_hash): row for row in Confirmation.objects.filter(call__ticket=ticket).order_by("id")
        }
        self.sent_code = OneTimeCode.objects.filter(ticket=ticket).order_by("-id").first()
        self.proof = IdentityProof.objects.filter(ticket=ticket, revoked_at=None).order_by("-id").first()
        self.teams = _team_names({message.member_id for message in messages if message.member_id}, ticket)

    def entry(self, message: Message) -> Entry | None:
        """The message in its shape; None for news that says nothing."""
        if message.kind == Kind.NEWS:
            news = sentence(message, self.agent)
            return Entry(message, "event", news=news) if news else None
        if message.kind == Kind.RECEIPT:
            return Entry(message, "receipt", receipt=_receipt(message))
        if message.author == Author.CUSTOMER:
            prefix = f"{self.session.public_id}:"
            known = message.external_id.removeprefix(prefix) if message.external_id.startswith(prefix) else ""
            return Entry(message, "mine", client_id=known)
        who, team, initials = "", "", ""
        if message.author == Author.TEAMMATE and message.member is not None:
            who, initials = message.member.name.split()[0], message.member.user.initials
            team = self.teams.get(message.member_id or 0, "")
        return Entry(
            message,
            "say",
            who=who,
            team=team,
            initials=initials,
            sources=[source for source in message.citations if _is_link(str(source.get("url", "")))],
            code=self._code(message) if message.kind == Kind.CODE else None,
            confirm=self._confirm(message) if message.kind == Kind.CONFIRM else None,
        )

    def pending(self) -> list[Pending]:
        """Every act under way, as the customer may know it."""
        return [
            Pending(str(call.pk), UNDER_WAY[State(call.state)], _statement(call.card), _facts(call.card)[:2])
            for call in self.calls.values()
            if call.state in UNDER_WAY
        ]

    def _as_it_became(self, call_id: str) -> ToolCall | None:
        """The call, or the one a teammate put in its place: a card that was answered shows how that went."""
        newest = self.calls.get(call_id)
        while newest is not None and (edit := self.edits.get(newest.pk)):
            newest = edit
        return newest

    def _code(self, message: Message) -> CodeCard:
        if self.proof is not None and self.proof.proved_at >= message.created_at:
            return CodeCard("proven")
        if message.seq != self.newest_code or not self.ticket.is_open:
            return CodeCard("over")
        hint = str(message.data.get("email_hint", ""))
        code = self.sent_code
        # A code that was on its way before the question still answers it, while it holds.
        if code is None or code.used_at or (code.created_at < message.created_at and code.expires_at <= timezone.now()):
            return CodeCard("ask", hint="" if "•" in hint else hint)
        return CodeCard(
            "sent",
            email=masked(code.email),
            expires_at=code.expires_at,
            again_at=code.created_at + timedelta(seconds=RESEND_SECONDS),
        )

    def _confirm(self, message: Message) -> ConfirmCard:
        call_id, shown_hash = str(message.data.get("call", "")), str(message.data.get("hash", ""))
        card = message.data.get("card") or {}
        call, asked = self._as_it_became(call_id), self.confirmations.get((call_id, shown_hash))
        return ConfirmCard(
            state=_confirm_state(call, asked),
            call=call_id,
            hash=shown_hash,
            title=str(card.get("title", "")),
            facts=_facts(card),
            yes=str(card.get("yes") or _("Yes, do it")),
            no=str(card.get("no") or _("No, leave it")),
            answered_at=asked.answered_at if asked else None,
            became=_statement(call.card) if call and str(call.pk) != call_id else "",
        )


def _confirm_state(call: ToolCall | None, asked: Confirmation | None) -> str:
    if call is None or asked is None:
        return "over"
    if asked.answer == "no":
        return "no"
    if asked.answer == "yes":
        return UNDER_WAY.get(State(call.state)) or SETTLED.get(State(call.state), "over")
    is_open = call.state == State.NEEDS_CONFIRMATION and asked.expires_at > timezone.now()
    return "open" if is_open else "over"


def _facts(card: dict[str, Any]) -> list[tuple[str, str]]:
    return [(str(pair[0]), str(pair[1])) for pair in card.get("facts", []) if isinstance(pair, list | tuple) and len(pair) == 2]


def _statement(card: dict[str, Any]) -> str:
    """The card's question as a plain phrase: “Refund €64.00?” becomes “Refund €64.00”, and so in every language's marks."""
    return str(card.get("title", "")).strip("¿?؟ \u00a0\u202f")


def _receipt(message: Message) -> Receipt:
    content = message.data.get("receipt") or {}
    facts = [(name, _moment(value)) for name, value in _facts(content)]
    return Receipt(title=str(content.get("title", "")) or message.body, facts=facts)


def _moment(value: str) -> str | datetime:
    try:
        moment = parse_datetime(value) if "T" in value else None
    except ValueError:
        return value
    return moment if moment is not None and timezone.is_aware(moment) else value


def _is_link(url: str) -> bool:
    return url.startswith(("https://", "http://")) or (url.startswith("/") and not url.startswith("//"))


def _team_names(members: Iterable[int], ticket: Ticket) -> dict[int, str]:
    """Each teammate's team: the one that works the ticket's queue before any other of theirs."""
    works_here = Exists(QueueTeam.objects.filter(team=OuterRef("team"), queue=ticket.queue_id))
    rows = TeamMember.objects.filter(membership_id__in=list(members)).select_related("team").annotate(works_here=works_here)
    return {row.membership_id: row.team.name for row in rows.order_by("works_here", "-id")}
