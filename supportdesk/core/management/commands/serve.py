"""`manage.py serve`: the product as one supervised process tree; a clean stop on Ctrl-C."""

import os
import signal
import subprocess
import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from supportdesk.core.processes import ROOT, Processes, answers, embedded, free_port, is_taken, production

FORMS = {"embedded": embedded, "production": production}


class Command(BaseCommand):
    """The processes of one form and (with --demo) the demo shop, supervised: one that dies is started again."""

    help = "Serve SupportDesk on this machine: by default SQLite, one worker, no other server needed."

    def add_arguments(self, parser: CommandParser) -> None:
        """--demo, --twin-port, --form, --host, --port, --shop-port."""
        parser.add_argument("--demo", action="store_true", help="With the demo workspace and its shop.")
        parser.add_argument("--twin-port", type=int, default=0, help="With --demo: a second, equal workspace whose shop listens there.")
        parser.add_argument("--form", choices=FORMS, default="embedded", help="production: all its processes, on this machine.")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000, help="The production form also takes the next one.")
        parser.add_argument("--shop-port", type=int, default=0, help="0: the one of DEMO_SHOP_URL, or a free one if it is taken.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare the database, start the processes, watch them until Ctrl-C.

        Raises:
            CommandError: a port is taken, or the form lacks a server.
        """
        host, ports = options["host"], [options["port"]]
        if options["form"] == "production":
            ports.append(options["port"] + 1)
            if not settings.ON_POSTGRES or not settings.REDIS_URL:
                raise CommandError("The production form needs servers: set DATABASE_URL to PostgreSQL, and REDIS_URL.")
        for port in ports:
            if port and is_taken(host, port):
                raise CommandError(f"Port {port} is taken: choose another with --port (or PORT=… make run).")
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self._migrate(environment, form=options["form"])
        processes = Processes()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: processes.stop())
        if options["demo"]:
            environment |= self._demo(processes, environment, options["shop_port"] or _shop_port(), options["twin_port"])
        FORMS[options["form"]](processes, environment, host, options["port"])
        here = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104
        if all(answers(f"http://{here}:{port}/healthz") for port in ports):
            named = "localhost" if here == "127.0.0.1" else here
            self._greet([f"http://{named}:{port}" for port in ports], demo=options["demo"])
        else:
            self.stderr.write("A web process does not answer; its messages are above.")
        processes.watch()

    def _migrate(self, environment: dict[str, str], *, form: str) -> None:
        if not settings.ON_POSTGRES:
            call_command("migrate", verbosity=0)
        elif form == "production":
            # A process of its own: only the owner may migrate, and this one stays what the walls bind.
            command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
            subprocess.run(command, cwd=ROOT, env={**environment, "DATABASE_AS_OWNER": "1"}, check=True)  # noqa: S603

    def _demo(self, processes: Processes, environment: dict[str, str], port: int, twin_port: int) -> dict[str, str]:
        """Start the shops and seed the workspaces; what the other processes must know of the shops."""
        shops = {"shop": (port, settings.DEMO_SHOP_TOKEN)}
        if twin_port:
            shops["shop-twin"] = (twin_port, f"{settings.DEMO_SHOP_TOKEN}-twin")
        known = {
            "DEMO_SHOP_URL": f"http://127.0.0.1:{port}",
            "OUTBOUND_PRIVATE_HOSTS": ",".join(f"127.0.0.1:{each}" for each, _token in shops.values()),
        }
        for name, (each, token) in shops.items():
            database = str(settings.VAR_DIR / f"{name}.sqlite3")
            shop = [sys.executable, "supportdesk/demo/shop/server.py", "--db", database, "--port", str(each)]
            processes.start(name, shop, environment | known | {"SHOP_TOKEN": token})
        seed = [sys.executable, "manage.py", "seed_demo"]
        subprocess.run(seed, cwd=ROOT, env=environment | known, check=True)  # noqa: S603
        if twin_port:
            subprocess.run([*seed, "--twin", f"http://127.0.0.1:{twin_port}"], cwd=ROOT, env=environment | known, check=True)  # noqa: S603
        return known

    def _greet(self, addresses: list[str], *, demo: bool) -> None:
        address = addresses[0]
        lines = ["", f"SupportDesk is ready: {' '.join(addresses)}"]
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


def _shop_port() -> int:
    wanted = int(settings.DEMO_SHOP_URL.rsplit(":", 1)[-1])
    return free_port() if is_taken("127.0.0.1", wanted) else wanted
