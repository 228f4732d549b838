"""The list of tickets: what the address asks for, counts, and pages that stay put while tickets come and go."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Exists, IntegerField, OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from agents.actions.models import Approval
from supportdesk.console.approving import waiting_count
from supportdesk.core.models import Membership
from supportdesk.core.permissions import may
from tickets.models import Handler, Queue, Ticket
from tickets.models.places import hidden_queues

PAGE = 30
# Counts end here; beyond it a list says "999+".
MOST = 999
Tally = int | str
TABS = {"mine": _("Mine"), "unassigned": _("Unassigned"), "all": _("All")}
SORTS = {"urgent": _("Most urgent"), "waiting": _("Waiting longest"), "newest": _("Newest activity")}
STATUSES = {"open": _("Open"), "resolved": _("Resolved")}
HANDLERS = {"": _("Anyone"), Handler.AI.value: _("AI agent"), Handler.HUMAN.value: _("Teammates")}
ORDERS: dict[str, tuple[str, ...]] = {
    "urgent": ("-priority", "waits_from", "id"),
    "waiting": ("waits_from", "id"),
    "newest": ("-last_message_at", "-id"),
}


@dataclass(frozen=True)
class Filters:
    """What the address asks for; anything it does not know falls back to the ordinary list."""

    tab: str = "mine"
    status: str = "open"
    queue: str = ""
    handler: str = ""
    sort: str = "urgent"
    q: str = ""
    home: str = "mine"

    @classmethod
    def of(cls, data: Any, member: Membership) -> "Filters":
        """Read from a query string; people who answer nobody begin with All."""
        home = "mine" if may(member, "ticket.reply") else "all"
        q = " ".join(str(data.get("q", "")).replace("\x00", "").split())[:80]
        status = _one_of(data.get("status"), STATUSES, "open")
        return cls(
            tab="all" if q else _one_of(data.get("tab"), TABS, home),
            status=status,
            queue=str(data.get("queue", "")).replace("\x00", "")[:50],
            handler=_one_of(data.get("handler"), HANDLERS, ""),
            sort=_one_of(data.get("sort"), SORTS, "newest" if q or status == "resolved" else "urgent"),
            q=q,
            home=home,
        )

    def query(self, **changes: str) -> str:
        """The query string of this list with some of it changed; what is ordinary is left out."""
        wanted = replace(self, **changes) if changes else self
        usual = Filters(tab=self.home, sort="newest" if wanted.q or wanted.status == "resolved" else "urgent")
        names = ("tab", "status", "queue", "handler", "sort", "q")
        return urlencode({name: getattr(wanted, name) for name in names if getattr(wanted, name) != getattr(usual, name)})

    @property
    def is_narrowed(self) -> bool:
        """Whether something beyond the tab hides tickets."""
        return bool(self.q or self.queue or self.handler) or self.status != "open"


def _one_of(value: Any, choices: dict[str, Any], usual: str) -> str:
    return value if isinstance(value, str) and value in choices else usual


def tickets_for(member: Membership, filters: Filters) -> Any:
    """The tickets the list shows, unsorted; a search looks through resolved ones too."""
    tickets = _narrowed(member, filters)
    if filters.q:
        return tickets.matching(filters.q)
    return tickets.filter(_tabs(member)[filters.tab])


def counts_for(member: Membership, filters: Filters) -> dict[str, Tally]:
    """How many tickets each tab holds under the other filters."""
    tickets = _narrowed(member, replace(filters, q=""))
    return {name: tally(tickets.filter(where)) for name, where in _tabs(member).items()}


def tally(tickets: Any) -> Tally:
    """How many, counted no further than a screen needs: the database stops there, whatever the number of tickets."""
    return _shown(tickets.order_by()[: MOST + 1].count())


def _shown(n: int) -> Tally:
    return n if n <= MOST else f"{MOST}+"


def _narrowed(member: Membership, filters: Filters) -> Any:
    tickets = Ticket.objects.visible_to(member)
    if not filters.q:
        tickets = tickets.resolved() if filters.status == "resolved" else tickets.open()
    if filters.queue:
        tickets = tickets.in_queue(filters.queue)
    return tickets.handled_by(filters.handler) if filters.handler else tickets


def _tabs(member: Membership) -> dict[str, Q]:
    return {"mine": Q(assignee=member), "unassigned": Q(handler=Handler.HUMAN, assignee=None), "all": Q()}


@dataclass(frozen=True)
class Page:
    """Some tickets, and where the next ones begin: empty at the end."""

    tickets: Sequence[Ticket]
    next: str


def page_of(member: Membership, filters: Filters, after: str = "") -> Page:
    """One page of the list. The cursor is the last row's own place, so that new tickets never push rows onto the next page."""
    order = ORDERS[filters.sort]
    tickets = tickets_for(member, filters).joined().with_last_escalation().with_patience().order_by(*order)
    tickets = tickets.annotate(waits_for_decision=_waits())
    if place := _read(after, order):
        tickets = tickets.filter(_behind(order, place))
    rows = list(tickets[: PAGE + 1])
    return Page(rows[:PAGE], _place(rows[PAGE - 1], order) if len(rows) > PAGE else "")


