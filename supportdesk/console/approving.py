"""Approvals as teammates read them: rows that wait, the whole card, what was decided today. Nothing is written here."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from agents.actions.models import Approval, ToolCall
from supportdesk.console import words
from supportdesk.console.amounts import major
from supportdesk.console.evidence import Change, Proof, Reason, changes_of, proofs_of, reasons_of, short_reason
from supportdesk.core.models import Membership
from supportdesk.core.money import amount_text
from supportdesk.core.permissions import may
from tickets.models import Author, Kind, Message, Ticket

SOON = timedelta(minutes=20)
MOST_WAITING, MOST_DECIDED = 100, 50
Choice = Approval.Decision
EDITABLE = {"create_refund": "amount", "change_address": "address"}
REASONS = (
    "Offer a repair or a replacement first",
    "Evidence is missing",
    "Not covered by our terms",
    "Looks like misuse",
    "The customer changed their mind",
)
ADDRESS_FIELDS = (
    ("name", "Name", 120),
    ("line1", "Street and number", 120),
    ("line2", "More", 120),
    ("postcode", "Postcode", 12),
    ("city", "City", 120),
    ("country", "Country, two letters", 2),
)
ICONS = {"create_refund": "coins", "cancel_order": "x", "change_address": "truck", "cancel_subscription": "refresh"}
TONES = {Choice.APPROVE: "ok", Choice.EDIT: "info", Choice.REJECT: "bad", Choice.EXPIRE: "warn", Choice.VOID: "warn"}


@dataclass(frozen=True)
class Row:
    """One approval in the list."""

    approval: Approval
    title: str
    amount: str
    icon: str
    asker: str
    is_ai: bool
    why: str
    is_soon: bool
    tone: str


@dataclass(frozen=True)
class Desk:
    """The list: what waits, what was decided today, and the last decision of all for when nothing waits."""

    waiting: list[Row]
    total: int
    decided: list[Row]
    decided_total: int
    last: Row | None


@dataclass(frozen=True)
class Decided:
    """How it ended: who, what, when, and why where somebody said it."""

    choice: str
    words: str
    who: str
    at: datetime
    tone: str
    icon: str
    reason: str = ""
    say: str = ""
    became: ToolCall | None = None
    act: str = ""
    waits: Approval | None = None


@dataclass(frozen=True)
class Card:
    """Everything one card shows; `state` is open, own, reader, closed, late or decided."""

    approval: Approval
    title: str
    amount: str
    where: str
    asker: str
    is_ai: bool
    state: str
    go: str
    reasons: list[Reason]
    proofs: list[Proof]
    changes: list[Change]
    told: Message | None
    edits: str = ""
    editing: dict[str, Any] = field(default_factory=dict)
    decided: Decided | None = None
    was: str = ""
    is_soon: bool = False
    notice: str = ""

    @property
    def outcome(self) -> tuple[Any, str]:
        """Where the call stands, or the one it became: words and tone."""
        state = self._last.state
        return words.STATES.get(state, (state, ""))

    @property
    def reference(self) -> str:
        """The connected system's reference, once it is done."""
        return self._last.reference

    @property
    def _last(self) -> ToolCall:
        return self.decided.became if self.decided and self.decided.became else self.approval.call

    @property
    def address_fields(self) -> list[tuple[str, str, str, int]]:
        """The address as fields: name, words, value, longest."""
        return [(name, said, str(self.editing.get(name, "")), most) for name, said, most in ADDRESS_FIELDS]

    @property
    def version(self) -> str:
        """Changes with anything a reader would want to see changed, and with nothing else."""
        told = self.told.pk if self.told else None
        ended = (self.decided.words, self.decided.waits and self.decided.waits.pk) if self.decided else ""
        shown = (self.state, self.outcome[0], ended, self.reasons, self.proofs, self.changes, self.is_soon, self.notice, told)
        return hashlib.sha256(repr(shown).encode()).hexdigest()[:12]


def waiting_count(member: Membership) -> int:
    """How many approvals wait that the teammate may see."""
    if not may(member, "approval.see"):
        return 0
    count: int = Approval.objects.visible_to(member).waiting().count()
    return count


