"""What a change of the configuration changed: field by field, before and after, from the row's history or from the event itself.

The words of a policy or a prompt are the business's own; customers' words are in no history, and secrets are kept out of all of them.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from agents.knowledge.models import Article
from agents.releases.models import Agent
from policies.models import Limit, Policy, Prompt, Rule
from policies.verdicts import Verdict
from supportdesk.core.models import Event
from tickets.models import Channel, Queue

HISTORIES: dict[str, Any] = {
    "policy": Policy,
    "prompt": Prompt,
    "rule": Rule,
    "limit": Limit,
    "agent": Agent,
    "queue": Queue,
    "channel": Channel,
    "article": Article,
}
# An event and the row's history are written in one transaction; its clock and the database's may differ a little.
NEAR = timedelta(seconds=5)
LONGEST = 1_200
ROW = re.compile(r"(added|changed|deleted) (\w+) (\d+)")
STRICTNESS = {verdict.code: verdict.value for verdict in Verdict}


@dataclass(frozen=True)
class Change:
    """One field of one row: what it was and what it became."""

    row: str
    field: str
    before: str
    after: str
    loosens: bool = False


def changes_of(event: Event) -> list[Change]:
    """Every field that an event of the configuration changed."""
    kind = event.code.partition(".")[0]
    found = list(_of_row(event, kind, str(event.subject.get(kind, "")), "")) if kind in HISTORIES else []
    for text in event.changed.get("rows") or []:
        if row := ROW.fullmatch(str(text)):
            found += _of_row(event, row[2], row[3], f"{row[2]} ") if row[2] in HISTORIES else [Change(text, "", "", "")]
    return found or list(_told(event))


def _of_row(event: Event, kind: str, key: str, prefix: str) -> Iterator[Change]:
    """The difference between the state this event left behind and the one before it."""
    if not key.isdigit():
        return
    rows = HISTORIES[kind].history.filter(tenant_id=event.tenant_id, id=int(key), history_date__range=(event.at - NEAR, event.at + NEAR))
    near = min(rows, key=lambda row: abs(row.history_date - event.at), default=None)
    if near is None:
        return
    name = f"{prefix}{getattr(near, 'code', '') or getattr(near, 'key', '') or key}" if prefix else ""
    before = near.prev_record
    if near.history_type != "~" or before is None:
        yield Change(name or kind, "", "", "added" if near.history_type == "+" else "deleted")
        return
    for delta in near.diff_against(before).changes:
        yield Change(
            name, delta.field.replace("_", " "), shown(delta.old), shown(delta.new), loosens(near, delta.field, delta.old, delta.new)
        )


def _told(event: Event) -> Iterator[Change]:
    """What the event itself says: pairs of before and after, values, or the names of fields alone."""
    for name, value in event.changed.items():
        if isinstance(value, list) and len(value) == 2 and name not in ("fields", "rows"):
            yield Change("", name.replace("_", " "), shown(value[0]), shown(value[1]))
        elif name == "fields":
            yield from (Change("", str(each).replace("_", " "), "", "") for each in value)
        elif name != "rows":
            yield Change("", name.replace("_", " "), "", shown(value))


def loosens(row: Any, field: str, old: Any, new: Any) -> bool:
    """Whether this difference lets the agent do more than before, as far as one field can tell."""
    kind = type(row).__name__.removeprefix("Historical")
    if kind not in ("Rule", "Limit"):
        return False
    is_permit = kind == "Rule" and row.kind == Rule.Kind.PERMIT
    match field:
        case "is_active":
            return bool(new) if is_permit else not new
        case "otherwise":
            return STRICTNESS.get(str(new), 0) < STRICTNESS.get(str(old), 0)
        case "amount" if isinstance(old, dict) and isinstance(new, dict):
            return any(cap not in new or new[cap] > old[cap] for cap in old)
        case "count":
            return old is not None and (new is None or new > old)
        case "window_days":
            return bool(new < old)
        case "when" | "condition" if isinstance(old, list) and isinstance(new, list):
            # Fewer places where a permit is bound, or where a requirement holds; more of them where it speaks.
            return len(new) < len(old) if is_permit or field == "condition" else len(new) > len(old)
        case "tools" if isinstance(old, list) and isinstance(new, list):
            return bool(set(new) - set(old)) if is_permit else bool(set(old) - set(new))
    return False


def shown(value: Any) -> str:
    """A value as a reader sees it."""
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = json.dumps(value, ensure_ascii=False, sort_keys=True) if isinstance(value, dict | list) else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
