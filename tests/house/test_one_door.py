"""One outbound door: no module of the product opens a connection of its own, except those named here with the reason."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.test_code_style import modules
from tests.house.tracked import ROOT

CLIENTS = (
    *("httpx", "httpx2", "requests", "urllib3", "urllib.request", "http.client", "socket", "aiohttp", "smtplib", "imaplib", "poplib"),
    *("ftplib", "telnetlib", "xmlrpc.client", "websockets", "websocket", "pycurl", "paramiko", "openai", "anthropic", "ollama", "chromadb"),
    *("django.core.mail", "langchain.chat_models", "langchain_openai", "langchain_anthropic", "langchain_ollama", "google.generativeai"),
)
STREAMS = ("open_connection", "create_connection", "open_unix_connection")
# Who else may, to where, and why.
ALLOWED = {
    "supportdesk/core/safe_http.py": "the door",
    "supportdesk/core/timed_http.py": "the door's own connections",
    "supportdesk/core/leases.py": "this machine's own name, for a lease; connects to nothing",
    "supportdesk/core/processes.py": "looks for free ports of this machine, and whether its own processes answer",
    "supportdesk/smoke/clients.py": "the smoke test is a customer from outside",
    "supportdesk/smoke/managed.py": "the smoke test is a customer from outside",
    "supportdesk/smoke/twins.py": "the smoke test is a customer from outside",
    "supportdesk/bench/screen.py": "the bars measure from outside",
    "supportdesk/bench/web.py": "the bars measure from outside",
    "supportdesk/bench/sockets.py": "the bars measure from outside",
    "supportdesk/bench/ground.py": "the bars measure from outside",
    "agents/knowledge/engine/index.py": "Chroma at CHROMA_URL, a setting of the installation; nobody's input",
    "agents/runtime/chain.py": "model providers' own clients; where they go is the installation's environment, nobody's input",
    "supportdesk/accounts/invitations.py": "mail through Django's backend to EMAIL_HOST, a setting of the installation",
    "supportdesk/accounts/resets.py": "mail through Django's backend to EMAIL_HOST, a setting of the installation",
    "tickets/identity.py": "mail through Django's backend to EMAIL_HOST, a setting of the installation",
}


def connections(path: Path) -> Iterator[str]:
    """What this module could connect with."""
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("__import__", "import_module") and node.args and isinstance(node.args[0], ast.Constant):
                names = [str(node.args[0].value)]
            if called in STREAMS:
                yield f"{path.name}:{node.lineno}: {called}"
        for name in names:
            if any(name == each or name.startswith(f"{each}.") for each in CLIENTS):
                yield f"{path.name}:{node.lineno}: {name}"


def past_the_door(paths: list[Path], root: Path) -> list[str]:
    """Connections in modules that are not allowed any."""
    return [found for path in paths if str(path.relative_to(root)) not in ALLOWED for found in connections(path)]


@pytest.mark.reliability(48, "one door")
def test_nothing_goes_out_past_the_door():
    assert past_the_door(modules(), ROOT) == []


@pytest.mark.reliability(48, "one door")
def test_every_exception_is_still_needed():
    assert [name for name in ALLOWED if not (ROOT / name).exists() or not list(connections(ROOT / name))] == []


@pytest.mark.reliability(48, "one door")
@pytest.mark.parametrize(
    "planted",
    [
        "import httpx\nhttpx.get('http://169.254.169.254')",
        "from urllib import request\nrequest.urlopen('http://10.0.0.1')",
        "def call():\n    import requests\n    requests.get('http://10.0.0.1')",
        "import socket as s\ns.create_connection(('10.0.0.1', 80))",
        "from http import client",
        "import importlib\nimportlib.import_module('urllib3')",
        "import asyncio\nasyncio.open_connection('10.0.0.1', 80)",
        "from smtplib import SMTP",
    ],
)
def test_a_call_past_the_door_is_seen(tmp_path: Path, planted: str):
    module = tmp_path / "planted.py"
    module.write_text(planted)
    assert past_the_door([module], tmp_path)
