"""The gateway: every call anybody wants passes here. Reads run, writes only leave a ToolCall behind; nothing else can act."""

import json
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from agents.actions import cards, facts, ledger
from agents.actions.asking import ask_customer, ask_teammate, asking
from agents.actions.authority import Authority, NotConnected
from agents.actions.facts import Seen
from agents.actions.models import OPEN_STATES, Confirmation, State, ToolCall
from agents.actions.shop import Unavailable
from agents.actions.tools import TOOLS, BadArguments, Tool
from policies.decide import Decision, Voice, WantedCall, decide
from policies.verdicts import Verdict
from supportdesk.core.events import AI, Actor, record
from supportdesk.core.jobs import enqueue
from supportdesk.core.money import amount_text
from supportdesk.core.switches import is_stopped
from tickets.models import Customer, Ticket
from tickets.writing import fenced, locked

STATE_OF = {
    Verdict.ALLOW: State.APPROVED,
    Verdict.ASK: State.WAITING,
    Verdict.NEED_CONFIRMATION: State.NEEDS_CONFIRMATION,
    Verdict.NEED_IDENTITY: State.NEEDS_IDENTITY,
    Verdict.DENY: State.DENIED,
}


@dataclass(frozen=True)
class Answer:
    """What the model is told about its call, and what the runtime needs to go on."""

    status: str
    message: str = ""
    data: dict[str, Any] | None = None
    sources: list[dict[str, Any]] = field(default_factory=list)
    call: ToolCall | None = None
    decision: Decision | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def ends_turn(self) -> bool:
        """Whether the customer or a teammate has to speak next."""
        return self.status in ("need_identity", "need_confirmation", "ask", "approved")

    def for_model(self) -> str:
        """The JSON of the tool's message."""
        return json.dumps(
            {"status": self.status, "data": self.data, "sources": self.sources, "message": self.message}, ensure_ascii=False, default=str
        )


def propose(authority: Authority, *, name: str, arguments: Any) -> Answer:
    """Answer one wanted call from code: refuse what does not fit, decide by the policy, run reads, leave writes in the ledger.

    Raises:
        Stale: when the AI's turn on the ticket is over.
    """
    tool = TOOLS.get(name)
    if tool is None or name not in authority.tools or tool.kind == "control":
        return Answer("invalid", f"There is no tool {name!r}. Use one of: {', '.join(sorted(authority.tools))}.")
    try:
        parsed = tool.parse(arguments)
    except BadArguments as error:
        return Answer("invalid", str(error))
    if is_stopped(name):
        return Answer("deny", "This is switched off at the moment; a person can do it.", data={"code": "switched_off"})
    try:
        seen = facts.look(tool, parsed, authority)
        if seen.is_missing:
            return Answer("not_found", _not_found(tool), facts=shown(seen))
        if tool.is_write:
            return _leave(tool, seen, authority)
        return _read(tool, seen, authority)
    except (Unavailable, NotConnected) as error:
        return Answer("error", f"The shop system does not answer ({error}). Nothing was changed.")


def decide_now(
    tool: Tool,
    seen: Seen,
    authority: Authority,
    *,
    confirmed: bool = False,
    approved: frozenset[str] = frozenset(),
    without: ToolCall | None = None,
) -> Decision:
    """The verdict on facts as they are; the code's own floor (identity, once, what fits) only ever makes it stricter.

    `approved` holds the codes a teammate's approval answered: only when it answers every voice that asks is the call allowed.
    """
    known = {**seen.facts, "session.confirmed": confirmed}
    version = authority.policy_version
    customer_id = authority.customer.pk if authority.customer else None
    limits = [
        (limit, ledger.usage(limit, target=seen.target, customer_id=customer_id, currency=seen.currency, without=without))
        for limit in version.limits()
        if tool.name in limit.tools
    ]
    decision = decide(WantedCall(tool.name, tool.is_write, seen.arguments), known, version.rules(), limits)
    if tool.needs_identity and authority.customer is None:
        decision = _raised(decision, Voice("identity", "floor", "Account data needs a proven identity.", Verdict.NEED_IDENTITY, {}))
    elif known["call.done_before"] and not tool.is_repeatable:
        decision = _raised(decision, Voice("repeat", "floor", "The same was done on this ticket before.", Verdict.ASK, {}))
    if approved and decision.verdict is Verdict.ASK and approved.issuperset(asking(decision)):
        return Decision(Verdict.ALLOW, "A teammate approved it.", decision.voices)
    return decision


