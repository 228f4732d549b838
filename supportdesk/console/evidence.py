"""What a card puts before whoever decides: why they are asked, what the rows prove, and what would change. Nothing is guessed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Sum
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from agents.actions import ledger
from agents.actions.asking import NOBODY_PERMITS
from agents.actions.models import Approval, Confirmation, State, ToolCall
from policies.decide import NO_RULE_PERMITS, Condition, Decision, Limit, Rule
from supportdesk.console import words
from supportdesk.core.money import amount_text
from tickets.models import IdentityProof

DELIVERED = "order.days_since_delivery"
LOOK_BACK_DAYS = 30


@dataclass(frozen=True)
class Reason:
    """One voice that asked: the rule or limit by its code, what it says, and by how much this call is beyond it."""

    code: str
    label: str
    text: str
    beyond: list[str]


@dataclass(frozen=True)
class Proof:
    """One line of evidence; `at` is a moment the words lead up to."""

    text: str
    tone: str = "ok"
    at: datetime | None = None


@dataclass(frozen=True)
class Change:
    """One value before and after; a limit also has how much of it would be used."""

    name: str
    before: str
    after: str
    used: int | None = None
    cap: int | None = None
    of: str = ""

    @property
    def is_over(self) -> bool:
        """Whether the limit would be passed."""
        return self.used is not None and self.cap is not None and self.used > self.cap


def reasons_of(approval: Approval) -> list[Reason]:
    """The voices the decision answers, in the order of their codes."""
    call = approval.call
    voices = {str(voice.get("code")): voice for voice in call.decision.get("voices") or []}
    version = call.policy_version
    rules = {rule.code: rule for rule in version.rules()} if version else {}
    limits = {limit.code: limit for limit in version.limits()} if version else {}
    found = []
    for code in approval.voices:
        voice = voices.get(code, {})
        text = str(voice.get("message") or voice.get("title") or "")
        if code == NOBODY_PERMITS:
            found.append(Reason(code, "", NO_RULE_PERMITS, []))
        elif code in rules:
            found.append(Reason(code, _("rule %(code)s") % {"code": code}, text, _beyond_rule(rules[code], call.facts)))
        elif code in limits:
            found.append(Reason(code, _("limit %(code)s") % {"code": code}, text, _beyond_limit(limits[code], voice.get("facts") or {})))
        else:
            found.append(Reason(code, "", text, []))
    return found


def reasons_named(decision: Decision) -> str:
    """The voices of a fresh decision that ask, by their codes: rule R-4, limit L-1."""
    kinds = {"limit": _("limit %(code)s"), "permit": _("rule %(code)s"), "require": _("rule %(code)s")}
    return ", ".join(kinds[voice.kind] % {"code": voice.code} if voice.kind in kinds else voice.title for voice in decision.deciding)


def short_reason(approval: Approval) -> str:
    """Why somebody is asked, in a few words, for a row."""
    said = reasons_of(approval)
    if not said:
        return ""
    first = said[0]
    few = _("Done before on this ticket") if first.code == "repeat" else _("No rule permits it") if first.code == NOBODY_PERMITS else ""
    label = first.label[:1].upper() + first.label[1:]
    beyond = first.beyond[0].removeprefix(_("This one is ")) if first.beyond else ""
    text = few or (f"{label}: {beyond[:1].lower()}{beyond[1:]}" if beyond else label or first.text)
    return f"{text.rstrip('.')}, +{len(said) - 1}" if len(said) > 1 else text.rstrip(".")


def _beyond_rule(rule: Rule, facts: Mapping[str, Any]) -> list[str]:
    return [told for each in rule.condition if (told := _beyond(each, facts))]


def _beyond(condition: Condition, facts: Mapping[str, Any]) -> str:
    """By how much a fact misses a bound, where both are known and a difference says something."""
    seen = facts.get(condition.fact)
    if seen is None:
        return _("Nobody could tell: %(fact)s.") % {"fact": words.fact_name(condition.fact)}
    if condition.op not in ("<=", "<") or condition.than:
        return ""
    if isinstance(seen, Mapping) and isinstance(condition.value, Mapping):
        amount, currency, bound = int(seen["amount"]), str(seen["currency"]), condition.value.get(seen["currency"])
        if bound is None:
            return _("It names no bound for %(currency)s.") % {"currency": currency}
        return _("This one is %(amount)s above.") % _money(currency, amount=amount - bound) if amount > bound else ""
    if type(seen) is int and type(condition.value) is int and seen > condition.value:
        said = {"fact": words.fact_name(condition.fact), "seen": seen, "bound": condition.value}
        text = _("%(fact)s: %(seen)d, the bound is %(bound)d.") % said
        return text[:1].upper() + text[1:]
    return ""


def _beyond_limit(limit: Limit, facts: Mapping[str, Any]) -> list[str]:
    wanted = facts.get("refund.amount")
    if limit.amount and isinstance(wanted, Mapping):
        currency = str(wanted["currency"])
        cap = limit.amount.get(currency)
        if cap is None:
            return [_("It names no amount for %(currency)s.") % {"currency": currency}]
        over = int(facts.get("used.amount") or 0) + int(wanted["amount"]) - cap
        return [_("This one is %(amount)s above.") % _money(currency, amount=over)] if over > 0 else []
    if limit.count is not None:
        return [_("%(used)d of %(cap)d times used.") % {"used": int(facts.get("used.count") or 0), "cap": limit.count}]
    return []


def _money(currency: str, **amounts: int) -> dict[str, str]:
    return {name: amount_text(amount, currency) for name, amount in amounts.items()}


def proofs_of(approval: Approval) -> list[Proof]:
    """What speaks for and against it: delivery, identity, earlier refunds, the customer's yes; a handful of queries."""
    call = approval.call
    until = approval.decided_at or timezone.now()
    return [*_delivery(call), *_identity(approval, until), *_earlier(call), *_yes(call)]


