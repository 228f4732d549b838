"""The model chain: names in settings or a release become LangChain chat models; `builtin` needs no key and no network."""

from functools import lru_cache
from typing import Any

from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel

from agents.runtime.builtin.model import BuiltinChatModel

SECONDS_PER_CALL = 30


@lru_cache(maxsize=16)
def chat_model(name: str) -> BaseChatModel:
    """One chat model: `builtin`, or provider:model such as openai:gpt-5-mini, anthropic:claude-sonnet-5, ollama:llama3.

    Raises:
        ValueError: for a provider LangChain does not know.
    """
    if name == "builtin":
        return BuiltinChatModel()
    # Ollama's client takes its timeout by another name, and ignores the usual one.
    patience: dict[str, Any] = (
        {"client_kwargs": {"timeout": SECONDS_PER_CALL}} if name.startswith("ollama:") else {"timeout": SECONDS_PER_CALL, "max_retries": 1}
    )
    model: BaseChatModel = init_chat_model(name, temperature=0, **patience)
    return model


def chat_models(names: list[str]) -> list[BaseChatModel]:
    """The chain in order; never empty: without names it is the built-in model."""
    return [chat_model(name) for name in names or ["builtin"]]
