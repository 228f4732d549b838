"""The shop's endpoints: who may ask, what they get, and what an idempotency key and a fault do to an answer."""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl, unquote

from . import acts
from .docs import docs_page
from .errors import Refusal, error_json, invalid, not_found
from .faults import Fault, FaultBoard, Mode, standing_fault_wanted
from .openapi import document
from .shapes import Done
from .store import Deal, Store
from .validation import KEY, Body, address_wanted, canonical, only_keys, parse_body, reason_given, refund_wanted

JSON = "application/json"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: Message
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def query(self, *allowed: str) -> dict[str, str]:
        """The query parameters, each at most once and none unknown."""
        pairs = parse_qsl(self.target.partition("?")[2], keep_blank_values=True)
        given = dict(pairs)
        if len(given) != len(pairs) or set(given) - set(allowed):
            raise invalid(f"Query parameters allowed here, each once: {', '.join(allowed) or 'none'}.")
        return given

    def json(self) -> Body:
        return parse_body(self.body)

    def header(self, name: str) -> str | None:
        """One header's value; 400 when it is given twice."""
        values = self.headers.get_all(name, [])
        if len(values) > 1:
            raise Refusal(400, "repeated_header", f"{name} is given more than once.")
        return values[0] if values else None


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, body: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
        return cls(status, canonical(body).encode(), headers=headers or {})


Endpoint = Callable[["Shop", Request, str], Answer]


@dataclass(frozen=True)
class Route:
    """One endpoint: `path` holds at most one `{name}`, whose value the endpoint gets (else an empty string)."""

    method: str
    path: str
    endpoint: Endpoint
    is_public: bool = False
    can_fail: bool = True

    def argument(self, path: str) -> str | None:
        """The value in the path, or None when the path is another route's."""
        pattern = re.sub(r"\{\w+\}", "([^/]+)", self.path)
        found = re.fullmatch(pattern, path)
        return None if found is None else unquote(found[1] if found.groups() else "")


