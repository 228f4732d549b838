"""Faults on request: how a client learns to live with slow, failing and silent systems."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypedDict

from .errors import invalid
from .validation import Body, only_keys, whole_number

MAX_DELAY_MS = 60_000
METHODS = ("GET", "POST")


class Mode(StrEnum):
    SLOW = "slow"  # the effect happens at once, its answer comes late
    SERVER_ERROR = "500"
    TOO_MANY = "429"
    LOST = "lost"  # the effect happens, the connection closes without an answer
    LOST_BEFORE = "lost-before"  # the connection closes, nothing happened
    ERROR_200 = "error200"  # a failure dressed up as success


@dataclass(frozen=True)
class Fault:
    mode: Mode
    delay_ms: int = 0

    @property
    def spelling(self) -> str:
        return f"{self.mode}={self.delay_ms}" if self.mode is Mode.SLOW else self.mode.value

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read `500`, `lost` or `slow=2500` (milliseconds); 422 `invalid` for anything else."""
        if slow := re.fullmatch(r"slow=([0-9]{1,5})", text):
            if (delay := int(slow[1])) > MAX_DELAY_MS:
                raise invalid(f"slow takes at most {MAX_DELAY_MS} milliseconds.")
            return cls(Mode.SLOW, delay)
        if text != Mode.SLOW and text in set(Mode):
            return cls(Mode(text))
        raise invalid("A fault is one of slow=MILLISECONDS, 500, 429, lost, lost-before, error200.")


class FaultJson(TypedDict):
    mode: str
    count: int | None
    path: str | None
    method: str | None


@dataclass(frozen=True)
class StandingFault:
    """A fault that hits the next `count` matching requests, or all of them until it is lifted."""

    fault: Fault
    count: int | None = None
    path: str | None = None
    method: str | None = None

    def hits(self, method: str, path: str) -> bool:
        return self.method in (None, method) and path.startswith(self.path or "/")

    def spent_once(self) -> StandingFault | None:
        if self.count is None:
            return self
        return replace(self, count=self.count - 1) if self.count > 1 else None

    def as_json(self) -> FaultJson:
        return {"mode": self.fault.spelling, "count": self.count, "path": self.path, "method": self.method}


class FaultBoard:
    """The one standing fault of the shop; a new one replaces the old."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._standing: StandingFault | None = None

    @property
    def standing(self) -> StandingFault | None:
        return self._standing

    def put(self, standing: StandingFault | None) -> None:
        with self._lock:
            self._standing = standing

    def take(self, method: str, path: str) -> Fault | None:
        """The fault this request meets, counted as used."""
        with self._lock:
            if self._standing is None or not self._standing.hits(method, path):
                return None
            fault = self._standing.fault
            self._standing = self._standing.spent_once()
            return fault


def standing_fault_wanted(body: Body) -> StandingFault:
    only_keys(body, {"mode", "count", "path", "method"})
    mode, path, method = body.get("mode"), body.get("path"), body.get("method")
    if not isinstance(mode, str):
        raise invalid("mode must be a string.")
    if path is not None and not (isinstance(path, str) and path.startswith("/v1/")):
        raise invalid("path must be a string that starts with /v1/.")
    if method is not None and method not in METHODS:
        raise invalid(f"method must be one of {', '.join(METHODS)}.")
    count = None if body.get("count") is None else whole_number(body, "count", least=1, most=1_000_000)
    return StandingFault(Fault.parse(mode), count=count, path=path, method=None if method is None else str(method))
