"""Rules and limits as the sentences a support lead would say. Pure: a frozen rule in, a sentence out."""

from collections.abc import Mapping, Sequence
from typing import Any

from policies.decide import PERMIT, Condition, Limit, Rule
from policies.facts import CATALOGUE
from policies.verdicts import Verdict
from supportdesk.core.money import amount_text

TOOLS = {
    "*": "everything",
    "search_knowledge": "help centre searches",
    "find_orders": "order lists",
    "get_order": "order look-ups",
    "find_subscriptions": "subscription lists",
    "create_refund": "refunds",
    "cancel_order": "order cancellations",
    "change_address": "address changes",
    "cancel_subscription": "subscription cancellations",
}
OTHERWISE = {
    Verdict.ALLOW: "it is allowed",
    Verdict.ASK: "a teammate is asked",
    Verdict.NEED_CONFIRMATION: "the customer is asked to confirm",
    Verdict.NEED_IDENTITY: "the customer is asked to prove who they are",
    Verdict.DENY: "it is denied",
}
SCOPES = {"order": "per order", "customer": "per customer", "tenant": "in the whole workspace"}
YES = {
    "order.is_own": ("on the customer's own order", "on somebody else's order"),
    "subscription.is_own": ("on the customer's own subscription", "on somebody else's subscription"),
    "account.is_own": ("on the customer's own account", "on somebody else's account"),
    "session.confirmed": ("once the customer confirmed exactly this", "before the customer confirmed"),
    "refund.fits": ("within what is left on the order", "beyond what is left on the order"),
    "call.done_before": ("a second time on this ticket", "the first time on this ticket"),
}
TEXT = {
    "order.status": ("while the order is {}", "while the order is not {}"),
    "subscription.status": ("while the subscription is {}", "while the subscription is not {}"),
    "identity.level": ("by customers whose identity is {}", "by customers whose identity is not {}"),
    "channel.kind": ("by {}", "by anything but {}"),
    "ticket.environment": ("in the {} environment", "outside the {} environment"),
    "tool.kind": ("where the tool is a {} tool", "where the tool is no {} tool"),
}
SINCE = {"order.days_since_delivery": "delivery", "order.days_since_placed": "the order"}
COMPARED = {"==": "is", "!=": "is not", "<=": "is at most", "<": "is less than", ">=": "is at least", ">": "is more than"}
AMOUNTS = {"<=": "up to", "<": "below", ">=": "from", ">": "above", "==": "of exactly", "!=": "of anything but"}


def sentence(rule: Rule) -> str:
    """What the rule says: “Refunds up to €100.00 within 60 days of delivery; otherwise a teammate is asked.”"""
    about = " ".join([_about(rule.tools, "and"), *map(clause, rule.when)])
    if rule.kind == PERMIT:
        return _capital(f"{about} {'is' if rule.tools == ('*',) else 'are'} allowed.")
    needs = " and ".join(map(clause, rule.condition)) if rule.when else " ".join(map(clause, rule.condition))
    only = ": only" if rule.when else "" if needs.startswith("up to ") else " only"
    return _capital(f"{about}{only} {needs}; otherwise {OTHERWISE[rule.otherwise]}.")


def limit_sentence(limit: Limit) -> str:
    """What the limit says: “At most €200.00 of refunds per customer in 30 days; beyond that a teammate is asked.”"""
    about = _about(limit.tools, "or")
    parts = [f"{money(limit.amount)} of {about}"] if limit.amount else []
    if limit.count is not None:
        counted = about.removesuffix("s") if limit.count == 1 and len(limit.tools) == 1 else about
        parts.append(f"{limit.count} of them" if parts else f"{limit.count} {'of ' if len(limit.tools) > 1 else ''}{counted}")
    window = "a day" if limit.window_days == 1 else f"{limit.window_days} days"
    return f"At most {' and '.join(parts)} {SCOPES.get(limit.scope, limit.scope)} in {window}; beyond that {OTHERWISE[limit.otherwise]}."


def clause(condition: Condition) -> str:
    """One condition as the end of a sentence: `order.days_since_delivery <= 60` is “within 60 days of delivery”."""
    fact, op, value = condition.fact, condition.op, condition.value
    if fact == "refund.amount" and op in AMOUNTS:
        return f"{AMOUNTS[op]} {_fact_words(condition.than) if condition.than else money(value)}"
    if condition.than:
        return f"where {_fact_words(fact)} {COMPARED.get(op, op)} {_fact_words(condition.than)}"
    if fact in YES and op in ("==", "!="):
        return YES[fact][(value is True) is (op == "!=")]
    if fact in SINCE and op in ("<=", ">"):
        return f"{'within' if op == '<=' else 'more than'} {value} days {'of' if op == '<=' else 'after'} {SINCE[fact]}"
    among = _listed([str(each) for each in (value if isinstance(value, list) else [value])], "or")
    if fact in TEXT and op in ("==", "!=", "in", "not in"):
        return TEXT[fact][op in ("!=", "not in")].format(among)
    if op in ("in", "not in"):
        return f"where {_fact_words(fact)} is {'' if op == 'in' else 'not '}{among}"
    return f"where {_fact_words(fact)} {COMPARED.get(op, op)} {_value_words(value)}"


def money(table: Any) -> str:
    """Minor units by currency as text: “€100.00 (£90.00)”; the first currency leads."""
    if not isinstance(table, Mapping) or not table:
        return str(table)
    texts = [amount_text(amount, code) for code, amount in table.items()]
    return texts[0] + (f" ({', '.join(texts[1:])})" if texts[1:] else "")


def _about(tools: Sequence[str], last: str) -> str:
    return _listed([TOOLS.get(tool, tool) for tool in tools], last)


def _value_words(value: Any) -> str:
    if isinstance(value, bool):
        return "so" if value else "not so"
    return money(value) if isinstance(value, Mapping) else str(value)


def _fact_words(name: str) -> str:
    fact = CATALOGUE.get(name)
    return fact.words if fact else f"“{name}”"


def _listed(parts: Sequence[str], last: str) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}" if parts else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
