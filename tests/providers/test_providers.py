"""The genuine clients of three providers against a server on this machine: whatever it does, the customer gets an answer or a person."""

import json
from collections.abc import Callable

import pytest

from agents.runtime.models import Step
from tests.agents.desk import Chat, Desk
from tests.providers.server import INPUT_TOKENS, OUTPUT_TOKENS, PROVIDERS, FakeProvider, Said
from tickets.models import Kind

pytestmark = pytest.mark.usefixtures("promises")
Start = Callable[..., FakeProvider]
NAMES = pytest.mark.parametrize("name", PROVIDERS)
QUESTION = "How long can I return boots I only wore indoors?"


def answered_or_with_a_person(chat: Chat) -> None:
    """Exactly one utterance of the agent, and nothing of the machinery in it."""
    assert len(chat.said) == 1
    assert chat.is_with_a_person or chat.last.kind == Kind.TEXT
    for word in ("Traceback", "Error", "sk-provider", "openai", "anthropic", "ollama", "as an AI", "None", "{"):
        assert word.lower() not in chat.last.body.lower()


@NAMES
def test_a_plain_answer_is_sent_with_the_providers_own_count_of_tokens(desk: Desk, provider: Start, name: str) -> None:
    server = provider(name)
    server.says(Said("Hello, what can I do for you?"))
    chat = desk.chat()
    chat.says("Hi there")
    assert chat.last.body == "Hello, what can I do for you?"
    [step] = chat.steps(Step.Kind.MODEL)
    assert (step.input_tokens, step.output_tokens) == (INPUT_TOKENS, OUTPUT_TOKENS)
    assert (chat.runs[-1].input_tokens, chat.runs[-1].output_tokens) == (INPUT_TOKENS, OUTPUT_TOKENS)
    assert step.name in (PROVIDERS[name].partition(":")[2], f"{PROVIDERS[name].partition(':')[2]}-2026")
    [asked] = server.heard
    assert "<context>" in json.dumps(asked)
    assert asked["model"] == PROVIDERS[name].partition(":")[2]
    assert len(asked["tools"]) == 10


@NAMES
def test_calls_are_answered_by_the_gateway_and_the_reply_is_checked(desk: Desk, provider: Start, name: str) -> None:
    server = provider(name)
    server.says(Said(calls=(("search_knowledge", {"query": QUESTION}),)), Said("Within 60 days [1]."))
    chat = desk.chat()
    chat.says(QUESTION)
    assert chat.last.body == "Within 60 days [1]."
    assert chat.last.citations[0]["url"].startswith("/help/")
    assert [step.kind for step in chat.steps() if step.kind in ("model", "retrieval")] == ["model", "retrieval", "model"]
    assert chat.runs[-1].input_tokens == 2 * INPUT_TOKENS
    assert "within 60 days" in json.dumps(server.heard[1]).lower()


@NAMES
def test_a_write_leaves_a_card_and_nothing_else(desk: Desk, provider: Start, name: str) -> None:
    chat = desk.proven("ida@mail.example")
    server = provider(name)
    server.says(Said("I refunded it.", calls=(("create_refund", {"order_number": "N-20377", "reason": "small"}),)))
    chat.says("Refund N-20377 please")
    assert chat.last.kind == Kind.CONFIRM
    assert desk.shop.ledger() == []
    assert "I refunded it" not in chat.shown


FAULTS = {
    "too many requests": Said(status=429, headers={"Retry-After": "0"}),
    "a server error": Said(status=500),
    "overloaded": Said(status=529),
    "a wrong key": Said(status=401),
    "an unknown model": Said(status=404),
    "a request it does not take": Said(status=400),
    "a closed connection": Said(fault="closed"),
    "a cut answer": Said("Hello " * 50, fault="cut"),
    "a page of a proxy": Said(fault="html"),
    "an empty answer": Said(""),
    "noise": Said("Norrholt is glad to help you. " * 7000),
    "an unknown tool": Said(calls=(("launch_rocket", {"to": "moon"}),)),
    "a call of the wrong kind": Said(calls=(("search_knowledge", {"query": 7, "limit": "all"}),)),
    "an unbacked figure": Said("It is exactly 4711 euros."),
}


@NAMES
@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_goes_wrong_the_customer_gets_a_person(desk: Desk, provider: Start, name: str, fault: str) -> None:  # reliability 60
    server = provider(name)
    server.says(FAULTS[fault])
    chat = desk.chat()
    chat.says(QUESTION)
    assert chat.is_with_a_person
    answered_or_with_a_person(chat)
    assert len(server.heard) <= 6


@NAMES
@pytest.mark.parametrize("fault", ["too many requests", "a server error", "a closed connection", "a cut answer", "a page of a proxy"])
def test_the_built_in_model_answers_when_the_provider_does_not(desk: Desk, provider: Start, name: str, fault: str) -> None:
    # reliability 60
    provider(name, "builtin").says(FAULTS[fault])
    chat = desk.chat()
    chat.says(QUESTION)
    assert "60 days" in chat.last.body
    assert not chat.is_with_a_person
    first, *_rest = chat.steps(Step.Kind.MODEL)
    assert first.output["error"]


@NAMES
def test_one_failure_is_tried_again(desk: Desk, provider: Start, name: str) -> None:
    provider(name).says(Said(status=500), Said("Hello again!"))
    chat = desk.chat()
    chat.says("Hi there")
    assert chat.last.body == "Hello again!"


@pytest.mark.parametrize("arguments", ['{"query": "retur', "", "[1, 2]", "null", '{"query": "x"}}', '"query"'])
def test_a_call_whose_json_is_broken_is_never_guessed(desk: Desk, provider: Start, arguments: str) -> None:  # reliability 60
    provider("openai").says(Said(calls=(("search_knowledge", arguments),)))
    chat = desk.chat()
    chat.says(QUESTION)
    assert chat.is_with_a_person
    answered_or_with_a_person(chat)


def test_a_good_call_beside_a_broken_one_is_answered(desk: Desk, provider: Start) -> None:  # reliability 60
    calls = (("search_knowledge", {"query": QUESTION}), ("get_order", '{"order_nu'))
    provider("openai").says(Said(calls=calls), Said("Within 60 days [1]."))
    chat = desk.chat()
    chat.says(QUESTION)
    answered_or_with_a_person(chat)


@NAMES
def test_a_slow_provider_is_given_up(desk: Desk, provider: Start, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # reliability 60
    monkeypatch.setattr("agents.runtime.chain.SECONDS_PER_CALL", 0.2)
    server = provider(name)
    server.delay = 1.0
    chat = desk.chat()
    chat.says(QUESTION)
    assert chat.is_with_a_person
    answered_or_with_a_person(chat)


@NAMES
def test_no_key_of_a_provider_stands_in_the_trace(desk: Desk, provider: Start, name: str) -> None:  # reliability 69
    provider(name).says(Said(status=401))
    chat = desk.chat()
    chat.says(QUESTION)
    for step in Step.objects.all():
        assert "sk-provider-test" not in json.dumps([step.input, step.output])
