"""The adapter to the shop system. Reads answer plainly; `perform` answers done, refused or unknown and never raises for a lost answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from agents.actions.models import Connector
from supportdesk.core import safe_http


class Unavailable(Exception):
    """A read got no usable answer."""


@dataclass(frozen=True)
class Outcome:
    """What became of an effect: `done` with the system's answer, `refused` with its reason, or `unknown`."""

    kind: str
    data: dict[str, Any] = field(default_factory=dict)
    message: str = ""


UNKNOWN = Outcome("unknown", message="The system did not say whether it happened.")
READ_SECONDS, WRITE_SECONDS = 5.0, 15.0
# 4xx answers that say "not now" rather than "no".
NOT_NOW = frozenset({408, 409, 425, 429})


class Shop:
    """One connected shop."""

    def __init__(self, connector: Connector) -> None:
        self._base = connector.base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {connector.token()}", "Accept": "application/json"}

    def customer_id(self, email: str) -> str | None:
        """The shop's id of the customer with this (proven) address."""
        found = self._read(f"/v1/customers?email={quote(email)}")
        people = (found or {}).get("customers") or []
        return str(people[0]["id"]) if people else None

    def orders(self, customer_id: str) -> list[dict[str, Any]]:
        """The customer's orders, newest first."""
        return list((self._read(f"/v1/customers/{quote(customer_id)}/orders") or {}).get("orders") or [])

    def order(self, number: str, customer_id: str | None) -> dict[str, Any] | None:
        """The order if it exists and is this customer's; somebody else's looks exactly like one that does not exist."""
        order = self._read(f"/v1/orders/{quote(number)}")
        return order if order and customer_id and order.get("customer_id") == customer_id else None

    def subscriptions(self, customer_id: str) -> list[dict[str, Any]]:
        """The customer's subscriptions."""
        return list((self._read(f"/v1/customers/{quote(customer_id)}/subscriptions") or {}).get("subscriptions") or [])

    def perform(self, tool: str, arguments: Mapping[str, Any], *, idempotency_key: str) -> Outcome:
        """Carry out one write under its key; calling again with the same key repeats the answer, not the effect."""
        path, body = _request(tool, arguments)
        try:
            answer = safe_http.request(
                "POST",
                self._base + path,
                headers={**self._headers, "Idempotency-Key": idempotency_key},
                json=body,
                timeout=WRITE_SECONDS,
            )
            content = answer.json()
        except (safe_http.NoAnswer, safe_http.Refused, ValueError):
            return UNKNOWN
        return _outcome(answer.status, content)

    def outcome_of(self, idempotency_key: str) -> Outcome | None:
        """What became of a key; None when it certainly never took effect.

        Raises:
            Unavailable: when the system cannot say.
        """
        found = self._read(f"/v1/operations/{quote(idempotency_key)}")
        if found is None:
            return None
        return _outcome(int(found.get("status", 0)), found.get("body"))

    def _read(self, path: str) -> dict[str, Any] | None:
        """One GET; None for 404.

        Raises:
            Unavailable: anything else than an answer.
        """
        try:
            answer = safe_http.request("GET", self._base + path, headers=self._headers, timeout=READ_SECONDS)
            if answer.status == 404:
                return None
            content = answer.json()
        except (safe_http.NoAnswer, safe_http.Refused, ValueError) as error:
            raise Unavailable(str(error)) from error
        if answer.status != 200 or not isinstance(content, dict) or "error" in content:
            raise Unavailable(f"answer {answer.status}")
        return content


def _outcome(status: int, content: Any) -> Outcome:
    if not isinstance(content, dict):
        return UNKNOWN
    error = content.get("error")
    if 200 <= status < 300 and not error:
        return Outcome("done", content)
    # An error inside a 200 is no proof of anything: its key is asked for like a lost answer.
    if status < 400 or status >= 500 or (status in NOT_NOW and not _is_refusal(error)):
        return UNKNOWN
    if not isinstance(error, dict):
        return Outcome("refused", message=str(error or f"answer {status}"))
    return Outcome("refused", {"code": str(error.get("code", ""))[:40]}, str(error.get("message", "")))


def _is_refusal(error: Any) -> bool:
    return isinstance(error, dict) and error.get("code") in (
        "exceeds_captured",
        "not_cancellable",
        "address_locked",
        "already_cancelled",
    )


def _request(tool: str, arguments: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    rest = {name: value for name, value in arguments.items() if name not in ("order_number", "subscription_id")}
    match tool:
        case "create_refund":
            return f"/v1/orders/{quote(arguments['order_number'])}/refunds", rest
        case "cancel_order":
            return f"/v1/orders/{quote(arguments['order_number'])}/cancel", rest
        case "change_address":
            return f"/v1/orders/{quote(arguments['order_number'])}/address", rest
        case "cancel_subscription":
            return f"/v1/subscriptions/{quote(arguments['subscription_id'])}/cancel", rest
    raise KeyError(tool)
