"""The eight invariants as one computation over the rows; every fault, race and journey is judged by it.

Each check returns findings: the invariant's number and a sentence that names the offending rows.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models import Count, F, Max, Min, TextField
from django.db.models.functions import Cast
from django.utils import timezone

from agents.actions.approvals import EVENTS as DECIDED
from agents.actions.models import Approval, Connector, State, ToolCall
from agents.runtime.models import AgentRun, Step
from supportdesk.core import safe_http
from supportdesk.core.database import SYSTEM
from supportdesk.core.events import broken_links, stamp
from supportdesk.core.models import Event, Job, Tenant
from supportdesk.core.sealing import CannotOpen
from tickets.models import Author, Escalation, Handler, Message, Status, Ticket

ANSWER_SECONDS = 90


@dataclass(frozen=True)
class Finding:
    """One broken promise: I1…I8, and which rows; a note says what could not be looked at, and breaks nothing."""

    invariant: str
    text: str
    is_note: bool = False


def rows(model: type[models.Model]) -> Any:
    """All rows of every tenant, as the system role sees them."""
    return model._base_manager.using(SYSTEM)


def tenant_walls() -> Iterator[Finding]:
    """I1: no row points at another tenant's row."""
    for model in apps.get_models():
        names = {field.name for field in model._meta.concrete_fields}
        if "tenant" not in names:
            continue
        for field in model._meta.concrete_fields:
            target = field.related_model
            if not isinstance(field, models.ForeignKey) or field.name == "tenant" or isinstance(target, str) or target is None:
                continue
            if not any(each.name == "tenant" for each in target._meta.concrete_fields):
                continue
            crossing = rows(model).exclude(**{field.attname: None}).exclude(**{f"{field.name}__tenant_id": F("tenant_id")})
            for pk in crossing.filter(**{f"{field.name}__tenant_id__isnull": False}).values_list("pk", flat=True)[:20]:
                yield Finding("I1", f"{model._meta.label} {pk}: its {field.name} belongs to another tenant")


def money() -> Iterator[Finding]:
    """I2: refunds done and under way never exceed what was there; the shop's ledger and ours hold the same effects."""
    counted: dict[tuple[Any, ...], int] = defaultdict(int)
    there: dict[tuple[Any, ...], int] = defaultdict(int)
    for call in rows(ToolCall).filter(tool="create_refund", amount__isnull=False):
        key = (call.tenant_id, call.connector_id, call.target, call.currency)
        remaining = call.facts.get("order.remaining")
        if remaining:
            there[key] = max(there[key], int(remaining["amount"]))
        if call.state in (State.APPROVED, State.EXECUTING, State.SUCCEEDED, State.UNKNOWN):
            counted[key] += call.amount
        if call.amount <= 0:
            yield Finding("I2", f"call {call.pk}: refunds {call.amount} {call.currency}")
    for key, total in counted.items():
        if total > there[key]:
            yield Finding("I2", f"order {key[2]} of tenant {key[0]}: {total} {key[3]} refunded or under way, {there[key]} were there")
    for connector in rows(Connector).filter(is_active=True):
        yield from _same_effects(connector)


def _same_effects(connector: Connector) -> Iterator[Finding]:
    try:
        answer = safe_http.request(
            "GET", f"{connector.base_url}/v1/ledger?after=0", headers={"Authorization": f"Bearer {connector.token()}"}, timeout=3
        )
        entries = answer.json()["entries"]
    except (safe_http.NoAnswer, safe_http.Refused, CannotOpen, ValueError, KeyError, TypeError) as error:
        yield Finding("I2", f"{connector.name} was not compared, only our own ledger: {error}", is_note=True)
        return
    theirs = [entry["idempotency_key"] for entry in entries]
    ours = {str(pk): state for pk, state in rows(ToolCall).filter(connector=connector, is_write=True).values_list("pk", "state")}
    for key in {key for key in theirs if theirs.count(key) > 1}:
        yield Finding("I2", f"the shop took effect twice for call {key}")
    for key, state in ours.items():
        if state == State.SUCCEEDED and key not in theirs:
            yield Finding("I2", f"call {key} is done here, the shop's ledger does not have it")
        if key in theirs and state not in (State.SUCCEEDED, State.EXECUTING, State.UNKNOWN):
            yield Finding("I2", f"call {key} took effect in the shop, here it is {state}")