def desk_of(member: Membership) -> Desk:
    """The list as it is now; a fixed number of queries whatever its length."""
    visible = Approval.objects.visible_to(member)
    waiting = list(visible.waiting().joined()[: MOST_WAITING + 1])
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    today = list(visible.decided().filter(decided_at__gte=midnight).joined()[: MOST_DECIDED + 1])
    many = len(waiting) > MOST_WAITING
    last = today[0] if today else visible.decided().joined().first() if not waiting else None
    return Desk(
        waiting=[row_of(each) for each in waiting[:MOST_WAITING]],
        total=visible.waiting().count() if many else len(waiting),
        decided=[row_of(each) for each in today[:MOST_DECIDED]],
        decided_total=visible.decided().filter(decided_at__gte=midnight).count() if len(today) > MOST_DECIDED else len(today),
        last=row_of(last) if last else None,
    )


def row_of(approval: Approval) -> Row:
    """One approval as a row; asks the database nothing when it was joined."""
    call = approval.call
    asker, is_ai = _asker(approval)
    return Row(
        approval=approval,
        title=words.ask_title(call),
        amount=_amount(call),
        icon=ICONS.get(call.tool, "approve"),
        asker=asker,
        is_ai=is_ai,
        why=short_reason(approval),
        is_soon=_is_soon(approval),
        tone=TONES.get(Choice(approval.decision), "") if approval.decision else "",
    )


def found_approval(member: Membership, approval_id: int) -> Approval:
    """The approval, if the teammate may see its ticket.

    Raises:
        Http404: for no such approval, another workspace's, and one of a queue that is not theirs: they look alike.
    """
    approval: Approval | None = Approval.objects.visible_to(member).joined().filter(pk=approval_id).first() if approval_id < 2**63 else None
    if approval is None:
        raise Http404("There is no such approval here.")
    return approval


def cards_on(ticket: Ticket, member: Membership, *, also: Sequence[int] = ()) -> list[Card]:
    """The cards of a ticket's page: what waits, and those of `also`, which the page shows already, however they ended."""
    if not may(member, "approval.see"):
        return []
    held = Approval.objects.filter(ticket=ticket).joined().order_by("id")
    shown = [each for each in held if not each.decision or each.pk in also] if also else list(held.open())
    return [card_of(each, member) for each in shown]


def card_of(approval: Approval, member: Membership, *, notice: str = "") -> Card:
    """One approval with all its evidence, as this teammate may act on it."""
    call = approval.call
    asker, is_ai = _asker(approval)
    told = Message.objects.filter(ticket_id=approval.ticket_id, author=Author.AI, kind=Kind.TEXT, data__call=str(call.pk)).order_by("-seq")
    edits = EDITABLE.get(call.tool, "")
    return Card(
        approval=approval,
        title=words.ask_title(call),
        amount=_amount(call),
        where=_where(call),
        asker=asker,
        is_ai=is_ai,
        state=_state(approval, member),
        go=words.go_words(call),
        reasons=reasons_of(approval),
        proofs=proofs_of(approval),
        changes=changes_of(approval),
        told=told.first(),
        edits=edits,
        editing=_editing(call, edits),
        decided=decided_of(approval) if approval.decision else None,
        was=words.act_of(call.edited_from) if call.edited_from else "",
        is_soon=_is_soon(approval),
        notice=notice,
    )


def as_typed(card: Card, typed: Mapping[str, str]) -> Card:
    """The card, its edit form filled with what was typed and refused."""
    fields = {"amount", *(name for name, _said, _most in ADDRESS_FIELDS)}
    return replace(card, editing={name: typed.get(name, value) if name in fields else value for name, value in card.editing.items()})


def _state(approval: Approval, member: Membership) -> str:
    if approval.decision:
        return "decided"
    if not approval.ticket.is_open:
        return "closed"
    if approval.expires_at <= timezone.now():
        return "late"
    if not may(member, "approval.decide"):
        return "reader"
    return "own" if approval.call.requested_by_id == member.pk else "open"


