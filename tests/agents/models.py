"""Chat models that say what a test wants, in the place of the release's own; everything around them is real."""

from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field

Reply = AIMessage | Exception
Script = Callable[[list[BaseMessage]], Reply]


class ScriptedModel(BaseChatModel):
    """Answers with what its script returns for the messages it is given, and remembers them."""

    script: Script
    model_name: str = "scripted-1"
    heard: list[list[BaseMessage]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        """Knows any tool, also those that do not exist."""
        return self

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: CallbackManagerForLLMRun | None = None, **kwargs: Any
    ) -> ChatResult:
        self.heard.append(list(messages))
        reply = self.script(messages)
        if isinstance(reply, Exception):
            raise reply
        reply = reply.model_copy()
        reply.usage_metadata = {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}
        return ChatResult(generations=[ChatGeneration(message=reply)])


def wants(*calls: tuple[str, dict[str, Any]], text: str = "") -> AIMessage:
    """A message that wants these calls."""
    return AIMessage(text, tool_calls=[{"name": name, "args": args, "id": f"call-{n}"} for n, (name, args) in enumerate(calls)])


def in_turn(*replies: Reply) -> Script:
    """One reply after the other; the last one again and again."""
    left = list(replies)
    return lambda _messages: left.pop(0) if len(left) > 1 else left[0]
