"""An exported audit trail, checked without the database: by whoever got the file."""

import json
from collections.abc import Iterable
from typing import Any

from supportdesk.core.events import HASHED, link_hash

FORMAT = "supportdesk-audit-1"


def broken_lines(lines: Iterable[str]) -> tuple[int, list[str]]:
    """How many events an export holds, and every place where it does not, as sentences.

    Each event's hash is taken anew. Where its neighbour is there too, the link between them is; an export of the whole trail has all.
    """
    said: list[str] = []
    header: dict[str, Any] | None = None
    trailer: dict[str, Any] | None = None
    before: dict[str, Any] | None = None
    count = 0
    for number, text in enumerate(lines, 1):
        row = _parsed(text)
        if row is None or trailer is not None:
            said.append(f"line {number}: not a line of an export")
        elif header is None:
            header = row
            if row.get("format") != FORMAT:
                said.append(f"line {number}: the file does not begin like an export")
        elif "events" in row:
            trailer = row
        else:
            count += 1
            said += [f"line {number}: {fault}" for fault in _faults(row, before, is_whole=bool(header.get("whole")))]
            before = row
    return count, said + _end(header, trailer, before, count)


def _faults(row: dict[str, Any], before: dict[str, Any] | None, *, is_whole: bool) -> list[str]:
    if not {*HASHED, "hash"} <= set(row) or not isinstance(row["position"], int):
        return ["an event that lacks something"]
    name = f"event {row['id']}"
    if row["hash"] != link_hash(row):
        return [f"{name}: its content or its link was changed"]
    last = int(before["position"]) if before and isinstance(before.get("position"), int) else 0
    if row["position"] <= last:
        return [f"{name}: position {row['position']} after {last}"]
    if row["position"] == last + 1:
        expected = before.get("hash") if before else ""
        return [] if row["prev_hash"] == expected else [f"{name}: does not follow the event before it"]
    return [f"{name}: position {row['position']} where {last + 1} belongs"] if is_whole else []


def _end(header: dict[str, Any] | None, trailer: dict[str, Any] | None, before: dict[str, Any] | None, count: int) -> list[str]:
    if header is None:
        return ["the file is empty"]
    if trailer is None:
        return ["the file ends early: its last line is missing"]
    if trailer["events"] != count:
        return [f"the last line counts {trailer['events']} events, the file has {count}"]
    if header.get("whole"):
        end = (before["position"], before["hash"]) if before else (0, "")
        if end != (trailer.get("position"), trailer.get("hash")):
            return [f"the chain ended at {trailer.get('position')} when this was taken, the file ends at {end[0]}"]
    return []


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None