def _is_soon(approval: Approval) -> bool:
    return not approval.decision and approval.expires_at - timezone.now() < SOON


def _asker(approval: Approval) -> tuple[str, bool]:
    wanted_by = approval.call.requested_by
    return (wanted_by.name, False) if wanted_by else (approval.ticket.brand.agent_name, True)


def _amount(call: ToolCall) -> str:
    """What it moves: the refund, or what a cancelled order pays back; empty where no money moves."""
    if call.amount is not None and call.currency:
        return amount_text(call.amount, call.currency)
    if call.tool == "cancel_order" and call.before.get("currency"):
        back = int(call.before.get("captured") or 0) - int(call.before.get("refunded") or 0)
        return amount_text(back, str(call.before["currency"])) if back > 0 else ""
    return ""


def _where(call: ToolCall) -> str:
    """To where the money goes and for what, as the order has it."""
    payment = call.before.get("payment")
    label = str(payment.get("label") or "") if isinstance(payment, dict) else ""
    items = [str(item.get("name", "")) for item in call.before.get("items") or [] if isinstance(item, dict)]
    parts = [_("to %(label)s") % {"label": label[:1].lower() + label[1:]}] if label and _amount(call) else []
    parts += [_("from an order of %(items)s") % {"items": ", ".join(items)}] if items else []
    return ", ".join(parts)


def _editing(call: ToolCall, edits: str) -> dict[str, Any]:
    """What the edit form begins with."""
    if edits == "amount" and call.amount is not None:
        most = most_of(call)
        bounds = {"least": amount_text(1, call.currency), "most": amount_text(most, call.currency)}
        asked = {"amount": major(call.amount, call.currency), "asked": amount_text(call.amount, call.currency)}
        return {"currency": call.currency, **asked, **bounds}
    if edits == "address":
        return {name: call.arguments.get(name) or "" for name, _said, _most in ADDRESS_FIELDS}
    return {}


def most_of(call: ToolCall) -> int:
    """The most that can be refunded on the call's order, as it was."""
    if "captured" not in call.before:
        return call.amount or 0
    return int(call.before["captured"]) - int(call.before.get("refunded") or 0)


DECIDED: dict[str, tuple[str, str]] = {
    Choice.APPROVE: ("approved this", "check"),
    Choice.EDIT: ("changed this", "note"),
    Choice.REJECT: ("rejected this", "x"),
    Choice.EXPIRE: ("It expired: nobody decided in time", "clock"),
    Choice.VOID: ("It became void: something changed", "alert"),
}


def decided_of(approval: Approval) -> Decided:
    """How a decided approval ended."""
    said, icon = DECIDED[approval.decision]
    edits = ToolCall.objects.filter(edited_from=approval.call_id).order_by("created_at")
    became = edits.first() if approval.decision == Choice.EDIT else None
    # A change and a moved policy are asked anew; the card leads there.
    anew = Approval.objects.filter(call=became or approval.call_id, decision="").order_by("-id")
    waits = anew.first() if approval.decision in (Choice.EDIT, Choice.VOID) else None
    return Decided(
        choice=approval.decision,
        words=said,
        who=approval.decided_by.name if approval.decided_by else "",
        at=approval.decided_at or approval.created_at,
        tone=TONES[Choice(approval.decision)],
        icon=icon,
        reason=approval.reason,
        say=approval.say,
        became=became,
        act=words.act_of(became) if became else "",
        waits=waits,
    )


def decisions_about(calls: Iterable[Any]) -> dict[Any, list[Approval]]:
    """Every approval of these calls and of what a teammate made of them, oldest first, by the call that was wanted: one query."""
    wanted = list(calls)
    if not wanted:
        return {}
    found: dict[Any, list[Approval]] = {}
    named = Approval.objects.filter(call__in=wanted) | Approval.objects.filter(call__edited_from__in=wanted)
    for approval in named.joined().order_by("id"):
        key = approval.call_id if approval.call_id in wanted else approval.call.edited_from_id
        found.setdefault(key, []).append(approval)
    return found
