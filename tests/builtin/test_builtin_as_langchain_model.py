"""The model behaves as LangChain's own standard tests expect of a hosted model, with the network closed."""

from collections.abc import Iterator

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests
from pytest_socket import disable_socket, enable_socket

from agents.runtime.builtin.model import BuiltinChatModel


@pytest.fixture(autouse=True)
def _closed_network() -> Iterator[None]:
    # An event loop talks to itself through a Unix socket pair; nothing else may be opened.
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()


class TestBuiltinUnit(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return BuiltinChatModel


class TestBuiltinIntegration(ChatModelIntegrationTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return BuiltinChatModel

    @property
    def supports_model_override(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        return "builtin-other"
