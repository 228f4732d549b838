"""Approvals that wait, for the console's tests: a policy with one bound and one limit, and a call that passed it; inside `acting_for`."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from agents.actions.ledger import current_hash
from agents.actions.models import Approval, Confirmation, State, ToolCall
from policies.models import PolicyVersion
from policies.publishing import publish_policy
from supportdesk.core.events import AI, SYSTEM_ACTOR, record
from tests.factories import World, make_limit, make_policy, make_rule, make_ticket
from tickets.models import CustomerIdentity, IdentityProof, Ticket
from tickets.writing import append, locked

ORDER: dict[str, Any] = {
    "number": "N-20418",
    "status": "delivered",
    "captured": 34900,
    "refunded": 0,
    "currency": "EUR",
    "delivered_at": "2026-11-01T10:00:00+00:00",
    "items": [{"name": "Skarn pole set"}],
    "payment": {"kind": "card", "label": "Card ending 4402"},
    "shipping_address": {"name": "Ida", "line1": "Old street 1", "line2": None, "postcode": "10115", "city": "Berlin", "country": "DE"},
}
ASKED: dict[str, Any] = {
    "verdict": "ask",
    "why": "Above €100.00 a teammate decides.",
    "voices": [
        {"code": "R-4", "kind": "require", "title": "Bound", "verdict": "ask", "facts": {}, "message": "Above €100.00 a teammate decides."},
        {"code": "L-1", "kind": "limit", "title": "Refunds per customer", "verdict": "satisfied", "facts": {"used.amount": 2000}},
    ],
}


def bounded_policy() -> PolicyVersion:
    """Refunds above €100.00, or later than 60 days after delivery, are asked; at most €200.00 per customer in 30 days."""
    policy = make_policy()
    make_rule(policy)
    condition = [
        {"fact": "refund.amount", "op": "<=", "value": {"EUR": 10_000}},
        {"fact": "order.days_since_delivery", "op": "<=", "value": 60},
    ]
    make_rule(policy, "R-4", kind="require", title="Bound", condition=condition, when=[], otherwise="ask", message="Above €100.00 …")
    make_limit(policy, otherwise="ask")
    return publish_policy(policy, by=SYSTEM_ACTOR)


def proven(ticket: Ticket) -> None:
    """Whoever writes on the ticket entered a mailed code."""
    identity = CustomerIdentity.objects.create(customer=ticket.customer, kind="email", value=f"ida{ticket.pk}@mail.example")
    IdentityProof.objects.create(ticket=ticket, identity=identity, expires_at=timezone.now() + timedelta(hours=1))


def waiting_approval(world: World, version: PolicyVersion | None = None, *, minutes: int = 54, **fields: Any) -> Approval:
    """A refund of €189.00 that the customer confirmed and a teammate has to decide; `fields` are the call's."""
    ticket = make_ticket(world, "The pole broke")
    proven(ticket)
    usual: dict[str, Any] = {
        "ticket": ticket,
        "customer": ticket.customer,
        "tool": "create_refund",
        "is_write": True,
        "arguments": {"order_number": "N-20418", "amount": 18900, "currency": "EUR", "reason": "broken"},
        "arguments_hash": f"h{ticket.pk}",
        "state": State.WAITING,
        "verdict": "ask",
        "decision": ASKED,
        "facts": {"refund.amount": {"amount": 18900, "currency": "EUR"}, "order.days_since_delivery": 21},
        "policy_version": version,
        "target": "N-20418",
        "amount": 18900,
        "currency": "EUR",
        "before": ORDER,
    }
    call = ToolCall.objects.create(**{**usual, **fields})
    now = timezone.now()
    soon = now + timedelta(minutes=30)
    Confirmation.objects.create(call=call, shown_hash=current_hash(call), answer="yes", answered_at=now, expires_at=soon)
    append(locked(ticket.pk), author="ai", body="A teammate decides this.", data={"call": str(call.pk)})
    approval: Approval = Approval.objects.create(
        call=call, ticket=ticket, shown_hash=current_hash(call), voices=["R-4"], expires_at=timezone.now() + timedelta(minutes=minutes)
    )
    record("approval.asked", by=AI, ticket_id=ticket.pk, approval=approval.pk, call=call.pk)
    return approval