def _delivery(call: ToolCall) -> list[Proof]:
    before, days = call.before, call.facts.get(DELIVERED)
    if "number" not in before:
        return []
    delivered = parse_datetime(str(before.get("delivered_at") or ""))
    if delivered is None or days is None:
        return [Proof(_("Not delivered yet; the order is %(status)s") % {"status": before.get("status", "")}, "")]
    bound = _bound_of(call, DELIVERED)
    said = {"day": date_format(delivered, "j F"), "n": days, "of": bound}
    if bound is None:
        return [Proof(_("Delivered %(day)s, %(n)s days ago") % said, "")]
    return [Proof(_("Delivered %(day)s, day %(n)s of %(of)s") % said, "ok" if days <= bound else "warn")]


def _bound_of(call: ToolCall, fact: str) -> int | None:
    rules = call.policy_version.rules() if call.policy_version else []
    named = [each for rule in rules if rule.applies_to(call.tool) for each in rule.condition if each.fact == fact]
    return min((each.value for each in named if each.op in ("<=", "<") and type(each.value) is int), default=None)


def _identity(approval: Approval, until: datetime) -> list[Proof]:
    known = IdentityProof.objects.filter(ticket_id=approval.ticket_id, proved_at__lte=until).order_by("-proved_at").first()
    if known is None:
        return [Proof(_("Nobody proved on this ticket who they are"), "warn")]
    if (known.revoked_at or known.expires_at) <= until:
        return [Proof(_("The proof of identity ended at"), "warn", min(known.revoked_at or known.expires_at, known.expires_at))]
    method = (
        _("email code") if known.method == "email_code" else str(words.METHODS.get(known.method, known.method.replace("_", " "))).lower()
    )
    return [Proof(_("Identity: %(method)s, proved") % {"method": method}, "ok", known.proved_at)]


def _earlier(call: ToolCall) -> list[Proof]:
    if call.tool != "create_refund":
        return []
    done = ToolCall.objects.filter(tool="create_refund", state=State.SUCCEEDED, created_at__lt=call.created_at).exclude(pk=call.pk)
    found = []
    refunded, currency = int(call.before.get("refunded") or 0), str(call.before.get("currency") or call.currency)
    if refunded:
        found.append(Proof(_("%(amount)s of this order were refunded before") % _money(currency, amount=refunded), "warn"))
    else:
        found.append(Proof(_("No refund on this order before")))
    if call.customer_id is None:
        return found
    recent = done.filter(customer_id=call.customer_id, created_at__gte=call.created_at - timedelta(days=LOOK_BACK_DAYS)).order_by()
    sums = list(recent.values("currency").annotate(n=Count("pk"), amount=Sum("amount")).order_by("currency"))
    times = sum(row["n"] for row in sums)
    if not times:
        return [*found, Proof(_("No refund through SupportDesk to this customer in %(days)d days before") % {"days": LOOK_BACK_DAYS})]
    money = ", ".join(amount_text(row["amount"] or 0, row["currency"]) for row in sums)
    text = ngettext(
        "%(n)d refund to this customer in %(days)d days before: %(money)s",
        "%(n)d refunds to this customer in %(days)d days before: %(money)s",
        times,
    )
    return [*found, Proof(text % {"n": times, "days": LOOK_BACK_DAYS, "money": money}, "warn")]