def no_loss() -> Iterator[Finding]:
    """I3: every message that was accepted exists exactly once."""
    accepted = rows(Event).filter(code="message.received").values_list("pk", "subject")
    stored = set(rows(Message).filter(author=Author.CUSTOMER).values_list("pk", flat=True))
    named: dict[int, int] = defaultdict(int)
    for pk, subject in accepted:
        message = int(subject.get("message", 0))
        named[message] += 1
        if message not in stored:
            yield Finding("I3", f"event {pk}: message {message} was accepted and is gone")
    for message in sorted(stored):
        if named[message] != 1:
            yield Finding("I3", f"message {message} was accepted {named[message]} times")


def order() -> Iterator[Finding]:
    """I4: seq is 1..n on every ticket, without a gap or a double."""
    for ticket in rows(Ticket).annotate(n=Count("messages"), low=Min("messages__seq"), high=Max("messages__seq")):
        if ticket.n != ticket.last_seq or (ticket.n and (ticket.low, ticket.high) != (1, ticket.n)):
            yield Finding("I4", f"ticket {ticket.pk}: {ticket.n} messages, seq {ticket.low}..{ticket.high}, last_seq {ticket.last_seq}")


def liveness() -> Iterator[Finding]:
    """I5: no run or job beyond its lease; every customer message is answered, passed on, or about to be."""
    now = timezone.now()
    for pk in rows(AgentRun).filter(state="running", lease_until__lt=now).values_list("pk", flat=True):
        yield Finding("I5", f"run {pk} is beyond its lease")
    for pk in rows(Job).filter(state="running", lease_until__lt=now - timedelta(seconds=ANSWER_SECONDS)).values_list("pk", flat=True):
        yield Finding("I5", f"job {pk} is beyond its lease")
    for pk in rows(Approval).filter(decision="", expires_at__lt=now - timedelta(seconds=ANSWER_SECONDS)).values_list("pk", flat=True):
        yield Finding("I5", f"approval {pk} is beyond its time and still open")
    late = rows(Ticket).filter(
        handler=Handler.AI, asked_seq__gt=F("answered_seq"), waiting_since__lt=now - timedelta(seconds=ANSWER_SECONDS)
    )
    for pk in late.exclude(status=Status.RESOLVED).values_list("pk", flat=True):
        yield Finding("I5", f"ticket {pk}: the customer waits longer than {ANSWER_SECONDS} s and nobody has it")


def audit() -> Iterator[Finding]:
    """I6: each change of state has its one event, and the chain of events holds."""
    while stamp():
        pass
    for tenant in Tenant.objects.using(SYSTEM).all():
        for said in broken_links(tenant):
            yield Finding("I6", f"{tenant.slug}: {said}")
    told: dict[tuple[str, str], int] = defaultdict(int)
    decided = dict.fromkeys(("approval.asked", *DECIDED.values()), "approval")
    codes = decided | {"ticket.escalated": "escalation", "call.succeeded": "call", "call.refused": "call", "run.started": "run"}
    for code, subject in rows(Event).filter(code__in=codes).values_list("code", "subject"):
        told[code, str(subject.get(codes[code], ""))] += 1
    expected = [("ticket.escalated", str(pk)) for pk in rows(Escalation).values_list("pk", flat=True)]
    expected += [("call.succeeded", str(pk)) for pk in rows(ToolCall).filter(state=State.SUCCEEDED).values_list("pk", flat=True)]
    expected += [("call.refused", str(pk)) for pk in rows(ToolCall).filter(state=State.FAILED).values_list("pk", flat=True)]
    for pk, decision in rows(Approval).values_list("pk", "decision"):
        expected += [("approval.asked", str(pk)), *([(DECIDED[Approval.Decision(decision)], str(pk))] if decision else [])]
    expected += [("run.started", str(pk)) for pk in rows(AgentRun).values_list("pk", flat=True)]
    for code, pk in expected:
        if told[code, pk] != 1:
            yield Finding("I6", f"{code} of {pk} has {told[code, pk]} events")


