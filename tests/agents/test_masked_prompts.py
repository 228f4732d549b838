"""What a customer should not have sent never reaches the model."""

import json

import pytest

from agents.runtime.models import Step
from tests.agents.desk import Desk


@pytest.mark.reliability(67, "model")
def test_no_step_of_the_agent_holds_a_card_number_or_a_password(desk: Desk) -> None:
    chat = desk.chat()
    chat.says("My card 4242 4242 4242 4242 was charged twice and my password is Hunter2!, where is order N-20377?")
    told = json.dumps([[step.input, step.output] for step in chat.steps()], default=str)
    assert chat.steps(Step.Kind.MODEL)
    assert "charged twice" in told
    assert "4242 4242 4242 4242" not in told
    assert "Hunter2" not in told
    assert "4242" in chat.messages()[0].body
