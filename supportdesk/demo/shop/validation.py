"""Strict reading of request bodies: right types, no extra keys, nothing guessed or converted."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping

from .errors import Refusal, invalid
from .shapes import Address, RefundWanted

MAX_AMOUNT = 10**12
MAX_REASON = 1000
MAX_LINE = 120

CURRENCY = re.compile(r"[A-Z]{3}")
COUNTRY = re.compile(r"[A-Z]{2}")
KEY = re.compile(r"[\x21-\x7e]{1,255}")

Body = Mapping[str, object]


def parse_body(raw: bytes) -> Body:
    """The JSON object in `raw`; 400 `bad_json` for anything else, also for a key given twice or a NaN."""
    try:
        body = json.loads(raw.decode("utf-8"), object_pairs_hook=_without_repeats, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "bad_json", "The body is not valid JSON in UTF-8.") from error
    if not isinstance(body, dict):
        raise Refusal(400, "bad_json", "The body must be a JSON object.")
    return body


def canonical(body: object) -> str:
    """One spelling per value, so that equal requests compare equal and hashes can be checked by anyone."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def refund_wanted(body: Body) -> RefundWanted:
    _exactly(body, {"amount", "currency", "reason"})
    return {"amount": _amount(body), "currency": _code(body, "currency", CURRENCY), "reason": _reason(body)}


def reason_given(body: Body) -> str:
    _exactly(body, {"reason"})
    return _reason(body)


def address_wanted(body: Body) -> Address:
    _exactly(body, {"name", "line1", "line2", "city", "postcode", "country"}, optional={"line2"})
    return {
        "name": _line(body, "name"),
        "line1": _line(body, "line1"),
        "line2": None if body.get("line2") is None else _line(body, "line2"),
        "city": _line(body, "city"),
        "postcode": _line(body, "postcode", limit=16),
        "country": _code(body, "country", COUNTRY),
    }


def whole_number(body: Body, name: str, *, least: int, most: int) -> int:
    """An integer between two bounds; a float or a boolean is not one."""
    value = body[name]
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid(f"{name} must be an integer.")
    if not least <= value <= most:
        raise invalid(f"{name} must be between {least} and {most}.")
    return value


def only_keys(body: Body, allowed: set[str]) -> None:
    if extra := sorted(set(body) - allowed):
        raise invalid(f"Unknown key: {ascii(extra[0])[:80]}.")


def _exactly(body: Body, wanted: set[str], *, optional: set[str] | None = None) -> None:
    only_keys(body, wanted)
    if missing := sorted(wanted - set(body) - (optional or set())):
        raise invalid(f"Missing key: {missing[0]}.")


def _amount(body: Body) -> int:
    return whole_number(body, "amount", least=1, most=MAX_AMOUNT)


def _code(body: Body, name: str, pattern: re.Pattern[str]) -> str:
    value = body[name]
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise invalid(f"{name} must match {pattern.pattern}.")
    return value


def _reason(body: Body) -> str:
    return _text(body, "reason", limit=MAX_REASON, allowed="\n\t")


def _line(body: Body, name: str, *, limit: int = MAX_LINE) -> str:
    return _text(body, name, limit=limit, allowed="")


def _text(body: Body, name: str, *, limit: int, allowed: str) -> str:
    value = body[name]
    if not isinstance(value, str):
        raise invalid(f"{name} must be a string.")
    value = value.strip()
    if not value or len(value) > limit:
        raise invalid(f"{name} must have 1 to {limit} characters.")
    # Cs are lone surrogates: valid in JSON, impossible to store as UTF-8.
    if any(unicodedata.category(char) in {"Cc", "Cs"} and char not in allowed for char in value):
        raise invalid(f"{name} must not contain control characters.")
    return value


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    body = dict(pairs)
    if len(body) != len(pairs):
        raise ValueError("a key is given twice")
    return body


def _no_constant(name: str) -> object:
    raise ValueError(name)
