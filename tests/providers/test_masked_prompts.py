"""What a customer should not have sent never reaches a provider."""

import json
from collections.abc import Callable

import pytest

from tests.agents.desk import Desk
from tests.providers.server import FakeProvider, Said


@pytest.mark.reliability(67, "model")
def test_no_prompt_holds_a_card_number_or_a_password(desk: Desk, provider: Callable[..., FakeProvider]) -> None:
    server = provider("openai")
    server.says(Said("Hello, what can I do for you?"))
    chat = desk.chat()
    chat.says("My card 4242 4242 4242 4242 was charged twice and my password is Hunter2!, please help")
    told = json.dumps([server.heard, [[step.input, step.output] for step in chat.steps()]], default=str)
    assert "charged twice" in told
    assert "4242 4242 4242 4242" not in told
    assert "Hunter2" not in told
    assert "•••• 4242" in chat.messages()[0].body
