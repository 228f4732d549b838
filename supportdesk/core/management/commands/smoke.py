"""`manage.py smoke --url URL`: drives the journeys through the public surfaces of a running server."""

import json
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from supportdesk.smoke.clients import Failed, Shop
from supportdesk.smoke.journeys import JOURNEYS, World


class Command(BaseCommand):
    """A line per journey; exit 1 when one fails."""

    help = "Drive the journeys against a running server with the demo workspace."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """--url, --json, --only, and where the demo's shop is."""
        parser.add_argument("--url", required=True, help="Of the running server, such as http://localhost:8000")
        parser.add_argument("--json", help="Write the results there.")
        parser.add_argument("--only", default="", help="Letters of the journeys to drive; all by default.")
        parser.add_argument("--shop-url", default=settings.DEMO_SHOP_URL)
        parser.add_argument("--shop-token", default=settings.DEMO_SHOP_TOKEN)
        parser.add_argument("--teammate", default="mira@norrholt.example")
        parser.add_argument("--password", default="norrholt-demo-1")

    def handle(self, *args: Any, **options: Any) -> None:
        """Drive them all, even after one failed."""
        world = World(
            options["url"].rstrip("/"), Shop(options["shop_url"], options["shop_token"]), options["teammate"], options["password"]
        )
        results = []
        for letter, journey in JOURNEYS.items():
            if options["only"] and letter not in options["only"]:
                continue
            began = time.monotonic()
            try:
                said, passed = journey(world), True
            except Failed as error:
                said, passed = str(error), False
            except Exception as error:
                said, passed = f"{type(error).__name__}: {error}", False
            seconds = round(time.monotonic() - began, 2)
            results.append({"journey": letter, "passed": passed, "seconds": seconds, "said": said})
            self.stdout.write(f"{letter} {'ok  ' if passed else 'FAIL'} {seconds:6.2f} s  {said}")
            self.stdout.flush()
        if options["json"]:
            with open(options["json"], "w", encoding="utf-8") as out:
                json.dump({"url": world.url, "journeys": results}, out, indent=1)
        if not all(result["passed"] for result in results):
            raise SystemExit(1)
