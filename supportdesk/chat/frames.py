"""What a browser may say on the chat socket, and what it may be told; pure, so that every hostile frame can be tried in microseconds."""

import json
import re
from collections.abc import Mapping
from typing import Any

MAX_CHARACTERS = 64 * 1024
# What no database takes for text: half of a pair, and NUL.
NO_TEXT = re.compile("[\x00\ud800-\udfff]")
# Refused further in, in words of their own.
JUDGED = ("token", "text")
CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

FIELDS: dict[str, dict[str, type]] = {
    "hello": {"token": str, "position": int},
    "send": {"client_id": str, "text": str},
    "ask_code": {"email": str},
    "code": {"digits": str},
    "confirm": {"call": str, "hash": str, "yes": bool},
    "human": {},
    "helped": {},
    "not_helped": {},
    "typing": {},
    "ping": {},
}
LONGEST = {"token": 200, "email": 254, "digits": 40, "call": 36, "hash": 64}

# An allow-list: a frame or a field nobody wrote down here is never sent. True: it is always there.
TOLD: dict[str, dict[str, bool]] = {
    "ready": {"position": True, "last_seq": True},
    "changed": {"position": True},
    "progress": {"stage": True, "detail": True},
    "ack": {"client_id": True, "seq": True},
    "refused": {"for": True, "code": True, "message": True, "client_id": False},
    "renewed": {"token": True},
    "pong": {},
}

Frame = dict[str, Any]


class BadFrame(Exception):
    """A frame this socket does not speak; says nothing about why."""


class UnknownFrame(Exception):
    """Something was to be told that customers' pages are not told."""


def told(name: str, fields: Mapping[str, Any]) -> str:
    """One frame for the browser, as text.

    Raises:
        UnknownFrame: its name or a field is not on the list, or a field is missing.
    """
    listed = TOLD.get(name)
    if listed is None or not set(fields) <= set(listed) or not {field for field, always in listed.items() if always} <= set(fields):
        raise UnknownFrame(name)
    return json.dumps({"type": name, **fields})


def parse(text: str | None) -> Frame:
    """One frame with exactly its known fields, each of its type.

    Raises:
        BadFrame: binary, too long, no JSON object, unknown, or a field missing or of another type.
    """
    if text is None or len(text) > MAX_CHARACTERS:
        raise BadFrame
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        raise BadFrame from None
    name = said.get("type") if isinstance(said, dict) else None
    if not isinstance(name, str) or name not in FIELDS:
        raise BadFrame
    frame: Frame = {"type": name}
    for field, kind in FIELDS[name].items():
        value = said.get(field)
        # A bool is an int to Python, and not to us.
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise BadFrame
        if isinstance(value, str) and (len(value) > LONGEST.get(field, MAX_CHARACTERS) or (field not in JUDGED and NO_TEXT.search(value))):
            raise BadFrame
        frame[field] = value
    if name == "hello":
        if not 0 <= frame["position"] <= 2**53:
            raise BadFrame
        language = said.get("language", "")
        frame["language"] = language if isinstance(language, str) and len(language) <= 12 else ""
    if name == "send" and not CLIENT_ID.fullmatch(frame["client_id"]):
        raise BadFrame
    return frame
