"""Tools of another tenant, unknown by name: used when plainly meant, filled by their schema, told truthfully."""

import json
from typing import Any, Literal

import pytest
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from pydantic import BaseModel, Field

from agents.runtime.builtin.model import BuiltinChatModel
from tests.builtin.talk import TOOLS, World, turn


@tool
def get_weather(location: str) -> str:
    """Weather at a location."""
    return location


@tool
def add_loyalty_points(customer_email: str, points: int) -> str:
    """Add loyalty points to a customer."""
    return customer_email


@tool
def store_hours() -> str:
    """Opening hours of the store."""
    return "9-5"


HOURS = {
    "type": "function",
    "function": {"name": "store_hours", "description": "Opening hours of the store.", "parameters": {"type": "object", "properties": {}}},
}


@pytest.mark.parametrize(
    ("text", "name", "args"),
    [
        ("What is the weather in San Francisco, CA?", "get_weather", {"location": "San Francisco, CA"}),
        ("Please add 50 loyalty points for ida@mail.example", "add_loyalty_points", {"customer_email": "ida@mail.example", "points": 50}),
        ("call store_hours", "store_hours", {}),
    ],
)
def test_a_tool_plainly_meant_is_called_with_what_the_text_offers(text: str, name: str, args: dict[str, Any]) -> None:
    reply = BuiltinChatModel().bind_tools([get_weather, add_loyalty_points, store_hours]).invoke(text)
    assert [(call["name"], call["args"]) for call in reply.tool_calls] == [(name, args)]


def test_a_tool_whose_arguments_are_missing_is_not_called() -> None:
    assert BuiltinChatModel().bind_tools([add_loyalty_points]).invoke("what are loyalty points?").tool_calls == []


def test_beside_the_agents_own_tools_a_foreign_one_serves_too() -> None:
    world = World(answers={"store_hours": {"status": "ok", "data": {"open": "9 to 17"}, "sources": [], "message": ""}})
    outcome = turn("what are your store hours?", tools=[*TOOLS, HOURS], world=world)
    assert outcome.names == ["store_hours"]
    assert "9 to 17" in outcome.text


def test_a_forced_tool_is_always_called_and_fits_its_schema() -> None:
    class Triage(BaseModel):
        """Sort a message."""

        topic: Literal["billing", "shipping", "other"]
        urgent: bool
        summary: str = Field(description="what it is about")
        amounts: list[int]
        note: str | None = None

    model = BuiltinChatModel().with_structured_output(Triage)
    found = model.invoke([HumanMessage("A shipping matter about 3 parcels and 2 letters.")])
    assert isinstance(found, Triage)
    assert found.topic == "shipping"
    assert found.amounts == [3, 2]


def test_json_in_the_text_fills_arguments_as_given() -> None:
    given = {"customer_email": "a@b.example", "points": 7}
    reply = BuiltinChatModel().bind_tools([add_loyalty_points], tool_choice="any").invoke(f"use this: {json.dumps(given)}")
    assert reply.tool_calls[0]["args"] == given


def test_without_a_tool_for_it_nothing_is_promised() -> None:
    only_search = [one for one in TOOLS if one["function"]["name"] == "search_knowledge"]
    outcome = turn("refund N-20377", tools=only_search)
    assert outcome.calls == []
    assert "teammate" not in outcome.text
    assert "refunded" not in outcome.text


def test_tool_choice_none_keeps_the_model_to_words() -> None:
    reply = BuiltinChatModel().bind_tools(TOOLS, tool_choice="none").invoke("where is my order N-20500?")
    assert reply.tool_calls == []
    assert reply.text


def test_max_tokens_and_stop_words_are_kept() -> None:
    model = BuiltinChatModel(max_tokens=3)
    assert model.invoke("hello").response_metadata["finish_reason"] == "length"
    assert "I am" not in BuiltinChatModel().invoke("hello", stop=["I am"]).text
