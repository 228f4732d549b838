"""Every operation of the API by its id: what it needs, and an address and a body that name real rows. An unlisted one fails a test."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator

from agents.actions.ledger import current_hash
from tests.api.worlds import Rows

# A ticket number, an id and a call that no workspace has.
NOBODYS_NUMBER, NOBODYS_ID, NOBODYS_CALL = 987_654, 987_654_321, "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Named:
    """The rows an address names, by id; real ones or nobody's."""

    number: int
    customer: int
    approval: int
    run: int
    call: str
    hash: str = "0" * 64

    @classmethod
    def of(cls, rows: Rows) -> "Named":
        call = str(rows.call.pk)
        return cls(rows.ticket.number, rows.customer.pk, rows.approval.pk, rows.run.pk, call, current_hash(rows.call))


NOBODYS = Named(NOBODYS_NUMBER, NOBODYS_ID, NOBODYS_ID, NOBODYS_ID, NOBODYS_CALL)


@dataclass(frozen=True)
class Operation:
    """What an operation is agreed to need, and how it is called."""

    method: str
    permission: str
    path: Callable[[Named], str]
    body: Any = None
    as_teammate: bool = False


def _ticket(method: str, permission: str, rest: str = "", body: Any = None, *, as_teammate: bool = False) -> Operation:
    return Operation(method, permission, lambda named: f"tickets/{named.number}{rest}", body, as_teammate)


def _act(permission: str, name: str, body: Any = None) -> Operation:
    return _ticket("POST", permission, f"/{name}", body or {}, as_teammate=True)


def _decision(name: str, body: Any) -> Operation:
    return Operation("POST", "approval.decide", lambda named: f"approvals/{named.approval}/{name}", body, True)


OPERATIONS = {
    "list_tickets": Operation("GET", "ticket.list", lambda named: "tickets"),
    "open_ticket": Operation("POST", "message.receive", lambda named: "tickets", {"customer": {"name": "Ida"}, "body": "Hello"}),
    "get_ticket": _ticket("GET", "ticket.see"),
    "change_ticket": _ticket("PATCH", "ticket.assign", body={"priority": 3}),
    "take_over_ticket": _act("ticket.take_over", "take_over"),
    "hand_back_ticket": _act("ticket.hand_back", "hand_back"),
    "assign_ticket": _act("ticket.assign", "assign", {"assignee": None}),
    "resolve_ticket": _act("ticket.resolve", "resolve"),
    "reopen_ticket": _act("ticket.resolve", "reopen"),
    "list_messages": _ticket("GET", "ticket.see", "/messages"),
    "relay_message": _ticket("POST", "message.receive", "/messages", {"body": "Hello again"}),
    "reply": _act("ticket.reply", "replies", {"body": "Hello Ida"}),
    "add_note": _act("ticket.note", "notes", {"body": "She called"}),
    "send_code": _ticket("POST", "message.receive", "/codes", {"email": "ida@mail.example"}),
    "enter_code": _ticket("POST", "message.receive", "/proofs", {"digits": "123456"}),
    "answer_confirmation": Operation(
        "POST",
        "message.receive",
        lambda named: f"tickets/{named.number}/confirmations/{named.call}",
        {"hash": "0" * 64, "yes": False},
    ),
    "list_runs": _ticket("GET", "trace.see", "/runs"),
    "get_run": Operation("GET", "trace.see", lambda named: f"runs/{named.run}"),
    "list_customers": Operation("GET", "customer.see", lambda named: "customers"),
    "create_customer": Operation("POST", "customer.edit", lambda named: "customers", {"name": "Ida"}),
    "get_customer": Operation("GET", "customer.see", lambda named: f"customers/{named.customer}"),
    "change_customer": Operation("PATCH", "customer.edit", lambda named: f"customers/{named.customer}", {"name": "Ida Ek"}),
    "list_approvals": Operation("GET", "approval.see", lambda named: "approvals"),
    "get_approval": Operation("GET", "approval.see", lambda named: f"approvals/{named.approval}"),
    "approve": _decision("approve", {"hash": "0" * 64}),
    "reject": _decision("reject", {"reason": "No"}),
    "edit": _decision("edit", {"hash": "0" * 64, "arguments": {"amount": 100}}),
}
NAMING = {name: each for name, each in OPERATIONS.items() if each.path(NOBODYS) != each.path(Named(1, 1, 1, 1, "1"))}


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The OpenAPI document as it is served."""
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return found


def documented() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation of the document: method, path, operation."""
    for path, item in document()["paths"].items():
        for method, operation in item.items():
            if method in ("get", "post", "patch", "put", "delete"):
                yield method.upper(), path, operation
