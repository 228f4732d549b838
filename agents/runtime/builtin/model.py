"""The built-in chat model as LangChain sees it: messages in, one message out; all thinking is in `brain`."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LangSmithParams, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call, tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict, Field

from agents.runtime.builtin import generic
from agents.runtime.builtin.brain import think
from agents.runtime.builtin.turns import Call, Context, Conversation, Step, Thought, Tool, Turn, read_context, read_result

MODEL_NAME = "builtin-1"
_TOKEN = re.compile(r"\w+|[^\w\s]")
_PIECE = re.compile(r"\S+\s*|\s+")


class BuiltinChatModel(BaseChatModel):
    """A deterministic support agent without key or network: the same messages and tools give the same bytes.

    `temperature`, `timeout` and `max_retries` are accepted as every chat model accepts them; nothing here is random, slow or remote.
    """

    model_config = ConfigDict(populate_by_name=True)

    model_name: str = Field(default=MODEL_NAME, alias="model")
    temperature: float | None = None
    max_tokens: int | None = None
    timeout: float | None = None
    max_retries: int | None = None
    stop: list[str] | None = None

    @property
    def _llm_type(self) -> str:
        return "builtin"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.model_name, "temperature": self.temperature, "max_tokens": self.max_tokens, "stop": self.stop}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = "builtin"
        params["ls_model_name"] = kwargs.get("model") or self.model_name
        if ls_stop := stop or self.stop:
            params["ls_stop"] = ls_stop
        return params

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | dict[str, Any] | bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The model with tools; `tool_choice` is "auto", "none", "any", "required", True, a name or OpenAI's form of it."""
        formatted = [convert_to_openai_tool(tool) for tool in tools]
        if tool_choice is not None:
            kwargs["tool_choice"] = tool_choice
        return self.bind(tools=formatted, **kwargs)

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: CallbackManagerForLLMRun | None = None, **kwargs: Any
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._answer(messages, stop, kwargs))])

    def _stream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: CallbackManagerForLLMRun | None = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        message = self._answer(messages, stop, kwargs)
        for piece in _PIECE.findall(message.text):
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=piece, id=message.id))
            if run_manager:
                run_manager.on_llm_new_token(piece, chunk=chunk)
            yield chunk
        last = ChatGenerationChunk(
            message=AIMessageChunk(
                content="",
                id=message.id,
                tool_call_chunks=[
                    tool_call_chunk(name=call["name"], args=json.dumps(call["args"], ensure_ascii=False), id=call["id"], index=index)
                    for index, call in enumerate(message.tool_calls)
                ],
                usage_metadata=message.usage_metadata,
                response_metadata=message.response_metadata,
                chunk_position="last",
            )
        )
        if run_manager:
            run_manager.on_llm_new_token("", chunk=last)
        yield last

    def _answer(self, messages: Sequence[BaseMessage], stop: list[str] | None, given: Mapping[str, Any]) -> AIMessage:
        tools = {tool.name: tool for tool in map(_tool, given.get("tools") or ())}
        conversation = read(messages, tools)
        thought = _decide(conversation, given.get("tool_choice"))
        text, finish = self._cut(thought.text, [*(stop or ()), *(self.stop or ())], given.get("max_tokens") or self.max_tokens)
        told = json.dumps([_plain(messages), [sorted(tools), text]], ensure_ascii=False, sort_keys=True)
        digest = hashlib.sha256(told.encode()).hexdigest()
        calls = [
            tool_call(name=call.name, args=dict(call.arguments), id=f"call_{_digest(digest, index, call)}")
            for index, call in enumerate(thought.calls)
        ]
        return AIMessage(
            content=text,
            id=f"builtin-{digest[:32]}",
            tool_calls=calls,
            usage_metadata=_usage(messages, given.get("tools") or (), text, thought.calls),
            response_metadata={
                "model_name": given.get("model") or self.model_name,
                "model_provider": "builtin",
                "finish_reason": "tool_calls" if calls else finish,
            },
        )

    @staticmethod
    def _cut(text: str, stop: Sequence[str], max_tokens: int | None) -> tuple[str, Literal["stop", "length"]]:
        """The text up to the first stop word and at most so many tokens."""
        ends = [place for word in stop if word and (place := text.find(word)) >= 0]
        text = text[: min(ends)] if ends else text
        tokens = list(_TOKEN.finditer(text))
        if max_tokens and len(tokens) > max_tokens:
            return text[: tokens[max_tokens - 1].end()], "length"
        return text, "stop"


def _decide(conversation: Conversation, choice: object) -> Thought:
    """A thought that respects `tool_choice`."""
    if choice == "none":
        return Thought(think(Conversation(conversation.context, {}, conversation.turns, conversation.steps)).text)
    if choice in (None, False, "auto") or not conversation.tools:
        return think(conversation)
    named = choice.get("function", choice).get("name") if isinstance(choice, Mapping) else choice
    name = named if isinstance(named, str) and named in conversation.tools else None
    thought = think(conversation)
    if thought.calls and (name is None or thought.calls[0].name == name):
        return thought
    return generic.forced(conversation, name)


def read(messages: Sequence[BaseMessage], tools: Mapping[str, Tool]) -> Conversation:
    """The messages as a conversation: the calls after the last words are the current turn, earlier ones are past."""
    context = Context()
    turns: list[Turn] = []
    steps: list[Step] = []
    wanted: dict[str, Call] = {}
    for message in messages:
        match message:
            case SystemMessage():
                found = read_context(message.text)
                context = found if found.given else context
            case HumanMessage():
                turns.append(Turn("customer", message.text))
                steps, wanted = [], {}
            case AIMessage() if message.tool_calls:
                wanted |= {call["id"] or "": Call(call["name"], call["args"]) for call in message.tool_calls}
            case AIMessage():
                turns.append(Turn("agent", message.text))
                steps, wanted = [], {}
            case ToolMessage():
                call = wanted.get(message.tool_call_id) or Call(message.name or "", {})
                steps.append(Step(call, read_result(message.text)))
            case _:
                pass
    return Conversation(context, tools, tuple(turns), tuple(steps))


def _tool(given: Mapping[str, Any]) -> Tool:
    function = given.get("function", given)
    return Tool(str(function["name"]), str(function.get("description") or ""), function.get("parameters") or {})


def _plain(messages: Sequence[BaseMessage]) -> list[list[Any]]:
    """What was said, without ids that differ from run to run."""
    return [[one.type, one.text, [[call["name"], call["args"]] for call in getattr(one, "tool_calls", None) or ()]] for one in messages]


def _digest(digest: str, index: int, call: Call) -> str:
    told = json.dumps([digest, index, call.name, dict(call.arguments)], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:24]


def _usage(messages: Sequence[BaseMessage], tools: Sequence[Mapping[str, Any]], text: str, calls: Sequence[Call]) -> UsageMetadata:
    """Tokens counted as words and marks: not a bill, but the same every time."""
    taken = len(_TOKEN.findall(json.dumps([_plain(messages), list(tools)], ensure_ascii=False)))
    given = len(_TOKEN.findall(text)) + sum(
        len(_TOKEN.findall(json.dumps([call.name, dict(call.arguments)], ensure_ascii=False))) for call in calls
    )
    return UsageMetadata(input_tokens=taken, output_tokens=given, total_tokens=taken + given)
