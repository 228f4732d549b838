"""Why something was not done, as the customer may hear it: by the refusal's stable code, or by the few sentences of our own."""

import re
from collections.abc import Mapping
from typing import Any

from agents.runtime.builtin.turns import Result

# A code of the gateway or of a shop, and the sentence of replies.json for it.
WHY = {
    "exceeds_left": "why_left",
    "exceeds_captured": "why_exceeds",
    "nothing_left": "why_nothing_left",
    "currency": "why_currency",
    "currency_mismatch": "why_currency",
    "not_cancellable": "why_state",
    "address_locked": "why_state",
    "already_cancelled": "why_ended",
    "not_found": "why_gone",
    "switched_off": "why_off",
    "person_has_it": "why_person",
    "identity_over": "why_identity",
    "changed": "why_changed",
    "other_environment": "why_off",
}
# The same for calls from before the codes; prose of policies and of unknown shops is never guessed at.
_SAID = (
    ("exceeds_left", re.compile(r"^Only .+ (?:left|can still be refunded)", re.I)),
    ("nothing_left", re.compile(r"^Nothing is left to refund", re.I)),
    ("currency", re.compile(r"was paid in [A-Z]{3}\b")),
    ("not_cancellable", re.compile(r"cannot be cancelled\.?$", re.I)),
    ("address_locked", re.compile(r"address cannot be changed\.?$", re.I)),
    ("already_cancelled", re.compile(r"is cancelled already\.?$", re.I)),
    ("switched_off", re.compile(r"\bswitched off\b", re.I)),
)
_PLAIN = re.compile(r"[A-Z][^_{}<>\[\]()]{8,160}")


def code_of(result: Result) -> str:
    """The stable code of a refusal; empty when only prose tells."""
    given = str((result.data or {}).get("code") or "")
    if given in WHY:
        return given
    return next((code for code, said in _SAID if said.search(result.message.strip())), "")


def left_of(result: Result) -> Mapping[str, Any]:
    """What can still be refunded, {amount, currency}; empty when nobody says."""
    left = (result.data or {}).get("left")
    return left if isinstance(left, Mapping) and isinstance(left.get("amount"), int) and left.get("currency") else {}


def sayable(result: Result, language: str) -> str:
    """The reason in a teammate's own words, which a policy's rule holds in English; empty for customers of other languages."""
    said = result.message.strip()
    return said.rstrip(".") + "." if language == "en" and not code_of(result) and _PLAIN.fullmatch(said) else ""
