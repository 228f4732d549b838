"""The trail as a file: streamed in batches, and cut off within seconds when whoever takes it may no longer.

JSON lines hold everything an event's hash covers, so that an outsider can verify them; CSV is for reading in a spreadsheet.
"""

import csv
import io
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from channels.db import database_sync_to_async
from django.contrib.sessions.backends.base import SessionBase
from django.utils import timezone

from supportdesk.accounts.standing import standing_of
from supportdesk.console.audit.naming import names_for
from supportdesk.console.audit.sentences import sentence
from supportdesk.console.audit.trail import Filters, matching
from supportdesk.core.events import SYSTEM_ACTOR, content_of, record
from supportdesk.core.exported import FORMAT
from supportdesk.core.models import ChainHead, Event, Membership
from supportdesk.core.tenancy import acting_for

BATCH = 500
# How long a file goes on before its taker's rights are looked at again.
CHECK_SECONDS = 2.0
FORMATS = {"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
COLUMNS = ("position", "at", "who", "what", "code", "ticket", "subject", "changed", "event", "prev_hash", "hash")
# What a spreadsheet takes for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass
class Export:
    """One file being taken. Each batch enters the workspace anew: nothing is held open while the taker reads."""

    session: SessionBase
    member: Membership
    filters: Filters
    format: str

    def __post_init__(self) -> None:
        self._position, self._count, self._checked, self._is_over = 0, 0, time.monotonic(), False
        head = ChainHead.objects.filter(tenant=self.member.tenant).first()
        self._until, self._hash = (head.position, head.hash) if head else (0, "")

    def in_thread(self) -> Iterator[str]:
        """For servers that stream from a thread."""
        yield self.begin()
        while batch := self.batch():
            yield batch

    async def on_loop(self) -> AsyncIterator[str]:
        """For servers that stream from the loop."""
        yield await database_sync_to_async(self.begin)()
        while batch := await database_sync_to_async(self.batch)():
            yield batch

    def begin(self) -> str:
        """The first line: what the file is, or the names of its columns."""
        if self.format == "csv":
            return _csv([COLUMNS])
        asked = self.filters.chosen()
        line = {"format": FORMAT, "workspace": self.member.tenant.slug, "taken_at": timezone.now().isoformat(), "filters": asked}
        return _json({**line, "whole": not asked and self._sees_all()})

    def batch(self) -> str:
        """The next lines, the last line, or nothing when that is told; nothing at once when the taker may no longer."""
        if self._is_over:
            return ""
        with acting_for(self.member.tenant):
            if time.monotonic() - self._checked >= CHECK_SECONDS:
                self._checked = time.monotonic()
                if not self._may_go_on():
                    self._is_over = True
                    record("audit.export_cut", by=SYSTEM_ACTOR, member=self.member.pk, changed={"events": self._count})
                    return ""
            rows = matching(self.member, self.filters).filter(position__gt=self._position, position__lte=self._until)
            events = list(rows.order_by("position")[:BATCH])
            if not events:
                self._is_over = True
                return self._end()
            self._position, self._count = events[-1].position or 0, self._count + len(events)
            return self._csv_of(events) if self.format == "csv" else "".join(_json(content_of(row) | {"hash": row.hash}) for row in events)

    def _may_go_on(self) -> bool:
        now = standing_of(self.session, "audit.export")
        return now is not None and now.pk == self.member.pk

    def _sees_all(self) -> bool:
        with acting_for(self.member.tenant):
            return matching(self.member, self.filters).exclude(position=None).filter(position__lte=self._until).count() == self._until

    def _end(self) -> str:
        return "" if self.format == "csv" else _json({"events": self._count, "position": self._until, "hash": self._hash})

    def _csv_of(self, events: list[Event]) -> str:
        names = names_for(events, self.member)
        return _csv(
            [
                row.position,
                row.at.isoformat(),
                f"{row.actor_kind} {row.actor_id or ''}".strip(),
                sentence(row, names),
                row.code,
                names.of("ticket", row.ticket_id) if row.ticket_id else "",
                json.dumps(row.subject, sort_keys=True),
                json.dumps(row.changed, sort_keys=True),
                row.pk,
                row.prev_hash,
                row.hash,
            ]
            for row in events
        )


def _json(line: dict[str, Any]) -> str:
    return json.dumps(line, sort_keys=True, ensure_ascii=False) + "\n"


def _csv(rows: Any) -> str:
    file = io.StringIO()
    csv.writer(file).writerows([[safe_cell(cell) for cell in row] for row in rows])
    return file.getvalue()


def safe_cell(value: Any) -> str:
    """The cell as text that no spreadsheet runs."""
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
