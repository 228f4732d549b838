"""The OpenAPI 3.1 document of the shop: paths, schemas and every refusal there is."""

from __future__ import annotations

from typing import Any

from .validation import COUNTRY, CURRENCY, KEY, MAX_AMOUNT, MAX_LINE, MAX_REASON

Json = dict[str, Any]

INTRO = """Customers, orders, refunds and a ledger: a small order system to try an agent on.

Amounts are integers in minor units (`6400` with `EUR` is 64.00 €, `26800` with `JPY` is 26 800 ¥, `98500` with `KWD` is 98.500 KWD).

**Idempotency.** Every POST that acts needs an `Idempotency-Key`. The first request with a key is carried out and its outcome
recorded, a refusal (404, 409, 422 `currency_mismatch`) too; the same key with the same method, path and body gets that status and
body again, with `Idempotent-Replayed: true`. Another request under the same key is refused with 422 `idempotency_mismatch`. Two at
once take turns: the second gets the outcome of the first. A request whose body is not valid is not recorded.
`GET /v1/operations/{idempotency_key}` tells what became of a key whose answer got lost.

**Ledger.** Each effect appends one entry. `hash` is the SHA-256 (hex) of the entry without `hash`, written as JSON with sorted keys,
no spaces, UTF-8; `prev_hash` is the hash of the entry before, 64 zeros for the first.

**Faults.** The header `X-Fault` on any request for customers, orders, subscriptions, operations or the ledger (or a standing fault,
`PUT /v1/faults`) asks for trouble: `slow=2500` (the effect happens at once, the answer waits so many milliseconds), `500`, `429` and
`error200` (a status of 200 with an error inside), all three without effect, `lost` (the effect happens, the connection closes without
an answer), `lost-before` (the connection closes, nothing happened). The header wins over a standing fault and does not use it up."""


def _object(properties: Json, *, optional: tuple[str, ...] = (), description: str | None = None) -> Json:
    schema: Json = {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }
    return schema | ({"description": description} if description else {})


def _text(description: str | None = None, **rules: object) -> Json:
    return {"type": "string", **rules} | ({"description": description} if description else {})


def _one_of(*values: str) -> Json:
    return {"type": "string", "enum": list(values)}


def _or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(name: str) -> Json:
    return {"type": "array", "items": _ref(name)}


def _line(limit: int = MAX_LINE) -> Json:
    return _text(minLength=1, maxLength=limit)


TIME = _text(format="date-time")
DATE = _text(format="date")
CURRENCY_CODE = _text("ISO 4217", pattern=f"^{CURRENCY.pattern}$")
NOT_NEGATIVE: Json = {"type": "integer", "minimum": 0}
POSITIVE: Json = {"type": "integer", "minimum": 1, "maximum": MAX_AMOUNT}
REASON = _text(minLength=1, maxLength=MAX_REASON)
ORDER_STATUS = _one_of("pending", "paid", "packed", "shipped", "delivered", "cancelled", "returned")
FAULT_MODE = _text("one of the faults", pattern="^(slow=[0-9]{1,5}|500|429|lost|lost-before|error200)$")
ADDRESS_PARTS: Json = {
    "name": _line(),
    "line1": _line(),
    "line2": _or_null(_line()),
    "city": _line(),
    "postcode": _line(16),
    "country": _text("ISO 3166-1 alpha-2", pattern=f"^{COUNTRY.pattern}$"),
}
FAULT_PARTS: Json = {
    "mode": FAULT_MODE,
    "count": _or_null(
        {"type": "integer", "minimum": 1, "maximum": 1_000_000, "description": "how many requests it hits; null: until lifted"}
    ),
    "path": _or_null(_text("only paths that start so", pattern="^/v1/")),
    "method": _or_null(_one_of("GET", "POST")),
}

