"""What the chat socket understands; everything else is one kind of bad frame."""

import json
from typing import Any

import pytest

from supportdesk.chat.frames import MAX_CHARACTERS, BadFrame, parse

GOOD: list[dict[str, Any]] = [
    {"type": "hello", "token": "a.b", "position": 0},
    {"type": "send", "client_id": "abc-1_2", "text": "Hi"},
    {"type": "ask_code", "email": "ida@mail.example"},
    {"type": "code", "digits": "123456"},
    {"type": "confirm", "call": "c", "hash": "h", "yes": False},
    *({"type": name} for name in ("human", "helped", "not_helped", "typing", "ping")),
]
BAD: list[Any] = [
    {},
    [],
    None,
    "ping",
    7,
    {"type": "constructor"},
    {"type": None},
    {"type": ["send"]},
    {"type": {"a": 1}},
    {"type": "hello"},
    {"type": "hello", "token": "a.b"},
    {"type": "hello", "token": "a.b", "position": "0"},
    {"type": "hello", "token": "a.b", "position": True},
    {"type": "hello", "token": "a.b", "position": -1},
    {"type": "hello", "token": "a.b", "position": 1.5},
    {"type": "hello", "token": "a.b", "position": 2**60},
    {"type": "hello", "token": ["a.b"], "position": 0},
    {"type": "hello", "token": "a" * 201, "position": 0},
    {"type": "send", "text": "Hi"},
    {"type": "send", "client_id": "", "text": "Hi"},
    {"type": "send", "client_id": "a b", "text": "Hi"},
    {"type": "send", "client_id": "a" * 65, "text": "Hi"},
    {"type": "send", "client_id": "a", "text": None},
    {"type": "send", "client_id": "a", "text": {"$gt": ""}},
    {"type": "code", "digits": 123456},
    {"type": "confirm", "call": "c", "hash": "h", "yes": 1},
    {"type": "confirm", "call": "c", "hash": "h", "yes": "yes"},
]


@pytest.mark.parametrize("frame", GOOD, ids=lambda frame: frame["type"])
def test_a_known_frame_is_read_with_its_fields(frame: dict[str, Any]) -> None:
    read = parse(json.dumps(frame))
    assert {name: read[name] for name in frame} == frame


@pytest.mark.parametrize("frame", BAD, ids=json.dumps)
def test_everything_else_is_a_bad_frame(frame: Any) -> None:
    with pytest.raises(BadFrame):
        parse(json.dumps(frame))


@pytest.mark.parametrize("text", ["", "{", "\x00", "[" * 60_000, '{"type": "ping"' + " " * MAX_CHARACTERS + "}", "1" * 60_000, "NaN", None])
def test_text_that_is_no_frame_is_a_bad_frame(text: str | None) -> None:
    with pytest.raises(BadFrame):
        parse(text)


def test_fields_nobody_asked_for_are_dropped() -> None:
    assert parse('{"type": "ping", "tenant": 7, "__proto__": {}}') == {"type": "ping"}
