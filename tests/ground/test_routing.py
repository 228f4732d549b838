"""Which queue a ticket belongs to, by a table."""

import pytest

from tickets.routing import QueueFacts, choose

GENERAL = QueueFacts(1, "", frozenset(), is_fallback=True)
RETURNS = QueueFacts(2, "", frozenset({"refund", "return"}), is_fallback=False)
GERMAN = QueueFacts(3, "de", frozenset(), is_fallback=False)
GERMAN_RETURNS = QueueFacts(4, "de", frozenset({"refund"}), is_fallback=False)
QUEUES = [GENERAL, RETURNS, GERMAN, GERMAN_RETURNS]


@pytest.mark.parametrize(
    ("intent", "language", "queue", "why"),
    [
        ("refund", "de", GERMAN_RETURNS, "language de"),
        ("sizes", "de", GERMAN, "language de"),
        ("refund", "en", RETURNS, "intent refund"),
        ("refund", "", RETURNS, "intent refund"),
        ("sizes", "en", GENERAL, "fallback"),
        ("", "", GENERAL, "fallback"),
        ("", "fr", GENERAL, "fallback"),
    ],
)
def test_language_comes_before_intent_and_the_fallback_takes_the_rest(intent: str, language: str, queue: QueueFacts, why: str):
    for queues in (QUEUES, QUEUES[::-1]):
        route = choose(intent=intent, language=language, reason="", queues=queues)
        assert (route.queue_id, route.why) == (queue.id, why)


@pytest.mark.parametrize(("reason", "priority"), [("", 2), ("other", 2), ("angry", 3), ("outcome_unknown", 3), ("legal_or_safety", 4)])
def test_the_reason_sets_how_soon(reason: str, priority: int):
    assert choose(intent="", language="", reason=reason, queues=[GENERAL]).priority == priority


def test_a_foreign_language_queue_is_the_last_resort():
    assert choose(intent="", language="en", reason="", queues=[GERMAN]).queue_id == GERMAN.id
    assert choose(intent="refund", language="en", reason="", queues=[GERMAN_RETURNS, GENERAL]).queue_id == GENERAL.id


def test_a_workspace_without_queues_is_told_to_make_one():
    with pytest.raises(LookupError, match="no queue"):
        choose(intent="", language="", reason="", queues=[])
