"""What the console's templates need: icons, times that people read, and the shell around every page."""

import re
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.template import RequestContext
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from supportdesk.console import words
from supportdesk.console.approving import DECIDED, Card
from supportdesk.console.lists import Filters, rail_for
from supportdesk.console.tracing import outcome_of
from supportdesk.core.models import Brand, Membership
from supportdesk.core.permissions import may
from supportdesk.core.switches import is_stopped
from tickets.models import Handler, Ticket

register = template.Library()

MARKS = re.compile(r"\*\*|__|`|^#+ |\[\d{1,2}\]")
CHANNEL_ICONS = {"chat": "chat", "email": "mail", "form": "form", "api": "api", "messaging": "phone"}
# A row has room for two words, the title says the rest.
SHORT_REASONS = {
    "asked_for_human": _("Asked for a person"),
    "angry": _("Upset"),
    "no_answer": _("No answer found"),
    "out_of_scope": _("Out of scope"),
    "legal_or_safety": _("Legal or safety"),
    "repeated_failure": _("Failed twice"),
    "tool_failed": _("System is down"),
    "policy_asks": _("A rule asks"),
    "outcome_unknown": _("Outcome unknown"),
    "ai_off": _("Agent is off"),
    "check_failed": _("Check failed"),
    "run_failed": _("Run failed"),
    "approval_expired": _("Nobody decided"),
}
ORDER_TONES = {"delivered": "ok", "shipped": "info", "packed": "info", "paid": "info", "pending": "warn", "cancelled": "", "returned": ""}


@register.simple_tag
def icon(name: str, label: str = "", flip: bool = False, turn: bool = False) -> SafeString:
    """One icon of the sprite; without a label it is decoration. `flip` mirrors it right to left, `turn` follows its `details`."""
    named = format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"')
    return format_html(
        '<svg class="icon{}" {}><use href="#i-{}"/></svg>', (" turn" if turn else "") + (" flip" if flip else ""), named, name
    )


@register.filter
def channel_icon(kind: str) -> str:
    """The icon of a channel."""
    return CHANNEL_ICONS.get(kind, "chat")


@register.filter
def ago(moment: datetime | None) -> str:
    """How long ago, in the largest unit that says it: now, 2 min, 1 h, 3 d, then the date."""
    if moment is None:
        return ""
    passed = timezone.now() - moment
    minutes = int(passed.total_seconds() // 60)
    if minutes < 1:
        return "now"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h"
    return f"{passed.days} d" if passed.days < 14 else date_format(timezone.localtime(moment), "j M")


@register.filter
def waited(moment: datetime) -> str:
    """How long somebody waits, as hours and minutes: 0:18; from two days on in days."""
    minutes = max(0, int((timezone.now() - moment).total_seconds() // 60))
    return f"{minutes // 60}:{minutes % 60:02}" if minutes < 48 * 60 else f"{minutes // 1440} d"


@register.filter
def left(moment: datetime) -> str:
    """How long until then, as hours and minutes: 0:54; nothing is left afterwards."""
    minutes = max(0, int((moment - timezone.now()).total_seconds() // 60))
    return f"{minutes // 60}:{minutes % 60:02}"


@register.filter
def patience(ticket: Ticket) -> str:
    """The tone of a wait: a warning once it is longer than customers are told, then worse."""
    if ticket.waiting_since is None:
        return ""
    passed, promised = timezone.now() - ticket.waiting_since, timedelta(minutes=ticket.brand.reply_minutes)
    return "bad" if passed > 3 * promised else "warn" if passed > promised else ""


@register.filter
def unmarked(text: str) -> str:
    """A preview without the marks of light Markdown and citations."""
    return MARKS.sub("", text)


@register.filter
def wants_person(ticket: Ticket) -> bool:
    """Whether a customer waits and only a teammate can answer."""
    return ticket.is_open and ticket.handler == Handler.HUMAN and ticket.waiting_since is not None


@register.filter
def short_reason(reason: str) -> Any:
    """Why it went to a human, in two words."""
    return SHORT_REASONS.get(reason, words.reason_words(reason))


@register.filter
def reason(code: str) -> str:
    """Why it went to a human."""
    return words.reason_words(code)


@register.filter
def language(code: str) -> Any:
    """A language by its name."""
    return words.LANGUAGES.get(code, code)


@register.filter
def order_tone(status: str) -> str:
    """The tone of an order's status."""
    return ORDER_TONES.get(status, "")


@register.filter
def items_text(order: dict[str, Any]) -> str:
    """What was ordered, in one line."""
    return ", ".join(str(item.get("name", "")) for item in order.get("items") or [])


@register.filter
def initials(name: str) -> str:
    """Up to two letters for the round avatar."""
    parts = str(name).split()
    return (parts[0][0] + (parts[-1][0] if len(parts) > 1 else "")).upper() if parts else "?"


@register.filter
def outcome(run: Any) -> tuple[str, str]:
    """How a run ended: words and tone."""
    return outcome_of(run)


@register.filter
def file_size(size: int) -> str:
    """Bytes as people say them."""
    return f"{size / 1_048_576:.1f} MB" if size >= 1_048_576 else f"{max(1, round(size / 1024))} kB"


@register.filter
def act_words(call: Any) -> str:
    """What a stored call does."""
    return words.act_of(call)


@register.filter
def decided_words(approval: Any) -> str:
    """What was decided: approved this."""
    return DECIDED[approval.decision][0]


@register.filter
def that_wait(cards: list[Card] | None) -> list[Card]:
    """Those of these cards that nobody decided yet."""
    return [card for card in cards or [] if card.state != "decided"]


@register.filter
def unbroken(text: str) -> SafeString:
    """The text with each order or subscription number kept on one line."""
    return words.unbroken(text)


@register.filter
def allowed_to(member: Membership | None, permission: str) -> bool:
    """Whether the teammate's role carries the permission."""
    return may(member, permission)


@register.filter
def without(filters: Filters, name: str) -> str:
    """The list's address with one filter back to its ordinary value."""
    return filters.query(**{name: "open" if name == "status" else ""})


@register.simple_tag
def list_query(filters: Filters, **changes: str) -> str:
    """The list's address with some of it changed."""
    return filters.query(**changes)


@register.simple_tag(takes_context=True)
def shell(context: RequestContext) -> dict[str, Any]:
    """What surrounds every page: the rail's counts, the agent's state, one's other workspaces. Asked for once a request."""
    request: Any = context["request"]
    if not hasattr(request, "console_shell"):
        member: Membership = request.membership
        brand = Brand.objects.order_by("id").first()
        request.console_shell = {
            "member": member,
            "rail": rail_for(member),
            "stopped": is_stopped(),
            "agent": brand.agent_name if brand else "The agent",
            "workplaces": list(
                Membership.objects.filter(user=member.user, is_active=True, tenant__is_active=True).select_related("tenant").order_by("id")
            ),
        }
    shown: dict[str, Any] = request.console_shell
    return shown