SCHEMAS: Json = {
    "Error": _object({"error": _object({"code": _text("stable, for programs"), "message": _text("for people")})}),
    "Health": _object({"status": {"const": "ok"}}),
    "Address": _object(ADDRESS_PARTS),
    "AddressWanted": _object(ADDRESS_PARTS, optional=("line2",)),
    "Customer": _object(
        {
            "id": _text(),
            "name": _text(),
            "email": _text(format="email"),
            "phone": _or_null(_text()),
            "language": _text("ISO 639-1"),
            "since": DATE,
            "address": _ref("Address"),
        }
    ),
    "Customers": _object({"customers": _list("Customer")}),
    "Item": _object({"sku": _text(), "name": _text(), "quantity": {"type": "integer", "minimum": 1}, "unit_price": NOT_NEGATIVE}),
    "Payment": _object({"kind": _one_of("card", "bank_transfer", "invoice"), "label": _text()}),
    "Tracking": _object({"carrier": _text(), "number": _text(), "url": _text(format="uri"), "eta": _or_null(DATE)}),
    "Order": _object(
        {
            "number": _text(pattern="^N-[0-9]{5}$"),
            "customer_id": _text(),
            "status": ORDER_STATUS,
            "placed_at": TIME,
            "shipped_at": _or_null(TIME),
            "delivered_at": _or_null(TIME),
            "currency": CURRENCY_CODE,
            "total": NOT_NEGATIVE,
            "captured": NOT_NEGATIVE | {"description": "taken from the payment method so far"},
            "refunded": NOT_NEGATIVE | {"description": "paid back so far, never more than captured"},
            "items": _list("Item"),
            "payment": _ref("Payment"),
            "shipping_address": _ref("Address"),
            "tracking": _or_null(_ref("Tracking")),
            "version": {"type": "integer", "minimum": 1, "description": "goes up with every change"},
        }
    ),
    "Orders": _object({"orders": _list("Order")}),
    "Subscription": _object(
        {
            "id": _text(pattern="^S-[0-9]+$"),
            "customer_id": _text(),
            "name": _text(),
            "status": _one_of("active", "cancelled"),
            "amount": POSITIVE,
            "currency": CURRENCY_CODE,
            "interval": _one_of("month", "quarter", "year"),
            "next_at": _or_null(TIME),
        }
    ),
    "Subscriptions": _object({"subscriptions": _list("Subscription")}),
    "RefundWanted": _object({"amount": POSITIVE, "currency": CURRENCY_CODE, "reason": REASON}),
    "ReasonGiven": _object({"reason": REASON}),
    "Refunded": _object(
        {
            "reference": _text(pattern="^RF-[0-9]+$"),
            "order": _text(),
            "amount": POSITIVE,
            "currency": CURRENCY_CODE,
            "to": _text("the payment method it goes back to"),
            "created_at": TIME,
            "arrives": _text(),
        }
    ),
    "OrderCancelled": _object(
        {"reference": _text(pattern="^CN-[0-9]+$"), "order": _text(), "refunded_amount": NOT_NEGATIVE, "currency": CURRENCY_CODE}
    ),
    "AddressChanged": _object({"reference": _text(pattern="^AD-[0-9]+$"), "order": _text(), "shipping_address": _ref("Address")}),
    "SubscriptionCancelled": _object(
        {
            "reference": _text(pattern="^SC-[0-9]+$"),
            "subscription": _text(),
            "status": {"const": "cancelled"},
            "ends_at": _or_null(TIME),
        }
    ),
    "Operation": _object(
        {
            "key": _text(),
            "status": {"type": "integer", "description": "the HTTP status that was answered"},
            "body": {
                "description": "the body that was answered",
                "anyOf": [_ref(name) for name in ("Refunded", "OrderCancelled", "AddressChanged", "SubscriptionCancelled", "Error")],
            },
            "at": TIME,
        }
    ),
    "Entry": _object(
        {
            "seq": {"type": "integer", "minimum": 1, "description": "1, 2, 3 … without gaps"},
            "at": TIME,
            "kind": _one_of("refund", "cancel", "address", "subscription_cancel"),
            "order": _text("the order, or the subscription that was cancelled"),
            "amount": NOT_NEGATIVE | {"description": "what was paid back, 0 where no money moved"},
            "currency": CURRENCY_CODE,
            "reference": _text(),
            "idempotency_key": _text(),
            "prev_hash": _text(pattern="^[0-9a-f]{64}$"),
            "hash": _text(pattern="^[0-9a-f]{64}$"),
        }
    ),
    "Ledger": _object({"entries": _list("Entry")}),
    "FaultWanted": _object(FAULT_PARTS, optional=("count", "path", "method")),
    "StandingFault": _object({"fault": _or_null(_object(FAULT_PARTS))}),
    "Nothing": _object({}),
    "Reset": _object({"status": {"const": "reset"}}),
}


