"""`manage.py relay`: the production form's pacemaker: publishes due jobs, sweeps expired leases, stamps events."""

import signal
import threading
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections, connections

from supportdesk.core import jobs
from supportdesk.core.events import stamp
from supportdesk.core.heads import export_now_and_then
from supportdesk.core.relay import Relay, log
from supportdesk.core.start import refuse_unsafe_start

SWEEP_SECONDS = 2.0


class Command(BaseCommand):
    """One relay process; more than one may run."""

    help = "Publish due jobs to the broker, sweep expired leases, stamp events."

    def handle(self, *args: Any, **options: Any) -> None:
        """Relay until told to stop.

        Raises:
            CommandError: without PostgreSQL or a broker.
        """
        if not settings.ON_POSTGRES or not settings.REDIS_URL:
            raise CommandError("The relay belongs to the production form: set DATABASE_URL to PostgreSQL, and REDIS_URL.")
        from supportdesk.celery import Broker

        refuse_unsafe_start()
        stopping = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stopping.set())
        self.stdout.write(f"relay with a window of {settings.RELAY_WINDOW}")
        self.stdout.flush()
        Pacemaker(Relay(Broker())).run(stopping)
        connections.close_all()


class Pacemaker:
    """The relay's loop; whatever is down is said once, tried again, and said when it is back."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self._down: dict[str, str] = {}
        self._swept = 0.0

    def run(self, stopping: threading.Event) -> None:
        """Until `stopping` is set."""
        from supportdesk.celery import BrokerDown

        while not stopping.is_set():
            published = 0
            try:
                stamp()
                if time.monotonic() - self._swept > SWEEP_SECONDS:
                    jobs.sweep()
                    export_now_and_then()
                    self._swept = time.monotonic()
                self._says("The database", "")
                published = self.relay.publish_due()
                self._says("The broker", "")
            except BrokerDown as error:
                self._says("The broker", str(error))
            except Exception as error:
                self._says("The database", f"{type(error).__name__}: {error}"[:200])
                connections.close_all()
            close_old_connections()
            # A full window is refilled at once, an empty one looked at again soon, a broken one with some patience.
            stopping.wait(1.0 if any(self._down.values()) else 0.01 if published else settings.RELAY_SECONDS)

    def _says(self, what: str, error: str) -> None:
        was, self._down[what] = self._down.get(what, ""), error
        if error and not was:
            log.error("%s does not answer (%s); jobs wait in the database and go out when it is back", what, error)
        elif was and not error:
            log.warning("%s answers again", what)