def _raised(decision: Decision, floor: Voice) -> Decision:
    """The decision with a voice of our own, which speaks like the others: the strictest wins."""
    voices = (*decision.voices, floor)
    verdict = floor.verdict or Verdict.ALLOW
    if decision.verdict > verdict:
        return Decision(decision.verdict, decision.why, voices, decision.is_broken)
    return Decision(verdict, f"{decision.why}; {floor.title}" if decision.verdict == verdict else floor.title, voices)


def _not_found(tool: Tool) -> str:
    kind = "subscription" if tool.name == "cancel_subscription" else "order"
    return f"No {kind} with this number was found for this customer."


def shown(seen: Seen) -> dict[str, Any]:
    """The facts that are known, for the ledger and the trace."""
    return {name: value for name, value in seen.facts.items() if value is not None}


def _read(tool: Tool, seen: Seen, authority: Authority) -> Answer:
    decision = decide_now(tool, seen, authority)
    if decision.verdict is not Verdict.ALLOW:
        # A read that is not allowed leaves its wish in the ledger too, so that the trace can show it.
        call = leave_row(tool, seen, authority, decision, STATE_OF[decision.verdict])
        return Answer(decision.verdict.code, decision.why, data=_denied(decision), call=call, decision=decision, facts=shown(seen))
    data, sources = _run_read(tool, seen, authority)
    call = leave_row(tool, seen, authority, decision, State.DONE_READING)
    return Answer("ok", data=data, sources=sources, call=call, decision=decision, facts=shown(seen))


def _run_read(tool: Tool, seen: Seen, authority: Authority) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    if tool.name == "get_order":
        order = seen.thing or {}
        return {"order": order}, [_cite_order(order, authority)]
    customer = authority.shop_customer
    if tool.name == "find_orders":
        orders = authority.shop.orders(customer) if customer else []
        return {"orders": orders[:20]}, [_cite_order(order, authority) for order in orders[:20]]
    subscriptions = authority.shop.subscriptions(customer) if customer else []
    return {"subscriptions": subscriptions}, []


def _cite_order(order: dict[str, Any], authority: Authority) -> dict[str, Any]:
    items = ", ".join(str(item.get("name", "")) for item in order.get("items") or [])
    total = amount_text(int(order.get("total", 0)), str(order.get("currency", "")))
    text = f"Order {order.get('number')}: {items}; {total}; status {order.get('status')}"
    number = authority.cite(f"Order {order.get('number')}", text)
    return authority.sources[number - 1]