def _parameter(where: str, name: str, schema: Json, description: str, *, is_required: bool = True) -> Json:
    return {"in": where, "name": name, "required": is_required, "schema": schema, "description": description}


KEY_HEADER = _parameter("header", "Idempotency-Key", _text(pattern=f"^{KEY.pattern}$"), "one value per intended effect")
FAULT_HEADER = _parameter("header", "X-Fault", FAULT_MODE, "trouble wanted with this request", is_required=False)
ORDER_NUMBER = _parameter("path", "number", _text(), "order number, like N-20377")
CUSTOMER_ID = _parameter("path", "id", _text(), "customer id, like C-1001")
SUBSCRIPTION_ID = _parameter("path", "id", _text(), "subscription id, like S-301")


def _json_body(schema: str) -> Json:
    return {"application/json": {"schema": _ref(schema)}}


def _answer(description: str, schema: str) -> Json:
    return {"description": description, "content": _json_body(schema)}


def _errors(**codes: str) -> Json:
    return {status.removeprefix("e"): _answer(description, "Error") for status, description in codes.items()}


GUARDED = _errors(e400="`repeated_header`", e401="`unauthorized`", e413="`too_large`: more than 64 KB")
FAULTY = _errors(e429="asked for with a fault", e500="asked for with a fault")
INVALID = "`invalid`: a value, a key or a parameter that is not allowed"


def _read(operation: str, summary: str, schema: str, *parameters: Json, may_miss: bool = False) -> Json:
    missing = _errors(e404="`not_found`") if may_miss else {}
    return {
        "operationId": operation,
        "summary": summary,
        "parameters": [*parameters, FAULT_HEADER],
        "responses": {"200": _answer("The answer.", schema)} | GUARDED | missing | _errors(e422=INVALID) | FAULTY,
    }


def _act(
    operation: str, summary: str, wanted: str, done: str, conflict: str, target: Json, *, status: str = "200", mismatch: str = ""
) -> Json:
    replayed = {"Idempotent-Replayed": {"schema": {"const": "true"}, "description": "present when this is the recorded outcome again"}}
    return {
        "operationId": operation,
        "summary": summary,
        "parameters": [target, KEY_HEADER, FAULT_HEADER],
        "requestBody": {"required": True, "content": _json_body(wanted)},
        "responses": {status: _answer("Done, once.", done) | {"headers": replayed}}
        | GUARDED
        | _errors(
            e400="`bad_json`, `idempotency_key_required`, `bad_idempotency_key`, `repeated_header`",
            e404="`not_found`",
            e409=conflict,
            e422=f"{INVALID}; `idempotency_mismatch`{mismatch}",
        )
        | FAULTY,
    }


def _plain(operation: str, summary: str, responses: Json, *, body: str | None = None, is_public: bool = False) -> Json:
    needs: Json = {"requestBody": {"required": body != "Nothing", "content": _json_body(body)}} if body else {}
    refusals = {} if is_public else GUARDED | _errors(e422=INVALID)
    if body:
        refusals |= _errors(e400="`bad_json`, `repeated_header`")
    return (
        {"operationId": operation, "summary": summary, "responses": responses | refusals} | needs | ({"security": []} if is_public else {})
    )


