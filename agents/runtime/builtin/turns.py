"""What the built-in model sees and what it answers: plain frozen values, no LangChain."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from agents.runtime.builtin.extract import Source

_CONTEXT = re.compile(r"<context>(.*?)</context>", re.S)


@dataclass(frozen=True)
class Context:
    """The facts of the `<context>` block; `given` is False when there was none."""

    agent: str = "the assistant"
    brand: str = ""
    language: str = "en"
    identity: str = "none"
    customer_name: str | None = None
    channel: str = "chat"
    now: str = ""
    trigger: str = "message"
    failed_turns: int = 0
    given: bool = False


@dataclass(frozen=True)
class Tool:
    """A tool as offered: its JSON schema of arguments in `parameters`."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """One wanted call of a tool."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Result:
    """What a tool answered; `text` is the answer as it came."""

    status: str
    data: Mapping[str, Any] | None = None
    sources: tuple[Source, ...] = ()
    message: str = ""
    text: str = ""


@dataclass(frozen=True)
class Step:
    """One call of the current turn with its result."""

    call: Call
    result: Result


@dataclass(frozen=True)
class Turn:
    """One message of the transcript."""

    speaker: Literal["customer", "agent"]
    text: str


@dataclass(frozen=True)
class Conversation:
    """Everything known when the model is asked: the transcript, the tools, and the steps of the current turn."""

    context: Context = Context()
    tools: Mapping[str, Tool] = field(default_factory=dict)
    turns: tuple[Turn, ...] = ()
    steps: tuple[Step, ...] = ()

    @property
    def bursts(self) -> tuple[tuple[str, str], ...]:
        """(what the customer wrote in a row, what was answered), oldest first; the last answer is empty while it is owed."""
        pairs: list[tuple[list[str], list[str]]] = []
        for turn in self.turns:
            if turn.speaker == "customer":
                if not pairs or pairs[-1][1]:
                    pairs.append(([], []))
                pairs[-1][0].append(turn.text)
            elif pairs:
                pairs[-1][1].append(turn.text)
        return tuple(("\n".join(asked).strip(), "\n".join(answered).strip()) for asked, answered in pairs)


@dataclass(frozen=True)
class Thought:
    """What to do next: words, tool calls, or words beside a call."""

    text: str = ""
    calls: tuple[Call, ...] = ()


def read_context(prompt: str) -> Context:
    """The last context block of a system prompt; unknown keys and wrong types are left out."""
    blocks = _CONTEXT.findall(prompt)
    try:
        given = json.loads(blocks[-1]) if blocks else None
    except ValueError:
        given = None
    if not isinstance(given, dict):
        return Context()
    known = {one.name for one in fields(Context)} - {"given", "failed_turns"}
    kept = {key: value for key, value in given.items() if key in known and isinstance(value, str) and value}
    failed = given.get("failed_turns")
    kept["language"] = kept.get("language", "en").lower().replace("_", "-").split("-")[0]
    return Context(**kept, failed_turns=failed if isinstance(failed, int) else 0, given=True)


def read_result(text: str) -> Result:
    """A ToolMessage's content as a Result; anything but the agreed JSON becomes `ok` with its text."""
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict) or not isinstance(given.get("status"), str):
        return Result("ok", text=text)
    data = given.get("data")
    sources = given.get("sources")
    return Result(
        status=given["status"],
        data=data if isinstance(data, dict) else None,
        sources=tuple(_source(one) for one in sources if isinstance(one, dict)) if isinstance(sources, Sequence) else (),
        message=str(given.get("message") or ""),
        text=text,
    )


def _source(given: Mapping[str, Any]) -> Source:
    number, score = given.get("n"), given.get("score")
    return Source(
        n=number if isinstance(number, int) else 0,
        title=str(given.get("title") or ""),
        text=str(given.get("text") or ""),
        language=str(given.get("language") or "en").split("-")[0],
        score=float(score) if isinstance(score, int | float) else 0.5,
    )
