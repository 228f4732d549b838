"""A provider on this machine: the wire formats of OpenAI, Anthropic and Ollama, and the ways in which providers fail."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PROVIDERS = {"openai": "openai:gpt-test", "anthropic": "anthropic:claude-test", "ollama": "ollama:llama-test"}
INPUT_TOKENS, OUTPUT_TOKENS = 321, 45


@dataclass(frozen=True)
class Said:
    """One answer of the provider: text and calls, or a fault."""

    text: str = ""
    calls: tuple[tuple[str, Any], ...] = ()
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    fault: str = ""


def openai(said: Said) -> dict[str, Any]:
    """A chat completion."""
    calls = [
        {
            "id": f"call_{n}",
            "type": "function",
            "function": {"name": name, "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments)},
        }
        for n, (name, arguments) in enumerate(said.calls)
    ]
    message: dict[str, Any] = {"role": "assistant", "content": said.text or None}
    if calls:
        message["tool_calls"] = calls
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-test-2026",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}],
        "usage": {"prompt_tokens": INPUT_TOKENS, "completion_tokens": OUTPUT_TOKENS, "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS},
    }


def anthropic(said: Said) -> dict[str, Any]:
    """A message."""
    content: list[dict[str, Any]] = [{"type": "text", "text": said.text}] if said.text else []
    content += [
        {"type": "tool_use", "id": f"toolu_{n}", "name": name, "input": arguments} for n, (name, arguments) in enumerate(said.calls)
    ]
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-test-2026",
        "content": content,
        "stop_reason": "tool_use" if said.calls else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS},
    }


def ollama(said: Said) -> dict[str, Any]:
    """A chat answer."""
    message: dict[str, Any] = {"role": "assistant", "content": said.text}
    if said.calls:
        message["tool_calls"] = [{"function": {"name": name, "arguments": arguments}} for name, arguments in said.calls]
    return {
        "model": "llama-test",
        "created_at": "2026-01-01T00:00:00Z",
        "message": message,
        "done": True,
        "done_reason": "stop",
        "prompt_eval_count": INPUT_TOKENS,
        "eval_count": OUTPUT_TOKENS,
        "total_duration": 1,
        "load_duration": 1,
        "prompt_eval_duration": 1,
        "eval_duration": 1,
    }


SPELLINGS: dict[str, Callable[[Said], dict[str, Any]]] = {"openai": openai, "anthropic": anthropic, "ollama": ollama}


class FakeProvider:
    """Listens on a free port and answers with what it was told to say; the last word again and again."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.script: list[Said] = [Said("Hello!")]
        self.heard: list[dict[str, Any]] = []
        self.delay = 0.0
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
                provider.heard.append(asked)
                try:
                    provider.answer(self, provider.next())
                except ConnectionError:
                    # The client gave up meanwhile.
                    self.close_connection = True

            def log_message(self, format: str, *args: Any) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables the genuine clients read."""
        return {
            "openai": {"OPENAI_BASE_URL": f"{self.url}/v1", "OPENAI_API_KEY": "sk-provider-test"},
            "anthropic": {"ANTHROPIC_BASE_URL": self.url, "ANTHROPIC_API_KEY": "sk-provider-test"},
            "ollama": {"OLLAMA_HOST": self.url},
        }[self.name]

    def says(self, *script: Said) -> None:
        """What to answer, in turn."""
        self.script = list(script)

    def next(self) -> Said:
        """The next answer."""
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def answer(self, to: BaseHTTPRequestHandler, said: Said) -> None:
        """Write it to the wire, or fail as told."""
        time.sleep(self.delay)
        if said.fault == "closed":
            to.close_connection = True
            return
        if said.status != 200:
            content: Any = {"type": "error", "error": {"type": "api_error", "message": "provider trouble sk-provider-test"}}
        else:
            content = SPELLINGS[self.name](said)
        body = b"<html>proxy trouble</html>" if said.fault == "html" else json.dumps(content).encode()
        # Ollama streams lines of JSON; one line is a whole stream.
        kind = "text/html" if said.fault == "html" else "application/x-ndjson" if self.name == "ollama" else "application/json"
        to.send_response(said.status)
        to.send_header("Content-Type", kind)
        to.send_header("Content-Length", str(len(body)))
        for name, value in said.headers.items():
            to.send_header(name, value)
        to.end_headers()
        if said.fault == "cut":
            to.wfile.write(body[: len(body) // 2])
            to.wfile.flush()
            to.close_connection = True
            to.connection.close()
            return
        to.wfile.write(body)

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
