"""Which queue a ticket belongs to: a pure decision over plain facts."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class QueueFacts:
    """What routing knows of one queue."""

    id: int
    language: str
    intents: frozenset[str]
    is_fallback: bool


@dataclass(frozen=True)
class Route:
    """Where it goes, how soon, and why, in a sentence."""

    queue_id: int
    priority: int
    why: str


URGENT_REASONS = frozenset({"legal_or_safety"})
HIGH_REASONS = frozenset({"angry", "outcome_unknown", "repeated_failure"})


def choose(*, intent: str, language: str, reason: str, queues: Sequence[QueueFacts]) -> Route:
    """The queue for this intent in this language, else for the language, else for the intent, else the fallback.

    Raises:
        LookupError: when there is no queue at all.
    """
    if not queues:
        raise LookupError("The workspace has no queue: create one in Django admin.")
    priority = 4 if reason in URGENT_REASONS else 3 if reason in HIGH_REASONS else 2

    def rank(queue: QueueFacts) -> tuple[int, int, int, int]:
        speaks = bool(queue.language) and queue.language == language
        foreign = bool(queue.language) and queue.language != language
        # A queue for other intents is a worse home than one for any.
        return (-foreign, 2 * speaks + (intent in queue.intents), queue.is_fallback, not queue.intents)

    best = max(queues, key=rank)
    if best.language and best.language == language:
        why = f"language {language}"
    elif intent in best.intents:
        why = f"intent {intent}"
    else:
        why = "fallback"
    return Route(best.id, priority, why)
