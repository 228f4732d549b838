"""Every kind of row there is, and what it has to do with a customer: the one list export, erasure and schedules go by.

A model that stands nowhere here, and a column of a customer's row that nobody decided on, fail `tests/lifecycle/test_inventory.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Q

from agents.actions.models import ToolCall
from supportdesk.lifecycle.pseudonyms import pseudonym, scrambled
from tickets.models import Kind, Message, Ticket

GONE = "Erased."


@dataclass(frozen=True)
class Held:
    """One kind of row about customers: how it leads to its ticket and its customer, and what becomes of its columns.

    `erased` is None where the row itself goes; else it says what stands in each column afterwards, a value or a function of the row.
    `unseen` are columns that no export shows: secrets, and what tells of somebody else.
    """

    model: str
    ticket: str = ""
    customer: str = ""
    erased: Mapping[str, Any] | None = None
    kept: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    only: Q = field(default_factory=Q)

    @property
    def rows(self) -> Any:
        """The manager of the model's rows of the workspace being acted for."""
        return apps.get_model(self.model)._default_manager

    def of_tickets(self, tickets: Any) -> models.QuerySet[Any]:
        """The rows that hang on these tickets."""
        found: models.QuerySet[Any] = self.rows.filter(**{f"{self.ticket}__in": tickets})
        return found

    def of_customer(self, customer_id: int) -> models.QuerySet[Any]:
        """The rows of one person."""
        found = Q()
        if self.ticket:
            found |= Q(**{f"{self.ticket}__in": list(Ticket.objects.filter(customer=customer_id).values_list("pk", flat=True))})
        if self.customer:
            found |= Q(**{self.customer: customer_id})
        rows: models.QuerySet[Any] = self.rows.filter(found)
        return rows


def _plain(message: Message) -> str:
    return message.kind if message.kind in (Kind.NOTE, Kind.NEWS) else Kind.TEXT


def _spoken(call: ToolCall) -> dict[str, Any]:
    """Which rules spoke and how, without what they saw."""
    voices = call.decision.get("voices") or []
    return {"verdict": call.decision.get("verdict", ""), "voices": [{key: each.get(key) for key in ("code", "verdict")} for each in voices]}


def _sum(call: ToolCall) -> dict[str, Any]:
    """What was there to refund: the ledger's arithmetic needs it, and it names nobody."""
    return {name: value for name, value in call.facts.items() if name == "order.remaining"}


def _hashed(column: str) -> Callable[[Any], str]:
    return lambda row: scrambled(getattr(row, column))[:64]


def _named(column: str) -> Callable[[Any], str]:
    def told(row: Any) -> str:
        name = str(getattr(row, column))
        # Once is enough: the same order stays the same order in the ledger's arithmetic.
        return name if not name or name.startswith("erased-") else f"erased-{scrambled(name)[:12]}"

    return told


HELD: tuple[Held, ...] = (
    Held(
        "tickets.Message",
        ticket="ticket",
        erased={"body": GONE, "kind": _plain, "citations": list, "data": dict, "external_id": ""},
        kept=("ticket", "seq", "author", "member", "channel", "turn", "created_at"),
        unseen=("member",),
    ),
    Held("lifecycle.KeptOriginal", ticket="message__ticket"),
    Held("tickets.Attachment", ticket="ticket", unseen=("public_id", "file")),
    Held(
        "tickets.Escalation",
        ticket="ticket",
        erased={"packet": dict},
        kept=("ticket", "reason", "queue", "created_at", "accepted_by", "accepted_at"),
        unseen=("accepted_by",),
    ),
    Held("tickets.OneTimeCode", ticket="ticket", unseen=("code_hash",)),
    Held("tickets.IdentityProof", ticket="ticket", customer="identity__customer"),
    Held("tickets.ChatSession", ticket="ticket", customer="customer", unseen=("public_id", "secret_hash", "handoff_hash")),
    Held(
        "actions.Confirmation",
        ticket="call__ticket",
        customer="call__customer",
        erased={"shown_hash": _hashed("shown_hash")},
        kept=("call", "answer", "created_at", "expires_at", "answered_at"),
    ),
    Held(
        "actions.Approval",
        ticket="ticket",
        customer="call__customer",
        erased={"shown_hash": _hashed("shown_hash"), "reason": "", "say": ""},
        kept=("call", "ticket", "voices", "decision", "decided_by", "decided_at", "handler", "created_at", "expires_at"),
        unseen=("decided_by",),
    ),
    Held(
        "actions.ToolCall",
        ticket="ticket",
        customer="customer",
        erased={
            **{"arguments": dict, "card": dict, "before": dict, "result": dict, "decision": _spoken, "facts": _sum},
            **{
                "arguments_hash": _hashed("arguments_hash"),
                "target": _named("target"),
                "target_version": "",
                "reference": _named("reference"),
            },
        },
        kept=(
            *("ticket", "customer", "run_id", "requested_by", "edited_from", "connector", "tool", "is_write", "state", "verdict"),
            *("policy_version", "amount", "currency", "reconciled", "created_at", "executing_at", "settled_at"),
        ),
        unseen=("requested_by",),
    ),
    Held(
        "runtime.Step",
        ticket="run__ticket",
        erased={"input": dict, "output": dict},
        kept=("run", "number", "kind", "name", "call_id", "input_tokens", "output_tokens", "milliseconds", "created_at"),
    ),
    Held(
        "runtime.AgentRun",
        ticket="ticket",
        erased={},
        kept=(
            *("ticket", "environment", "release", "turn", "trigger", "cause", "state", "outcome", "message", "lease_until"),
            *("input_tokens", "output_tokens", "started_at", "finished_at"),
        ),
    ),
    Held("releases.Pin", ticket="ticket", erased={}, kept=("ticket", "release")),
    Held("core.Presence", ticket="ticket_id"),
    Held("lifecycle.Emptied", ticket="ticket", erased={}, kept=("ticket", "last_seq", "why", "at")),
    Held(
        "lifecycle.LegalHold",
        ticket="ticket",
        customer="customer",
        erased={"reason": ""},
        kept=("customer", "ticket", "placed_by", "placed_at", "lifted_by", "lifted_at"),
        unseen=("reason", "placed_by", "lifted_by"),
    ),
    Held(
        "tickets.Ticket",
        ticket="pk",
        erased={"subject": GONE, "preview": "", "preview_author": "", "language": "", "intent": ""},
        kept=(
            *("number", "brand", "channel", "environment", "customer", "queue", "status", "handler", "assignee", "priority", "turn"),
            *("last_seq", "asked_seq", "answered_seq", "failed_turns", "opened_at", "last_message_at", "waiting_since"),
            *("resolved_at", "resolved_by"),
        ),
        unseen=("assignee",),
    ),
    Held("tickets.CustomerIdentity", customer="customer"),
    Held("lifecycle.CustomerExport", customer="customer", unseen=("asked_by", "public_id")),
    Held(
        "lifecycle.Erasure",
        customer="customer",
        erased={"waits_for": ""},
        kept=("customer", "asked_by", "state", "asked_at", "due_at", "finished_at"),
        unseen=("asked_by",),
    ),
    Held(
        "tickets.Customer",
        customer="pk",
        erased={"name": pseudonym, "company": None, "language": ""},
        kept=("created_at",),
    ),
)
BY_MODEL = {each.model: each for each in HELD}