class Shop:
    """Answers requests; knows nothing of sockets."""

    def __init__(self, store: Store, token: str) -> None:
        self.store = store
        self.board = FaultBoard()
        self._expected = f"Bearer {token}".encode()

    def answer(self, request: Request) -> Answer | None:
        """The answer to one request; None when a fault wants the connection closed without one."""
        try:
            route, argument = _find(request.method, request.path)
            if not route.is_public:
                self._authorise(request)
            fault = self._fault(request) if route.can_fail else None
            if fault and fault.mode is Mode.LOST_BEFORE:
                return None
            if fault and (instead := _instead_of_an_effect(fault)):
                return instead
            answer = _refusing(route.endpoint, self, request, argument)
        except Refusal as refusal:
            return _refused(refusal)
        if fault and fault.mode is Mode.SLOW:
            time.sleep(fault.delay_ms / 1000)
        return None if fault and fault.mode is Mode.LOST else answer

    def _authorise(self, request: Request) -> None:
        given = (request.header("Authorization") or "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, self._expected):
            raise Refusal(401, "unauthorized", "A valid bearer token is needed.", headers={"WWW-Authenticate": "Bearer"})

    def _fault(self, request: Request) -> Fault | None:
        """The fault of this request's own header, else the standing one."""
        if (asked := request.header("X-Fault")) is not None:
            return Fault.parse(asked.strip())
        return self.board.take(request.method, request.path)

    def _once(self, request: Request, status: int, act: Callable[[Deal], Done]) -> Answer:
        key = request.header("Idempotency-Key")
        if key is None:
            raise Refusal(400, "idempotency_key_required", "Every POST that acts needs an Idempotency-Key header.")
        if not KEY.fullmatch(key):
            raise Refusal(400, "bad_idempotency_key", "An Idempotency-Key has 1 to 255 visible ASCII characters.")
        asked = canonical([request.method, request.path, request.json()])
        done = self.store.once(key=key, request=asked, status=status, act=act)
        return Answer(done.status, done.body.encode(), headers={"Idempotent-Replayed": "true"} if done.is_replay else {})

    def health(self, request: Request, _: str) -> Answer:
        return Answer.json({"status": "ok"})

    def openapi(self, request: Request, _: str) -> Answer:
        return Answer.json(document())

    def docs(self, request: Request, _: str) -> Answer:
        policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
        return Answer(200, docs_page(document()).encode(), HTML, policy)

    def customers(self, request: Request, _: str) -> Answer:
        email = request.query("email").get("email")
        if not email:
            raise invalid("The query parameter email is needed.")
        return Answer.json({"customers": self.store.customers_with(email.strip())})

    def customer(self, request: Request, customer_id: str) -> Answer:
        request.query()
        return Answer.json(self.store.customer(customer_id))

    def orders(self, request: Request, customer_id: str) -> Answer:
        request.query()
        return Answer.json({"orders": self.store.orders_of(customer_id)})

    def subscriptions(self, request: Request, customer_id: str) -> Answer:
        request.query()
        return Answer.json({"subscriptions": self.store.subscriptions_of(customer_id)})

    def order(self, request: Request, number: str) -> Answer:
        request.query()
        return Answer.json(self.store.order(number))

    def refund(self, request: Request, number: str) -> Answer:
        request.query()
        wanted = refund_wanted(request.json())
        return self._once(request, 201, lambda deal: acts.refund(deal, number, wanted))

    def cancel_order(self, request: Request, number: str) -> Answer:
        request.query()
        reason_given(request.json())
        return self._once(request, 200, lambda deal: acts.cancel_order(deal, number))

    def change_address(self, request: Request, number: str) -> Answer:
        request.query()
        address = address_wanted(request.json())
        return self._once(request, 200, lambda deal: acts.change_address(deal, number, address))

    def cancel_subscription(self, request: Request, subscription_id: str) -> Answer:
        request.query()
        reason_given(request.json())
        return self._once(request, 200, lambda deal: acts.cancel_subscription(deal, subscription_id))

    def operation(self, request: Request, key: str) -> Answer:
        request.query()
        return Answer.json(self.store.operation(key))

    def ledger(self, request: Request, _: str) -> Answer:
        after = request.query("after").get("after", "0")
        if not re.fullmatch(r"[0-9]{1,15}", after):
            raise invalid("after must be an integer, 0 or more.")
        return Answer.json({"entries": self.store.ledger(int(after))})

    def standing_fault(self, request: Request, _: str) -> Answer:
        request.query()
        standing = self.board.standing
        return Answer.json({"fault": standing.as_json() if standing else None})

    def put_fault(self, request: Request, _: str) -> Answer:
        request.query()
        standing = standing_fault_wanted(request.json())
        self.board.put(standing)
        return Answer.json({"fault": standing.as_json()})

    def lift_fault(self, request: Request, _: str) -> Answer:
        request.query()
        self.board.put(None)
        return Answer.json({"fault": None})

    def reset(self, request: Request, _: str) -> Answer:
        request.query()
        if request.body:
            only_keys(request.json(), set())
        self.board.put(None)
        self.store.reset()
        return Answer.json({"status": "reset"})


ROUTES = (
    Route("GET", "/healthz", Shop.health, is_public=True, can_fail=False),
    Route("GET", "/openapi.json", Shop.openapi, is_public=True, can_fail=False),
    Route("GET", "/docs", Shop.docs, is_public=True, can_fail=False),
    Route("GET", "/v1/customers", Shop.customers),
    Route("GET", "/v1/customers/{id}", Shop.customer),
    Route("GET", "/v1/customers/{id}/orders", Shop.orders),
    Route("GET", "/v1/customers/{id}/subscriptions", Shop.subscriptions),
    Route("GET", "/v1/orders/{number}", Shop.order),
    Route("POST", "/v1/orders/{number}/refunds", Shop.refund),
    Route("POST", "/v1/orders/{number}/cancel", Shop.cancel_order),
    Route("POST", "/v1/orders/{number}/address", Shop.change_address),
    Route("POST", "/v1/subscriptions/{id}/cancel", Shop.cancel_subscription),
    Route("GET", "/v1/operations/{idempotency_key}", Shop.operation),
    Route("GET", "/v1/ledger", Shop.ledger),
    Route("GET", "/v1/faults", Shop.standing_fault, can_fail=False),
    Route("PUT", "/v1/faults", Shop.put_fault, can_fail=False),
    Route("DELETE", "/v1/faults", Shop.lift_fault, can_fail=False),
    Route("POST", "/v1/reset", Shop.reset, can_fail=False),
)


def _matching(path: str) -> Iterator[tuple[Route, str]]:
    for route in ROUTES:
        if (argument := route.argument(path)) is not None:
            yield route, argument


def _find(method: str, path: str) -> tuple[Route, str]:
    found = list(_matching(path))
    for route, argument in found:
        if route.method == method:
            return route, argument
    if not found:
        raise not_found("such address")
    allowed = ", ".join(route.method for route, _ in found)
    raise Refusal(405, "method_not_allowed", f"Allowed here: {allowed}.", headers={"Allow": allowed})


def _refusing(endpoint: Endpoint, *arguments: Any) -> Answer:
    """The endpoint's answer, or its refusal as an answer, so that a fault befalls both alike."""
    try:
        return endpoint(*arguments)
    except Refusal as refusal:
        return _refused(refusal)


def _refused(refusal: Refusal) -> Answer:
    return Answer.json(refusal.as_json(), status=refusal.status, headers=refusal.headers)


def _instead_of_an_effect(fault: Fault) -> Answer | None:
    match fault.mode:
        case Mode.SERVER_ERROR:
            return Answer.json(error_json("internal", "Something broke (a fault that was asked for)."), status=500)
        case Mode.TOO_MANY:
            return Answer.json(
                error_json("too_many_requests", "Slow down (a fault that was asked for)."), status=429, headers={"Retry-After": "1"}
            )
        case Mode.ERROR_200:
            return Answer.json(error_json("internal", "Something broke behind a status of 200 (a fault that was asked for)."))
        case _:
            return None