def rows_of(member: Membership, ids: Sequence[int], filters: Filters) -> list[Ticket]:
    """These tickets as rows, as far as the teammate may see them, each with `is_listed`: whether the list still holds it."""
    tickets = Ticket.objects.visible_to(member).filter(pk__in=ids).joined().with_last_escalation().with_patience()
    rows: list[Any] = list(tickets.annotate(waits_for_decision=_waits()))
    listed = set(tickets_for(member, filters).filter(pk__in=ids).values_list("pk", flat=True))
    for row in rows:
        row.is_listed = row.pk in listed
    return rows


def _waits() -> Exists:
    """Whether an approval of the ticket waits for a decision."""
    return Exists(Approval.objects.open().filter(ticket=OuterRef("pk")))


def _place(ticket: Any, order: Sequence[str]) -> str:
    values = [getattr(ticket, name.lstrip("-")) for name in order]
    return "~".join(value.isoformat() if isinstance(value, datetime) else str(value) for value in values)


def _read(after: str, order: Sequence[str]) -> list[Any] | None:
    parts = after.split("~")
    if len(parts) != len(order):
        return None
    try:
        read = [_value(name, part) for name, part in zip(order, parts, strict=True)]
    except ValueError:
        return None
    sane = all(value.tzinfo is not None if isinstance(value, datetime) else abs(value) < 2**62 for value in read)
    return read if sane else None


def _value(name: str, part: str) -> Any:
    return datetime.fromisoformat(part) if name.endswith(("_at", "_from")) else int(part)


def _behind(order: Sequence[str], place: Sequence[Any]) -> Q:
    """Everything after the place: equal in the first columns, further in the next."""
    behind = Q()
    for index, name in enumerate(order):
        equal = {column.lstrip("-"): value for column, value in zip(order[:index], place[:index], strict=True)}
        further = f"{name.lstrip('-')}__{'lt' if name.startswith('-') else 'gt'}"
        behind |= Q(**equal, **{further: place[index]})
    return behind


@dataclass(frozen=True)
class Rail:
    """What the rail counts: open tickets the teammate may see, by queue, those the AI agent has, and approvals that wait."""

    queues: list[tuple[Queue, Tally]]
    total: Tally
    ai: Tally
    approvals: int = 0


class CountOf(Subquery):
    """The number of rows of a sliced subquery."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


def rail_for(member: Membership) -> Rail:
    """Counts of the rail: one query, which stops counting a queue where a screen stops showing."""
    seen = Ticket.objects.visible_to(member).open().filter(queue=OuterRef("pk")).order_by().values("pk")
    queues = list(
        Queue.objects.exclude(pk__in=hidden_queues(member).values("pk"))
        .order_by("position", "id")
        .annotate(ai=CountOf(seen.filter(handler=Handler.AI)[: MOST + 1]), human=CountOf(seen.filter(handler=Handler.HUMAN)[: MOST + 1]))
    )
    total, ai = sum(queue.ai + queue.human for queue in queues), sum(queue.ai for queue in queues)
    if not may(member, "ticket.see_all"):
        own = set(member.team_links.values_list("team__queue_links__queue_id", flat=True))
        queues = [queue for queue in queues if queue.pk in own or queue.ai or queue.human]
    return Rail([(queue, _shown(queue.ai + queue.human)) for queue in queues], _shown(total), _shown(ai), waiting_count(member))
