"""Child processes that `manage.py serve` supervises, and what each form of the product consists of."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
STOP_SECONDS = 20.0
# The shop and Chroma print addresses that are of no use to the reader of our own.
QUIET = ("shop", "chroma", "worker", "relay")


class Processes:
    """Child processes by name, each with a pid file in SUPPORTDESK_VAR."""

    def __init__(self) -> None:
        self._specs: dict[str, tuple[list[str], dict[str, str]]] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._stopping = False

    def start(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        """Start one child in the project's folder; remembered so that it can be started again."""
        self._specs[name] = (command, environment)
        quiet = subprocess.DEVNULL if name.partition("-")[0] in QUIET else None
        self._running[name] = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=quiet, start_new_session=True)  # noqa: S603
        (settings.VAR_DIR / f"{name}.pid").write_text(str(self._running[name].pid))

    def watch(self) -> None:
        """Until stopped: start again what died, at most once a second."""
        while not self._stopping:
            time.sleep(0.5)
            for name, process in list(self._running.items()):
                if process.poll() is not None and not self._stopping:
                    sys.stderr.write(f"{name} ended with {process.returncode}, starting it again\n")
                    time.sleep(0.5)
                    self.start(name, *self._specs[name])
        self._end()

    def stop(self) -> None:
        """Ask `watch` to end; safe in a signal handler."""
        self._stopping = True

    def _end(self) -> None:
        for process in reversed(self._running.values()):
            if process.poll() is None:
                process.terminate()
        until = time.monotonic() + STOP_SECONDS
        for process in self._running.values():
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        for name in self._running:
            (settings.VAR_DIR / f"{name}.pid").unlink(missing_ok=True)


def embedded(processes: Processes, environment: dict[str, str], host: str, port: int) -> None:
    """One worker and one web process."""
    processes.start("worker", [sys.executable, "manage.py", "worker"], environment)
    processes.start("web", daphne(host, port), environment)


def production(processes: Processes, environment: dict[str, str], host: str, port: int) -> None:
    """The production form on one machine: Chroma's server, the relay, two Celery workers, two web processes on `port` and the next."""
    if not settings.CHROMA_URL:
        chroma_port = free_port()
        environment = {**environment, "CHROMA_URL": f"http://127.0.0.1:{chroma_port}"}
        # Its program lies beside our Python, which need not be on the path.
        environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)])
        chroma = ["sh", "deploy/chroma.sh", str(settings.VAR_DIR / "chroma-server"), "127.0.0.1", str(chroma_port)]
        processes.start("chroma", chroma, environment)
        # A search before it answers goes on by words alone for a while, and the first customers would be told "I do not know".
        answers(f"http://127.0.0.1:{chroma_port}/api/v2/heartbeat")
    processes.start("relay", [sys.executable, "manage.py", "relay"], environment)
    for number in (1, 2):
        processes.start(f"worker-{number}", celery(f"worker-{number}"), environment)
        processes.start(f"web-{number}", daphne(host, port + number - 1), environment)


def celery(name: str) -> list[str]:
    """The command of one Celery worker; jobs wait for the database and for models, so threads it is."""
    pool = ["-P", "threads", "-c", str(settings.WORKER_THREADS)]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING"]
    return [sys.executable, "-m", "celery", "-A", "supportdesk.celery", "worker", "-n", f"{name}@%h", *pool, *quiet]


def daphne(host: str, port: int) -> list[str]:
    """The command of one web process."""
    where = ["-b", host, "-p", str(port), "--no-server-name", "-v", "0", "--websocket_timeout", "-1"]
    return [sys.executable, "-m", "daphne", *where, "supportdesk.asgi:application"]


def is_taken(host: str, port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host if host != "0.0.0.0" else "127.0.0.1", port)) == 0  # noqa: S104


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str, seconds: float = 60) -> bool:
    """Whether the address says 200 before the time is up."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310
                return bool(response.status == 200)
        except OSError:
            time.sleep(0.2)
    return False
