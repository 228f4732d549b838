"""The ledger's arithmetic: what a call's hash binds, and what limits already used."""

from datetime import timedelta

from django.db.models import Count, Q, Sum
from django.utils import timezone

from agents.actions.models import ToolCall
from policies.decide import Limit, Usage
from policies.publishing import digest


def arguments_hash(tool: str, arguments: dict[str, object]) -> str:
    """One hash per tool and canonical arguments; the reason is prose and makes no other act of it."""
    return digest([tool, {name: value for name, value in arguments.items() if name != "reason"}])


def current_hash(call: ToolCall) -> str:
    """What the customer's yes is bound to: tool, canonical arguments, object version and the text that was shown."""
    return digest([call.tool, call.arguments, call.target, call.target_version, call.card])


def approval_hash(call: ToolCall) -> str:
    """What a teammate's decision is bound to: the same, and the policy that asked."""
    return digest([current_hash(call), call.policy_version_id])


def usage(limit: Limit, *, target: str, customer_id: int | None, currency: str, without: ToolCall | None = None) -> Usage:
    """What the limit's scope used in its window, across tickets, channels and actors, calls in flight included."""
    reach = Q(created_at__gte=timezone.now() - timedelta(days=limit.window_days), tool__in=limit.tools)
    if limit.scope == "order":
        reach &= Q(target=target)
    elif limit.scope == "customer":
        reach &= Q(customer_id=customer_id)
    calls = ToolCall.objects.writes().counted().filter(reach)
    if without is not None:
        calls = calls.exclude(pk=without.pk)
    if limit.amount:
        calls = calls.filter(currency=currency)
    found = calls.aggregate(amount=Sum("amount"), count=Count("pk"))
    return Usage(amount=found["amount"] or 0, count=found["count"], currency=currency)
