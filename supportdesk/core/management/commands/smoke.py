"""`manage.py smoke`: drives the journeys through the public surfaces of a running server, or with --managed of one of its own."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from supportdesk.smoke import twins
from supportdesk.smoke.clients import Failed, Shop
from supportdesk.smoke.journeys import JOURNEYS, NEEDS_FAULTS
from supportdesk.smoke.managed import Managed, managed
from supportdesk.smoke.steps import World

PROOFS = ("check_invariants", "verify_audit")


class Command(BaseCommand):
    """A line per journey; exit 1 when one fails."""

    help = "Drive the journeys against a running server with the demo workspace."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """--url or --managed, --twins, --form, --json, --only, and where the demo's shop is."""
        parser.add_argument("--url", default="", help="Of the running server, such as http://localhost:8000")
        parser.add_argument("--desk-url", default="", help="Where teammates reach it, if elsewhere.")
        parser.add_argument("--managed", action="store_true", help="Start a server, kill its worker where a journey says so, stop it.")
        parser.add_argument("--form", choices=("embedded", "production"), default="embedded", help="Of the managed server.")
        parser.add_argument("--twins", action="store_true", help="With --managed: two equal workspaces at once.")
        parser.add_argument("--json", help="Write the results there.")
        parser.add_argument("--only", default="", help="Letters of the journeys to drive; all by default.")
        parser.add_argument("--shop-url", default=settings.DEMO_SHOP_URL)
        parser.add_argument("--shop-token", default=settings.DEMO_SHOP_TOKEN)
        parser.add_argument("--teammate", default="mira@norrholt.example")
        parser.add_argument("--password", default="norrholt-demo-1")

    def handle(self, *args: Any, **options: Any) -> None:
        """Drive them all, even after one failed; with --managed the invariants and the audit chain are checked after them.

        Raises:
            CommandError: neither or both of --url and --managed.
        """
        if options["managed"] == bool(options["url"]):
            raise CommandError("Give --url of a running server, or --managed to have one started.")
        if options["twins"] and not options["managed"]:
            raise CommandError("Twins need a server of their own: --managed.")
        url, who = options["url"].rstrip("/"), (options["teammate"], options["password"])
        with ExitStack() as stack:
            if options["managed"]:
                server = stack.enter_context(managed(options["form"], with_twin=options["twins"]))
                world = World(server.url, Shop(server.shop_url, options["shop_token"]), *who, server.desk_url, server.faults)
            else:
                desk_url = options["desk_url"].rstrip("/") or url
                world = World(url, Shop(options["shop_url"], options["shop_token"]), *who, desk_url)
            results = self._drive_twins(server, options) if options["twins"] else self._drive(world, options["only"])
            if options["managed"]:
                results += [self._prove(command, server.environment) for command in PROOFS]
        if options["json"]:
            with open(options["json"], "w", encoding="utf-8") as out:
                json.dump({"url": world.url, "journeys": results}, out, indent=1)
        if not all(result["passed"] for result in results):
            raise SystemExit(1)

    def _drive(self, world: World, only: str) -> list[dict[str, Any]]:
        results = []
        for letter, journey in JOURNEYS.items():
            if only and letter not in only:
                continue
            if letter in NEEDS_FAULTS and world.faults is None:
                if only:
                    raise CommandError(f"Journey {letter} kills processes: it needs --managed.")
                self.stdout.write(f"{letter} left out: it kills processes, so it needs --managed")
                continue
            results.append(self._try(letter, lambda journey=journey: journey(world)))  # type: ignore[misc]
        return results

    def _drive_twins(self, server: Managed, options: dict[str, Any]) -> list[dict[str, Any]]:
        """Each journey in both at once; the next begins when both are through, so that a kill hits only the journey that arms it."""
        worlds = twins.worlds_of(server, options["shop_token"], options["password"])
        results = []
        for letter, journey in JOURNEYS.items():
            if not options["only"] or letter in options["only"]:
                results += twins.together(worlds, lambda world: self._try(f"{letter} {world.tenant}", lambda: journey(world)))  # noqa: B023
        return [*results, self._try("apart", lambda: twins.apart(worlds, server))]

    def _try(self, name: str, drive: Callable[[], str]) -> dict[str, Any]:
        began = time.monotonic()
        try:
            said, passed = drive(), True
        except Failed as error:
            said, passed = str(error), False
        except Exception as error:
            said, passed = f"{type(error).__name__}: {error}", False
        return self._tell(name, passed, began, said)

    def _prove(self, command: str, environment: dict[str, str]) -> dict[str, Any]:
        began = time.monotonic()
        words = [sys.executable, "manage.py", command]
        done = subprocess.run(words, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
        said = " ".join((done.stdout if done.returncode == 0 else done.stdout + done.stderr).split())[-300:]
        return self._tell(command, done.returncode == 0, began, said)

    def _tell(self, name: str, passed: bool, began: float, said: str) -> dict[str, Any]:
        seconds = round(time.monotonic() - began, 2)
        self.stdout.write(f"{name} {'ok  ' if passed else 'FAIL'} {seconds:6.2f} s  {said}")
        self.stdout.flush()
        return {"journey": name, "passed": passed, "seconds": seconds, "said": said}
