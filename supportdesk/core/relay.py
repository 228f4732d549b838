"""The relay: gives the ids of due jobs to the broker, a bounded window at a time, round-robin over tenants.

The job row stays the truth. A broker that was flushed or began anew is found out at once, and gets everything that waits again; what it
loses one by one is seen by the row that still waits.
"""

import logging
from collections.abc import Sequence
from typing import Protocol

from django.conf import settings
from django.db import connections

from supportdesk.core.database import SYSTEM

log = logging.getLogger("supportdesk.relay")
# A job published this long ago that nobody claimed, while the broker's list is empty, was lost on the way.
AGAIN_SECONDS = 5
_NEVER = 10**9
_MARK = """
WITH RECURSIVE turn(tenant_id) AS (
  SELECT min(tenant_id) FROM core_job WHERE state = 'queued'
  UNION ALL
  SELECT (SELECT min(tenant_id) FROM core_job WHERE state = 'queued' AND tenant_id > turn.tenant_id)
  FROM turn WHERE turn.tenant_id IS NOT NULL
),
awake AS (SELECT turn.tenant_id FROM turn JOIN core_tenant ON core_tenant.id = turn.tenant_id AND core_tenant.is_active),
due AS (
  SELECT job.id, row_number() OVER (PARTITION BY awake.tenant_id ORDER BY job.run_at, job.id) AS place FROM awake CROSS JOIN LATERAL (
    SELECT id, run_at FROM core_job WHERE state = 'queued' AND core_job.tenant_id = awake.tenant_id AND run_at <= statement_timestamp()
      AND (published_at IS NULL OR published_at < statement_timestamp() - make_interval(secs => %(again)s))
    ORDER BY run_at, id LIMIT %(room)s) AS job
),
chosen AS MATERIALIZED (SELECT id, place FROM due ORDER BY place, id LIMIT %(room)s),
free AS MATERIALIZED (
  SELECT id FROM core_job WHERE id IN (SELECT id FROM chosen) AND state = 'queued'
    AND (published_at IS NULL OR published_at < statement_timestamp() - make_interval(secs => %(again)s))
  FOR UPDATE SKIP LOCKED
)
UPDATE core_job SET published_at = statement_timestamp() FROM free JOIN chosen USING (id)
WHERE core_job.id = free.id RETURNING core_job.id, chosen.place
"""


class Broker(Protocol):
    """What the relay needs of a broker."""

    def has_forgotten(self) -> bool:
        """Whether it lost everything since this was last asked."""

    def waiting(self) -> int:
        """How many ids nobody fetched yet."""

    def publish(self, ids: Sequence[int]) -> None:
        """Hand over ids, in this order."""


class Relay:
    """Several may run: each marks the rows it publishes, and skips those another is marking."""

    def __init__(self, broker: Broker, window: int = 0) -> None:
        self.broker = broker
        self.window = window or settings.RELAY_WINDOW

    def publish_due(self) -> int:
        """Fill the window once; returns how many ids the broker took.

        Raises:
            BrokerDown: nothing is marked as published that it did not take.
        """
        if self.broker.has_forgotten():
            unmark_all()
        waiting = self.broker.waiting()
        if waiting >= self.window:
            return 0
        ids = mark(self.window - waiting, again=AGAIN_SECONDS if waiting == 0 else _NEVER)
        if not ids:
            return 0
        try:
            self.broker.publish(ids)
        except Exception as error:
            unmark(getattr(error, "left", ids))
            raise
        return len(ids)


def mark(room: int, *, again: int = AGAIN_SECONDS) -> list[int]:
    """Mark up to `room` due jobs as published and return their ids, one of each tenant before the second of any."""
    with connections[SYSTEM].cursor() as cursor:
        cursor.execute(_MARK, {"room": room, "again": again})
        return [row[0] for row in sorted(cursor.fetchall(), key=lambda row: (row[1], row[0]))]


def unmark(ids: Sequence[int]) -> None:
    """These did not reach the broker after all."""
    with connections[SYSTEM].cursor() as cursor:
        cursor.execute("UPDATE core_job SET published_at = NULL WHERE id = ANY(%s) AND state = 'queued'", [list(ids)])


def unmark_all() -> None:
    """Nothing that waits is with the broker any more."""
    with connections[SYSTEM].cursor() as cursor:
        cursor.execute("UPDATE core_job SET published_at = NULL WHERE state = 'queued' AND published_at IS NOT NULL")