def _leave(tool: Tool, seen: Seen, authority: Authority) -> Answer:
    """Leave one write in the ledger with its verdict; the same wish again finds the same row."""
    if seen.refusal:
        return Answer("refused", seen.refusal, data=seen.refused(authority.ticket.language or "en"), facts=shown(seen))
    with transaction.atomic():
        held = _held(authority)
        if authority.customer is not None:
            # Calls of one customer take turns here, so two of them cannot both fit under one limit.
            Customer.objects.select_for_update().get(pk=authority.customer.pk)
        hashed = ledger.arguments_hash(tool.name, seen.arguments)
        same = ToolCall.objects.filter(ticket=held, tool=tool.name, arguments_hash=hashed, is_write=True, state__in=OPEN_STATES).first()
        if same is not None and same.state not in (State.NEEDS_IDENTITY, State.NEEDS_CONFIRMATION):
            status = "ask" if same.state == State.WAITING else "unknown" if same.state == State.UNKNOWN else "approved"
            return Answer(status, "This is already under way.", call=same, facts=shown(seen))
        decision = decide_now(tool, seen, authority)
        state = STATE_OF[decision.verdict]
        call = leave_row(tool, seen, authority, decision, state, same=same)
        _supersede(call)
        if state == State.NEEDS_CONFIRMATION:
            ask_customer(call)
        elif state == State.WAITING:
            ask_teammate(call, decision)
        elif state == State.APPROVED:
            enqueue("actions.execute", call_id=str(call.pk))
    status = "approved" if decision.verdict is Verdict.ALLOW else decision.verdict.code
    return Answer(status, decision.why, data=_denied(decision), call=call, decision=decision, facts=shown(seen))


def _denied(decision: Decision) -> dict[str, Any] | None:
    return {"code": "rule"} if decision.verdict is Verdict.DENY else None


def _held(authority: Authority) -> Ticket:
    return fenced(authority.ticket.pk, authority.turn) if authority.turn is not None else locked(authority.ticket.pk)


def _supersede(call: ToolCall) -> None:
    """A new wish for the same thing replaces older ones the customer did not answer yet."""
    older = ToolCall.objects.filter(
        ticket_id=call.ticket_id, tool=call.tool, target=call.target, state__in=(State.NEEDS_IDENTITY, State.NEEDS_CONFIRMATION)
    ).exclude(pk=call.pk)
    for row in older:
        Confirmation.objects.filter(call=row, answer="").delete()
        row.state, row.settled_at, row.result = State.CANCELLED, timezone.now(), {"message": "replaced by a newer wish"}
        row.save(update_fields=["state", "settled_at", "result"])
        record("call.cancelled", by=AI, ticket_id=row.ticket_id, call=row.pk)


def leave_row(
    tool: Tool,
    seen: Seen,
    authority: Authority,
    decision: Decision,
    state: State,
    *,
    same: ToolCall | None = None,
    by: Actor = AI,
    **more: Any,
) -> ToolCall:
    """One wanted call with its verdict, in the caller's transaction; `same` is the row of the same wish, which is written anew."""
    fields: dict[str, Any] = {
        "ticket": authority.ticket,
        "customer": authority.customer,
        "run_id": authority.run_id,
        "connector": authority.connector(tool.connector) if tool.connector else None,
        "tool": tool.name,
        "is_write": tool.is_write,
        "arguments": seen.arguments,
        "arguments_hash": ledger.arguments_hash(tool.name, seen.arguments),
        "state": state,
        "verdict": decision.verdict.code,
        "decision": decision.as_json(),
        "facts": shown(seen),
        "policy_version": authority.policy_version,
        "target": seen.target,
        "target_version": seen.target_version,
        "amount": seen.amount,
        "currency": seen.currency,
        "card": cards.confirmation_card(tool.name, seen, authority.ticket.language or "en") if tool.is_write and seen.thing else {},
        "before": seen.before if tool.is_write else {},
        **more,
    }
    if state in (State.DENIED, State.DONE_READING):
        fields["settled_at"] = timezone.now()
    call = same or ToolCall(**fields)
    if same is not None:
        for name, value in fields.items():
            setattr(call, name, value)
    call.save(force_insert=same is None)
    if tool.is_write:
        record(f"call.{_EVENTS[state]}", by=by, ticket_id=authority.ticket.pk, call=call.pk, changed={"tool": tool.name})
    return call


_EVENTS = {
    State.APPROVED: "approved",
    State.WAITING: "asked",
    State.NEEDS_CONFIRMATION: "proposed",
    State.NEEDS_IDENTITY: "needs_identity",
    State.DENIED: "denied",
}
