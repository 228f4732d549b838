"""Taking the words out of tickets: what a person said and was told goes, the shell, the money and the audit trail stay."""

from typing import Any

from django.db import transaction
from django.db.models import Model, QuerySet

from agents.actions.models import OPEN_STATES, Approval, ToolCall
from agents.runtime.models import AgentRun
from supportdesk.lifecycle.inventory import BY_MODEL, HELD, Held
from supportdesk.lifecycle.models import Emptied
from tickets.models import Attachment, Ticket

# What the schedule of tickets leaves for erasure alone.
NOT_BY_SCHEDULE = frozenset({"lifecycle.LegalHold"})


def is_busy(tickets: QuerySet[Ticket]) -> QuerySet[Ticket]:
    """Those of the tickets with an unfinished call, one of unknown outcome, a waiting approval or a run under way."""
    calls = ToolCall.objects.filter(state__in=OPEN_STATES).values("ticket")
    approvals = Approval.objects.filter(decision="").values("ticket")
    runs = AgentRun.objects.filter(state=AgentRun.State.RUNNING).values("ticket")
    return (tickets.filter(pk__in=calls) | tickets.filter(pk__in=approvals) | tickets.filter(pk__in=runs)).distinct()


@transaction.atomic
def empty_ticket(ticket_id: int, *, why: str) -> None:
    """Empty everything that hangs on one ticket, in one transaction; doing it twice is doing it once.

    Raises:
        Ticket.DoesNotExist: for an id that is not the workspace's.
    """
    ticket = Ticket.objects.select_for_update().only("pk", "last_seq").get(pk=ticket_id)
    for held in HELD:
        if held.ticket and not (why == "schedule" and held.model in NOT_BY_SCHEDULE):
            empty(held, held.of_tickets([ticket.pk]))
    Emptied.objects.update_or_create(ticket=ticket, defaults={"why": why, "last_seq": ticket.last_seq})


def empty(held: Held, rows: QuerySet[Any]) -> int:
    """Erase these rows as the inventory says; returns how many there were."""
    if held.model == "tickets.Attachment":
        return drop_files(rows)
    if held.erased is None:
        gone: int = rows.delete()[0]
        return gone
    if not held.erased:
        return 0
    fixed = {
        name: told() if told in (list, dict) else told for name, told in held.erased.items() if told in (list, dict) or not callable(told)
    }
    by_row = {name: told for name, told in held.erased.items() if name not in fixed}
    if not by_row:
        return int(rows.update(**fixed))
    found = 0
    for row in rows:
        found += 1
        _write(row, fixed | {name: told(row) for name, told in by_row.items()})
    return found


def _write(row: Model, values: dict[str, Any]) -> None:
    type(row)._default_manager.filter(pk=row.pk).update(**values)


def drop_files(rows: QuerySet[Attachment]) -> int:
    """Take files from the disk, then their rows: whoever dies in between finds the rows again, and no file."""
    found = list(rows)
    for each in found:
        place = each.file.name or ""
        if place.startswith(f"{each.tenant_id}/") and ".." not in place.split("/"):
            each.file.storage.delete(place)
    Attachment.objects.filter(pk__in=[each.pk for each in found]).delete()
    return len(found)


def emptied_already(ticket: Ticket) -> bool:
    """Whether nothing was said on the ticket since it was emptied."""
    return bool(Emptied.objects.filter(ticket=ticket, last_seq__gte=ticket.last_seq).exists())


def empty_traces(run_ids: list[int]) -> int:
    """Empty the steps of these runs."""
    steps = BY_MODEL["runtime.Step"]
    return empty(steps, steps.rows.filter(run__in=run_ids))
