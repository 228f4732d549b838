"""The same messages give the same bytes: in one process, in another, with another hash seed."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from agents.runtime.builtin import intents
from agents.runtime.builtin.model import BuiltinChatModel
from tests.builtin.talk import TOOLS, prompt, transcript

ROOT = Path(__file__).resolve().parents[2]
SAID = [
    ["hi"],
    ["Where is my order N-20500?"],
    ["refund the boots"],
    ["Wie lange dauert der Versand nach Österreich?"],
    ["quiero hablar con alguien"],
    ["cancl my ordr N-20520 plese"],
    ["what is the meaning of life?"],
]


def digest() -> str:
    """One hash over the whole answers, ids and token counts included."""
    model = BuiltinChatModel().bind_tools(TOOLS)
    told = [model.invoke([prompt(), *transcript(*said)]).model_dump() for said in SAID]
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def test_two_runs_are_byte_identical_even_after_training_anew() -> None:
    first = digest()
    intents.guess.cache_clear()
    intents._trained.cache_clear()
    assert digest() == first


def test_another_process_with_another_hash_seed_says_the_same() -> None:
    script = "from tests.builtin.test_builtin_is_deterministic import digest; print(digest())"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": "4711"}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == digest()


def test_call_ids_differ_between_turns_and_agree_between_replays() -> None:
    model = BuiltinChatModel().bind_tools(TOOLS)
    one = model.invoke([prompt(), *transcript("Where is my order N-20500?")])
    same = model.invoke([prompt(), *transcript("Where is my order N-20500?")])
    later = model.invoke([prompt(), *transcript("Where is my order N-20500?", "> On its way.", "Where is my order N-20500?")])
    assert one.tool_calls == same.tool_calls
    assert one.tool_calls[0]["id"] != later.tool_calls[0]["id"]


def test_the_stream_carries_the_same_answer() -> None:
    model = BuiltinChatModel().bind_tools(TOOLS)
    messages = [prompt(), *transcript("I want to talk to a human")]
    whole = model.invoke(messages)
    chunks = list(model.stream(messages))
    joined: Any = chunks[0]
    for chunk in chunks[1:]:
        joined += chunk
    assert joined.text == whole.text
    assert joined.tool_calls == whole.tool_calls
    assert joined.usage_metadata == whole.usage_metadata


def test_importing_the_brain_brings_neither_langchain_nor_scikit_learn() -> None:
    script = (
        "import sys, agents.runtime.builtin.brain; print([name for name in ('langchain_core', 'sklearn', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
