"""`manage.py serve`: the embedded default as one process tree; a clean stop on Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

ROOT = Path(settings.BASE_DIR)


class Command(BaseCommand):
    """Web, one worker and (with --demo) the demo shop, supervised: one that dies is started again."""

    help = "Serve SupportDesk on this machine: SQLite, one worker, no other server needed."

    def add_arguments(self, parser: CommandParser) -> None:
        """--demo, --host, --port, --shop-port."""
        parser.add_argument("--demo", action="store_true", help="With the demo workspace and its shop.")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--shop-port", type=int, default=0, help="0: the one of DEMO_SHOP_URL, or a free one if it is taken.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare the database, start the processes, watch them until Ctrl-C."""
        if options["port"] and _is_taken(options["host"], options["port"]):
            raise CommandError(f"Port {options['port']} is taken: choose another with --port (or PORT=… make run).")
        if not settings.ON_POSTGRES:
            call_command("migrate", verbosity=0)
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        address = f"http://{'localhost' if options['host'] in ('127.0.0.1', '0.0.0.0') else options['host']}:{options['port']}"  # noqa: S104
        processes = Processes()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: processes.stop())
        if options["demo"]:
            shop_port = options["shop_port"] or _shop_port()
            environment |= {
                "DEMO_SHOP_URL": f"http://127.0.0.1:{shop_port}",
                "OUTBOUND_PRIVATE_HOSTS": f"127.0.0.1:{shop_port}",
                "SHOP_TOKEN": settings.DEMO_SHOP_TOKEN,
            }
            shop = [sys.executable, "supportdesk/demo/shop/server.py", "--db", str(settings.VAR_DIR / "shop.sqlite3")]
            processes.start("shop", [*shop, "--port", str(shop_port)], environment)
            subprocess.run([sys.executable, "manage.py", "seed_demo"], cwd=ROOT, env=environment, check=True)
        processes.start("worker", [sys.executable, "manage.py", "worker"], environment)
        daphne = [sys.executable, "-m", "daphne", "-b", options["host"], "-p", str(options["port"]), "--no-server-name"]
        processes.start("web", [*daphne, "-v", "0", "--websocket_timeout", "-1", "supportdesk.asgi:application"], environment)
        if _answers(f"http://{'127.0.0.1' if options['host'] == '0.0.0.0' else options['host']}:{options['port']}/healthz"):  # noqa: S104
            self._greet(address, demo=options["demo"])
        else:
            self.stderr.write("The web process does not answer; its messages are above.")
        processes.watch()

    def _greet(self, address: str, *, demo: bool) -> None:
        lines = ["", f"SupportDesk is ready: {address}"]
        if demo:
            from supportdesk.demo.workspace import PASSWORD, TEAMMATES

            width = max(len(mate.email) for mate in TEAMMATES)
            lines += [
                "",
                f"  customer's chat   {address}/chat/norrholt/chat/",
                f"  mailed codes      {address}/demo/mailbox/",
                f"  teammates         {address}/console/",
                f"  policy editors    {address}/admin/",
                "",
                f"  every password: {PASSWORD}",
                *(f"  {mate.email:<{width}}  {mate.role}" for mate in TEAMMATES),
            ]
        if not settings.ON_POSTGRES:
            lines += ["", "SQLite on this machine: for development, the demo, and one workspace."]
        lines += ["", "Stop with Ctrl-C."]
        self.stdout.write("\n".join(lines))
        self.stdout.flush()


class Processes:
    """Child processes by name."""

    def __init__(self) -> None:
        self._specs: dict[str, tuple[list[str], dict[str, str]]] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._stopping = False

    def start(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        """Start one child in the project's folder; remembered so that it can be started again."""
        self._specs[name] = (command, environment)
        # The shop prints its address, which is of no use to the reader of our own.
        quiet = subprocess.DEVNULL if name in ("shop", "worker") else None
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
        until = time.monotonic() + 10
        for process in self._running.values():
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
        for name in self._running:
            (settings.VAR_DIR / f"{name}.pid").unlink(missing_ok=True)


def _is_taken(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host if host != "0.0.0.0" else "127.0.0.1", port)) == 0  # noqa: S104


def _shop_port() -> int:
    wanted = int(settings.DEMO_SHOP_URL.rsplit(":", 1)[-1])
    if not _is_taken("127.0.0.1", wanted):
        return wanted
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str, seconds: float = 40) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310
                return bool(response.status == 200)
        except OSError:
            time.sleep(0.2)
    return False
