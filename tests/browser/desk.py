"""A whole desk with its demo, as `make run` starts it: its own folder, its own ports, and nothing left when it stops."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from supportdesk.smoke.clients import Customer, Shop

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS, STOP_SECONDS = 120, 15
GREETING = "Stop with Ctrl-C"
# What an outer test run or a developer's shell may have set: the desk is the embedded default.
FOREIGN = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "SUPPORTDESK_PRODUCTION", "MODEL_CHAIN", "EMBEDDER", "LOG_LEVEL")


@dataclass(frozen=True)
class Desk:
    """Where a running desk is."""

    url: str
    shop: Shop
    log: Path

    @property
    def chat(self) -> str:
        """The customer's page."""
        return f"{self.url}/chat/norrholt/chat/"


@contextmanager
def running(folder: Path) -> Iterator[Desk]:
    """Serve the demo out of a folder of its own.

    Raises:
        AssertionError: when it does not come up, or leaves a process or an open port behind.
    """
    port, shop_port = _free_ports(2)
    log = folder / "serve.log"
    environment = {name: value for name, value in os.environ.items() if name not in FOREIGN} | {"SUPPORTDESK_VAR": str(folder / "var")}
    command = [sys.executable, "manage.py", "serve", "--demo", "--port", str(port), "--shop-port", str(shop_port)]
    with log.open("wb") as out:
        serve = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        _wait_for_greeting(serve, log)
        # localhost may also mean ::1, where the desk does not listen.
        desk = Desk(f"http://127.0.0.1:{port}", Shop(f"http://127.0.0.1:{shop_port}", "demo-shop-token"), log)
        _warm(desk)
        yield desk
    finally:
        _stop(serve, folder / "var")
    assert not [each for each in (port, shop_port) if _answers(each)], "a port is still open after the stop"


def _wait_for_greeting(serve: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + READY_SECONDS
    while GREETING not in log.read_text(errors="replace"):
        is_coming = serve.poll() is None and time.monotonic() < until
        assert is_coming, f"the desk does not come up:\n{log.read_text(errors='replace')[-4000:]}"
        time.sleep(0.1)


def _warm(desk: Desk) -> None:
    """The first answer comes late: the worker loads, and has the demo's first messages before it."""
    with Customer(desk.url) as visitor:
        visitor.send("What does express shipping cost?")
        visitor.answer()


def _stop(serve: subprocess.Popen[bytes], var: Path) -> None:
    """Stop it as Ctrl-C does; what is left over then is ended, and told."""
    tree = {int(path.read_text()) for path in var.glob("*.pid")} | _processes_of(var) | {serve.pid}
    serve.send_signal(signal.SIGINT)
    try:
        code: int | None = serve.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        code = None
    left = {pid for pid in tree | _processes_of(var) if _lives(pid)}
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert code == 0, f"the desk ended with {code}"
    assert not left, f"{len(left)} processes of the desk were left over"


def _processes_of(var: Path) -> set[int]:
    """The processes that work in this folder, where the system tells."""
    mark = f"SUPPORTDESK_VAR={var}".encode()
    found = set()
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in path.read_bytes().split(b"\0"):
                found.add(int(path.parent.name))
        except OSError:
            continue
    return found


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