def _yes(call: ToolCall) -> list[Proof]:
    """The customer's yes to this call, or to the larger one a teammate made smaller."""
    asked = [call.pk, *([call.edited_from_id] if call.edited_from_id else [])]
    said = Confirmation.objects.filter(call__in=asked, answer="yes").select_related("call").order_by("-answered_at").first()
    if said is None:
        return [Proof(_("The customer was not asked to confirm"), "")]
    if said.call_id == call.pk:
        return [Proof(_("The customer said yes at"), "ok", said.answered_at)]
    act = words.act_of(said.call)
    return [Proof(_("The customer said yes to: %(act)s, at") % {"act": act}, "ok", said.answered_at)]


def changes_of(approval: Approval) -> list[Change]:
    """What would be different afterwards, from the order as it was when the call was decided."""
    call = approval.call
    before, currency = call.before, str(call.before.get("currency") or call.currency)
    match call.tool:
        case "create_refund":
            return [*_refund(before, call.amount or 0, currency), *_limits(approval)]
        case "cancel_order":
            back = int(before.get("captured") or 0) - int(before.get("refunded") or 0)
            told = [Change(_("Order"), str(before.get("status", "")), _("cancelled"))]
            return [*told, *(_refund(before, back, currency) if back else []), *_limits(approval)]
        case "change_address":
            return [*_address(before.get("shipping_address") or {}, call.arguments), *_limits(approval)]
        case "cancel_subscription":
            return [Change(str(before.get("name") or _("Subscription")), str(before.get("status", "")), _("ended")), *_limits(approval)]
    return _limits(approval)


def _refund(before: Mapping[str, Any], amount: int, currency: str) -> list[Change]:
    if "captured" not in before:
        return []
    captured, refunded = int(before["captured"]), int(before.get("refunded") or 0)
    rows = [
        (_("Refunded on order"), refunded, refunded + amount),
        (_("Kept of the order"), captured - refunded, captured - refunded - amount),
    ]
    return [Change(name, amount_text(old, currency), amount_text(new, currency)) for name, old, new in rows]


ADDRESS = ("name", "line1", "line2", "postcode", "city", "country")


def _address(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    names = {
        "name": _("Name"),
        "line1": _("Street"),
        "line2": _("More"),
        "postcode": _("Postcode"),
        "city": _("City"),
        "country": _("Country"),
    }
    rows = [(each, str(old.get(each) or ""), str(new.get(each) or "")) for each in ADDRESS]
    return [Change(names[each], before or "–", after or "–") for each, before, after in rows if before != after]


def _limits(approval: Approval) -> list[Change]:
    """Each limit that counts this tool: what is used now, and what would be; as recorded once it is decided."""
    call = approval.call
    limits = [limit for limit in (call.policy_version.limits() if call.policy_version else []) if call.tool in limit.tools]
    return [change for limit in limits for change in _limit(limit, call, is_open=not approval.decision)]


def _limit(limit: Limit, call: ToolCall, *, is_open: bool) -> Sequence[Change]:
    if is_open:
        now = ledger.usage(limit, target=call.target, customer_id=call.customer_id, currency=call.currency, without=call)
        amount, count = now.amount, now.count
    else:
        voices = call.decision.get("voices") or []
        seen = next((voice.get("facts") or {} for voice in voices if voice.get("code") == limit.code), {})
        amount, count = int(seen.get("used.amount") or 0), int(seen.get("used.count") or 0)
    found = []
    name = f"{limit.code} {limit.title}"
    cap = limit.amount.get(call.currency) if limit.amount else None
    if cap is not None and call.amount is not None:
        old, new = amount_text(amount, call.currency), amount_text(amount + call.amount, call.currency)
        found.append(Change(name, old, new, amount + call.amount, cap, amount_text(cap, call.currency)))
    if limit.count is not None:
        found.append(Change(name, str(count), str(count + 1), count + 1, limit.count, str(limit.count)))
    return found
