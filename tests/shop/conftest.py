"""The real shop in its own process, on a free port; nothing here needs Django."""

import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

SERVER = Path(__file__).resolve().parents[2] / "supportdesk" / "demo" / "shop" / "server.py"
TOKEN = "shop-test-token"


class ShopProcess:
    """A running shop and a client that is signed in to it."""

    def __init__(self, db: Path) -> None:
        self.db = db
        command = [sys.executable, str(SERVER), "--port", "0", "--db", str(db), "--token", TOKEN]
        # Started elsewhere: the shop must not lean on the repository being the working directory.
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=db.parent)
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line.startswith("shop on http://127.0.0.1:"), self.process.communicate()
        self.url = line.removeprefix("shop on ").strip()
        self.client = httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=20, trust_env=False)

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, path: str, body: object, *, key: str | None = None, fault: str | None = None) -> httpx.Response:
        headers = {"Idempotency-Key": key or uuid.uuid4().hex} | ({"X-Fault": fault} if fault else {})
        return self.client.post(path, json=body, headers=headers)

    def refund(self, number: str, amount: object, currency: object = "EUR", **how: Any) -> httpx.Response:
        return self.post(f"/v1/orders/{number}/refunds", {"amount": amount, "currency": currency, "reason": "too small"}, **how)

    def order(self, number: str) -> dict[str, Any]:
        order: dict[str, Any] = self.get(f"/v1/orders/{number}").raise_for_status().json()
        return order

    def entries(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.get("/v1/ledger").raise_for_status().json()["entries"]
        return entries

    def raw(self, sent: bytes) -> bytes:
        """Everything the server says to these bytes until it closes the connection."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(sent)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def stop(self) -> tuple[int, str]:
        """End it with SIGTERM; its exit status and what it said on stderr."""
        self.client.close()
        self.process.terminate()
        _, said = self.process.communicate(timeout=10)
        return self.process.returncode, said

    def kill(self) -> None:
        self.client.close()
        self.process.kill()
        self.process.communicate(timeout=10)


def error_code(response: httpx.Response) -> str:
    error = response.json()["error"]
    assert set(error) == {"code", "message"}
    return str(error["code"])


@pytest.fixture(scope="session")
def running_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShopProcess]:
    running = ShopProcess(tmp_path_factory.mktemp("shop") / "shop.sqlite3")
    yield running
    assert running.stop() == (0, "")


@pytest.fixture
def shop(running_shop: ShopProcess) -> ShopProcess:
    """The shop as it opens: freshly seeded, no fault standing."""
    running_shop.client.post("/v1/reset").raise_for_status()
    return running_shop


@pytest.fixture
def own_shop(tmp_path: Path) -> Iterator[ShopProcess]:
    """A shop of the test's own, to be stopped or killed."""
    running = ShopProcess(tmp_path / "shop.sqlite3")
    yield running
    if running.process.poll() is None:
        running.kill()
