"""What bars stand on: processes, databases and ports of their own, all gone when the bar is measured."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from supportdesk.bench.harness import LeftOut

ROOT = Path(__file__).resolve().parents[2]
# Variables of the product's own settings; a bar sets its own and inherits none.
OURS = ("DATABASE_", "REDIS_", "SUPPORTDESK_", "DJANGO_", "TEST_", "CHROMA_", "MODEL_", "EMBEDDER", "WORKER_", "JOB_", "TAIL_", "CELERY_")


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for one bar."""
    path = Path(tempfile.mkdtemp(prefix="supportdesk-bench-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def environment(var: Path, **more: str) -> dict[str, str]:
    """The environment of a process of a bar: the product's defaults in a folder of its own, and what is given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {
        **kept,
        "SUPPORTDESK_VAR": str(var),
        "SUPPORTDESK_DEMO": "1",
        "DJANGO_SETTINGS_MODULE": "supportdesk.settings",
        "LOG_LEVEL": "WARNING",
        "PYTHONUNBUFFERED": "1",
        **more,
    }


def redis_url() -> str:
    """A Redis that answers: BENCH_REDIS_URL, else database 8 on 127.0.0.1.

    Raises:
        LeftOut: when none does.
    """
    url = os.environ.get("BENCH_REDIS_URL", "redis://127.0.0.1:6379/8")
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 6379), timeout=2) as connection:
            connection.sendall(b"PING\r\n")
            if connection.recv(16).startswith((b"+PONG", b"-NOAUTH")):
                return url
    except OSError:
        pass
    raise LeftOut("no Redis answers. Start one on 127.0.0.1:6379, or set BENCH_REDIS_URL")


def postgres_server() -> str:
    """The URL of a PostgreSQL server, without a database: BENCH_DATABASE_URL, else postgres or root on 127.0.0.1.

    Raises:
        LeftOut: when none answers.
    """
    given = os.environ.get("BENCH_DATABASE_URL", "")
    for url in [given] if given else [f"postgres://{user}@127.0.0.1:5432/postgres" for user in ("postgres", "root")]:
        server = url.rpartition("/")[0]
        try:
            psycopg.connect(_libpq(server, "postgres"), connect_timeout=3).close()
        except psycopg.OperationalError:
            continue
        return server
    raise LeftOut("no PostgreSQL answers. Start one on 127.0.0.1:5432 (user postgres, trust), or set BENCH_DATABASE_URL")


def _libpq(server: str, name: str) -> str:
    return f"postgresql{server[server.index('://') :]}/{name}"


@contextmanager
def postgres_database(var: Path, name: str) -> Iterator[str]:
    """A fresh database with the product's tables and walls, dropped afterwards; gives its URL.

    Raises:
        LeftOut: when there is no server.
    """
    server, full = postgres_server(), f"supportdesk_bench_{os.getpid()}_{name}"
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(full))
    with psycopg.connect(_libpq(server, "postgres"), autocommit=True) as admin:
        admin.execute(drop)
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(full)))
    try:
        url = f"{server}/{full}"
        migrate(environment(var, DATABASE_URL=url, DATABASE_AS_OWNER="1"))
        yield url
    finally:
        with psycopg.connect(_libpq(server, "postgres"), autocommit=True) as admin:
            admin.execute(drop)


def owner_of(url: str) -> "psycopg.Connection[Any]":
    """A connection as the database's owner, outside Django and behind no wall."""
    server, _slash, name = url.rpartition("/")
    return psycopg.connect(_libpq(server, name), autocommit=True)


def migrate(env: dict[str, str]) -> None:
    """Bring the database of an environment up to date."""
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, env=env, check=True)


def free_port() -> int:
    """A port nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """A child process in a group of its own; the group ends with the block."""

    def __init__(self, command: list[str], env: dict[str, str], *, cwd: Path = ROOT, **streams: Any) -> None:
        self.began = time.perf_counter()
        self.popen = subprocess.Popen(command, cwd=cwd, env=env, start_new_session=True, text=True, **streams)  # noqa: S603

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def stop(self, seconds: float = 10) -> None:
        """Ask it to end, and see to it."""
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.popen.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.popen.wait()
        for stream in (self.popen.stdin, self.popen.stdout):
            if stream is not None:
                stream.close()


class Side(Process):
    """A process that holds one side of a bar ready and answers requests, one line of JSON each (`supportdesk.bench.side`)."""

    def __init__(self, opener: str, env: dict[str, str], **given: Any) -> None:
        command = [sys.executable, "-m", "supportdesk.bench.side", opener, json.dumps(given)]
        super().__init__(command, env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            self.about: dict[str, Any] = self._answer()
        except BaseException:
            self.stop()
            raise

    def ask(self, **request: Any) -> dict[str, Any]:
        """One request, one answer.

        Raises:
            RuntimeError: when the process ended instead of answering; its own words are on stderr.
        """
        assert self.popen.stdin is not None  # noqa: S101
        self.popen.stdin.write(json.dumps(request) + "\n")
        self.popen.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.popen.stdout is not None  # noqa: S101
        line = self.popen.stdout.readline()
        if not line:
            raise RuntimeError(f"a side of a bar ended with {self.popen.wait()} instead of answering")
        answer: dict[str, Any] = json.loads(line)
        return answer


def daphne(application: str, env: dict[str, str], *, cwd: Path = ROOT) -> tuple[Process, str]:
    """A web server on a free port; gives the process and its address. It may not answer yet."""
    port = free_port()
    command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "--no-server-name", "-v", "0"]
    return Process([*command, "--websocket_timeout", "-1", application], env, cwd=cwd), f"http://127.0.0.1:{port}"


def wait_for(url: str, seconds: float = 60, step: float = 0.01) -> None:
    """Return when the address answers 200.

    Raises:
        RuntimeError: when it does not in time.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 - our own loopback address
                if response.status == 200:
                    response.read()
                    return
        except OSError:
            time.sleep(step)
    raise RuntimeError(f"{url} does not answer")


@contextmanager
def server(application: str, env: dict[str, str], *, cwd: Path = ROOT) -> Iterator[str]:
    """A web server that answers; gives its address."""
    with ExitStack() as stack:
        process, url = daphne(application, env, cwd=cwd)
        stack.enter_context(process)
        wait_for(f"{url}/healthz")
        yield url