# Found by other ways than a key; what becomes of them is written out in `persons.py`.
OTHERWISE = {
    "tickets.Company": "goes with its last customer",
    "core.Event": "holds ids only and is the audit trail: it stays, and is part of an export",
    "core.Job": "finished ones about the person go, by the ids in their arguments",
    "core.IdempotentRequest": "saved answers that tell of the person, a ticket or a message of theirs are emptied",
}
# Not about customers, by app or by model.
ELSEWHERE = {
    "admin": "what teammates did in the admin; never written",
    "auth": "names of permissions",
    "contenttypes": "names of models",
    "sessions": "signed-in teammates",
    "axes": "failed sign-ins of teammates",
    "account": "addresses of teammates",
    "mfa": "second factors of teammates",
    "usersessions": "where teammates are signed in",
    "socialaccount": "teammates at an identity provider",
    "guardian": "grants to teammates",
    "accounts": "how teammates sign in",
    "policies": "what editors wrote",
    "knowledge": "articles, their passages and vectors; no customer's words get there, which a test tries",
    "core.Tenant": "the workspace",
    "core.User": "teammates",
    "core.Membership": "teammates",
    "core.Team": "teammates",
    "core.TeamMember": "teammates",
    "core.KillSwitch": "the agent's",
    "core.OperatorAct": "what platform operators did",
    "core.Brand": "the workspace's",
    "core.ServiceIdentity": "programs",
    "core.ApiKey": "programs",
    "core.ChainHead": "a hash",
    "tickets.Channel": "the workspace's",
    "tickets.HistoricalChannel": "the workspace's",
    "tickets.Queue": "the workspace's",
    "tickets.HistoricalQueue": "the workspace's",
    "tickets.QueueTeam": "the workspace's",
    "tickets.QueueGrant": "teammates",
    "tickets.ChannelGrant": "teammates",
    "tickets.HostKey": "sites",
    "tickets.SpentToken": "a hash of a random id, gone when it expires",
    "actions.Connector": "systems",
    "releases.HistoricalAgent": "the agent's",
    "releases.Agent": "the agent's",
    "releases.AgentGrant": "teammates",
    "releases.Release": "the agent's",
    "releases.Label": "the agent's",
    "lifecycle.Schedule": "the workspace's",
    "lifecycle.DataRules": "the workspace's",
    "lifecycle.ErasedSubject": "keyed hashes of who was erased, kept so that a restore does not bring them back",
}


def undecided() -> list[str]:
    """Every model and every column of a customer's row that nobody decided on, as sentences; empty when all are."""
    said = []
    for model in apps.get_models():
        label = model._meta.label
        held = BY_MODEL.get(label)
        if held is None:
            if label not in OTHERWISE and label not in ELSEWHERE and model._meta.app_label not in ELSEWHERE:
                said.append(f"{label}: is it about customers? Say so in supportdesk/lifecycle/inventory.py")
            continue
        columns = {each.name for each in model._meta.concrete_fields if not each.primary_key and each.name != "tenant"}
        if held.erased is not None:
            said += [f"{label}.{name}: what becomes of it?" for name in sorted(columns - set(held.erased) - set(held.kept))]
        named = {*(held.erased or {}), *held.kept, *held.unseen}
        said += [f"{label}.{name}: there is no such column" for name in sorted(named - columns)]
    labels = {model._meta.label for model in apps.get_models()}
    said += [f"{label}: there is no such model" for label in (*BY_MODEL, *OTHERWISE) if label not in labels]
    return said


def customer_rows() -> tuple[Held, ...]:
    """The kinds an export tells, the person first."""
    return tuple(reversed(HELD))