def secrets() -> Iterator[Finding]:
    """I7: no secret of the installation stands in anything that is stored, shown or sent to a model."""
    wanted = {
        "SECRET_KEY": settings.SECRET_KEY,
        **{f"SEALING_KEYS {n}": key.partition(":")[2] for n, key in enumerate(settings.SEALING_KEYS)},
    }
    for connector in rows(Connector).exclude(sealed_token=""):
        try:
            wanted[f"token of connector {connector.pk}"] = connector.token()
        except CannotOpen:
            yield Finding("I7", f"connector {connector.pk}: its sealed token does not open here")
    places: tuple[tuple[type[models.Model], tuple[str, ...]], ...] = (
        (Message, ("body", "data", "citations")),
        (Step, ("input", "output")),
        (ToolCall, ("arguments", "facts", "result", "decision", "card")),
        (Escalation, ("packet",)),
        (Event, ("subject", "changed")),
        (Job, ("args", "last_error")),
    )
    for name, secret in wanted.items():
        for model, fields in places:
            for field in fields:
                found = rows(model).annotate(written=Cast(field, TextField())).filter(written__contains=secret)
                for pk in found.values_list("pk", flat=True)[:5]:
                    yield Finding("I7", f"{model._meta.label} {pk}: its {field} holds {name}")


def human_control() -> Iterator[Finding]:
    """I8: between a takeover and the hand-back the AI neither speaks nor starts an effect."""
    codes = ("ticket.taken_over", "ticket.handed_back", "ticket.reopened")
    spans: dict[int, list[tuple[str, int, Any]]] = defaultdict(list)
    for code, ticket, changed, at in rows(Event).filter(code__in=codes).order_by("id").values_list("code", "ticket_id", "changed", "at"):
        spans[ticket].append((code, int(changed.get("seq", 0)), at))
    for ticket, acts in spans.items():
        for index, (code, seq, at) in enumerate(acts):
            if code != "ticket.taken_over":
                continue
            until = next((act for act in acts[index + 1 :] if act[0] != "ticket.taken_over"), None)
            spoken = rows(Message).filter(ticket_id=ticket, author=Author.AI, seq__gt=seq)
            # What a teammate approved while having the ticket is that teammate's own act.
            own = rows(Approval).filter(decision="approve", handler=Handler.HUMAN).values("call_id")
            begun = rows(ToolCall).filter(ticket_id=ticket, executing_at__gt=at).exclude(pk__in=own)
            if until is not None:
                spoken, begun = spoken.filter(seq__lte=until[1]), begun.filter(executing_at__lt=until[2])
            for pk in spoken.values_list("pk", flat=True):
                yield Finding("I8", f"message {pk}: the AI spoke on ticket {ticket} while a teammate had it")
            for pk in begun.values_list("pk", flat=True):
                yield Finding("I8", f"call {pk}: began on ticket {ticket} while a teammate had it")


CHECKS: dict[str, Callable[[], Iterator[Finding]]] = {
    "I1": tenant_walls,
    "I2": money,
    "I3": no_loss,
    "I4": order,
    "I5": liveness,
    "I6": audit,
    "I7": secrets,
    "I8": human_control,
}


def findings() -> list[Finding]:
    """Everything that is broken; empty when all eight hold."""
    return [finding for check in CHECKS.values() for finding in check() if not finding.is_note]