PATHS: Json = {
    "/healthz": {"get": _plain("health", "Whether the shop is up", {"200": _answer("It is.", "Health")}, is_public=True)},
    "/openapi.json": {
        "get": _plain(
            "openapi",
            "This document",
            {"200": {"description": "OpenAPI 3.1", "content": {"application/json": {"schema": {"type": "object"}}}}},
            is_public=True,
        )
    },
    "/docs": {
        "get": _plain(
            "docs",
            "This document as a page",
            {"200": {"description": "HTML", "content": {"text/html": {"schema": {"type": "string"}}}}},
            is_public=True,
        )
    },
    "/v1/customers": {
        "get": _read(
            "findCustomers",
            "The customer with an e-mail address, in a list of one or none",
            "Customers",
            _parameter("query", "email", _text(minLength=1), "whole address, in any case"),
        )
    },
    "/v1/customers/{id}": {"get": _read("getCustomer", "One customer", "Customer", CUSTOMER_ID, may_miss=True)},
    "/v1/customers/{id}/orders": {"get": _read("listOrders", "A customer's orders, newest first", "Orders", CUSTOMER_ID, may_miss=True)},
    "/v1/customers/{id}/subscriptions": {
        "get": _read("listSubscriptions", "A customer's subscriptions", "Subscriptions", CUSTOMER_ID, may_miss=True)
    },
    "/v1/orders/{number}": {"get": _read("getOrder", "One order", "Order", ORDER_NUMBER, may_miss=True)},
    "/v1/orders/{number}/refunds": {
        "post": _act(
            "createRefund",
            "Pay back part or all of an order",
            "RefundWanted",
            "Refunded",
            "`exceeds_captured`: more than was captured and not yet paid back",
            ORDER_NUMBER,
            status="201",
            mismatch="; `currency_mismatch`",
        )
    },
    "/v1/orders/{number}/cancel": {
        "post": _act(
            "cancelOrder",
            "Cancel a pending or paid order and pay back what was captured",
            "ReasonGiven",
            "OrderCancelled",
            "`not_cancellable`: packed or further",
            ORDER_NUMBER,
        )
    },
    "/v1/orders/{number}/address": {
        "post": _act(
            "changeAddress",
            "Send a pending, paid or packed order elsewhere",
            "AddressWanted",
            "AddressChanged",
            "`address_locked`: shipped or further",
            ORDER_NUMBER,
        )
    },
    "/v1/subscriptions/{id}/cancel": {
        "post": _act(
            "cancelSubscription",
            "End a subscription when its paid period ends",
            "ReasonGiven",
            "SubscriptionCancelled",
            "`already_cancelled`",
            SUBSCRIPTION_ID,
        )
    },
    "/v1/operations/{idempotency_key}": {
        "get": _read(
            "getOperation",
            "What became of an idempotency key; 404: it never took effect",
            "Operation",
            _parameter("path", "idempotency_key", _text(), "the key, percent-encoded"),
            may_miss=True,
        )
    },
    "/v1/ledger": {
        "get": _read(
            "readLedger",
            "Every effect since the shop was seeded, oldest first",
            "Ledger",
            _parameter("query", "after", NOT_NEGATIVE | {"default": 0}, "only entries with a higher seq", is_required=False),
        )
    },
    "/v1/faults": {
        "get": _plain("getFault", "The standing fault, or null", {"200": _answer("The answer.", "StandingFault")}),
        "put": _plain("putFault", "Set the standing fault", {"200": _answer("It stands.", "StandingFault")}, body="FaultWanted"),
        "delete": _plain("liftFault", "Lift the standing fault", {"200": _answer("It is lifted.", "StandingFault")}),
    },
    "/v1/reset": {
        "post": _plain("reset", "Seed anew: orders, ledger, recorded keys and faults", {"200": _answer("Done.", "Reset")}, body="Nothing")
    },
}


def document() -> Json:
    """The whole document, ready for JSON."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Norrholt demo shop",
            "version": "1.0.0",
            "description": INTRO,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": PATHS,
        "components": {"schemas": SCHEMAS, "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
    }
