"""The handoff packet: what a teammate needs so that the customer is asked nothing twice."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Packet:
    """Structured and complete: each field comes from rows and typed facts, the question from the customer's own words."""

    reason: str
    intent: str = ""
    identity: str = "none"
    identity_text: str = ""
    question: str = ""
    language: str = ""
    sentiment: str = "neutral"
    facts: list[dict[str, Any]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    verdicts: list[dict[str, Any]] = field(default_factory=list)
    run: int | None = None
