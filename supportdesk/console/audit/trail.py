"""The trail: what the address asks for, and pages of it that stay put while events are added."""

import re
from dataclasses import dataclass, fields, replace
from datetime import datetime, time
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date

from agents.releases.models import Release, hidden_agents
from supportdesk.console.audit.naming import names_for
from supportdesk.console.audit.sentences import sentence
from supportdesk.core.models import Event, Membership
from supportdesk.core.sight import in_sight
from tickets.models import Ticket
from tickets.models.places import hidden_channels, hidden_queues

PAGE = 50
ACTORS = {
    "teammate": "Teammates",
    "ai": "The agent",
    "customer": "Customers",
    "service": "Programs",
    "system": "SupportDesk itself",
    "operator": "Platform operators",
}
# What one can ask to read about, and the names under which events hold its id.
SUBJECTS: dict[str, tuple[str, ...]] = {
    "ticket": (),
    "customer": ("customer",),
    "teammate": ("member", "membership"),
    "release": ("release",),
    "policy": ("policy",),
    "prompt": ("prompt",),
    "rule": ("rule",),
    "limit": ("limit",),
    "agent": ("agent",),
    "queue": ("queue",),
    "channel": ("channel",),
    "connector": ("connector",),
    "key": ("key", "apikey", "new_key"),
}
CODE = re.compile(r"[a-z_]{1,30}(\.[a-z_]{1,30})?")
ABOUT = re.compile(r"([a-z]{1,12}):#?r?([0-9]{1,18})")


@dataclass(frozen=True)
class Filters:
    """What is asked for: who (a kind, or `teammate:3`), what (a group or a code), about (`ticket:300101`), and two days."""

    who: str = ""
    what: str = ""
    about: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def of(cls, data: Any) -> "Filters":
        """Read from a query string or a form; what it cannot read is not asked for."""
        read = {each.name: " ".join(str(data.get(each.name, "")).replace("\x00", "").split())[:60] for each in fields(cls)}
        kind, _colon, key = read["who"].partition(":")
        is_who = kind in ACTORS and (not key or (key.isascii() and key.isdigit() and len(key) < 19))
        return cls(
            who=read["who"] if is_who else "",
            what=read["what"] if CODE.fullmatch(read["what"]) else "",
            about=read["about"],
            since=read["since"] if _day(read["since"]) else "",
            until=read["until"] if _day(read["until"]) else "",
        )

    def query(self, **changes: str) -> str:
        """The address of this question, with some of it changed."""
        asked = replace(self, **changes)
        return urlencode({each.name: getattr(asked, each.name) for each in fields(self) if getattr(asked, each.name)})

    @property
    def is_any(self) -> bool:
        """Whether anything is left out."""
        return any(getattr(self, each.name) for each in fields(self))

    @property
    def person(self) -> int | None:
        """The one teammate asked for, if it is one."""
        kind, _colon, key = self.who.partition(":")
        return int(key) if kind == "teammate" and key else None

    def chosen(self) -> dict[str, str]:
        """What is asked for, by name."""
        return {each.name: getattr(self, each.name) for each in fields(self) if getattr(self, each.name)}


@dataclass(frozen=True)
class Line:
    """One event, told."""

    event: Event
    text: str
    is_configuration: bool
    number: str = ""


@dataclass(frozen=True)
class Page:
    """Some lines, newest first, and where the next ones begin."""

    lines: list[Line]
    after: str


# Kinds whose changes have a before and an after to show.
CONFIGURED = frozenset(
    {"policy", "rule", "limit", "prompt", "agent", "queue", "channel", "article", "connector", "signinrules", "membership", "member"}
    | {"killswitch", "brand", "team", "release", "grant", "serviceidentity", "apikey"}
)


def seen_by(member: Membership) -> QuerySet[Event]:
    """The workspace's events without those about tickets, queues and agents that are private and not this teammate's."""
    rows = in_sight(Event.objects.filter(tenant_id=member.tenant_id), member)
    queues = [str(key) for key in hidden_queues(member).values_list("pk", flat=True)]
    channels = [str(key) for key in hidden_channels(member).values_list("pk", flat=True)]
    agents = [str(key) for key in hidden_agents(member).values_list("pk", flat=True)]
    releases = [str(key) for key in Release.objects.filter(agent_id__in=agents).values_list("pk", flat=True)] if agents else []
    for kind, keys in (("queue", queues), ("channel", channels), ("agent", agents), ("release", releases)):
        if keys:
            rows = rows.exclude(**{f"subject__{kind}__in": keys})
    return rows


def matching(member: Membership, filters: Filters) -> QuerySet[Event]:
    """Those of them that are asked for."""
    rows = seen_by(member)
    kind, _colon, key = filters.who.partition(":")
    if kind:
        rows = rows.filter(actor_kind=kind, **({"actor_id": int(key)} if key else {}))
    if filters.what:
        rows = rows.filter(code=filters.what) if "." in filters.what else rows.filter(code__startswith=f"{filters.what}.")
    if filters.about:
        rows = rows.filter(about(filters.about, member))
    if since := _day(filters.since):
        rows = rows.filter(at__gte=since)
    if until := _day(filters.until, is_end=True):
        rows = rows.filter(at__lte=until)
    return rows


def about(text: str, member: Membership) -> Q:
    """The events about one thing: `ticket:300101` by its number, `release:7` by its number, others by their ids; nothing for nonsense."""
    found = ABOUT.fullmatch(text.lower())
    if found is None or found[1] not in SUBJECTS:
        return Q(pk__in=())
    kind, key = found[1], int(found[2])
    match kind:
        case "ticket":
            return Q(ticket_id__in=list(Ticket.objects.visible_to(member).filter(number=key).values_list("pk", flat=True)))
        case "customer":
            tickets = list(Ticket.objects.visible_to(member).filter(customer_id=key).values_list("pk", flat=True))
            return Q(ticket_id__in=tickets) | Q(actor_kind="customer", actor_id=key) | Q(subject__customer=str(key))
        case "teammate":
            return Q(actor_kind="teammate", actor_id=key) | Q(subject__member=str(key)) | Q(subject__membership=str(key))
        case "release":
            releases = [str(pk) for pk in Release.objects.filter(number=key).values_list("pk", flat=True)]
            return Q(subject__release__in=releases) if releases else Q(pk__in=())
    asked = Q()
    for name in SUBJECTS[kind]:
        asked |= Q(**{f"subject__{name}": str(key)})
    return asked


def page_of(member: Membership, filters: Filters, after: str = "") -> Page:
    """One page of the trail, newest first; `after` is where the page before it ended."""
    rows = matching(member, filters).order_by("-id")
    if after.isascii() and after.isdigit() and len(after) < 19:
        rows = rows.filter(id__lt=int(after))
    some = list(rows[: PAGE + 1])
    return Page(told(some[:PAGE], member), str(some[PAGE - 1].pk) if len(some) > PAGE else "")


def told(events: list[Event], member: Membership) -> list[Line]:
    """The events as lines, with their names."""
    named = names_for(events, member)
    return [
        Line(
            event,
            sentence(event, named),
            event.code.partition(".")[0] in CONFIGURED,
            named.of("ticket", event.ticket_id).removeprefix("#") if event.ticket_id else "",
        )
        for event in events
    ]


def _day(text: str, *, is_end: bool = False) -> datetime | None:
    try:
        day = parse_date(text)
    except ValueError:
        return None
    if day is None or not 1990 <= day.year <= 9000:
        return None
    return timezone.make_aware(datetime.combine(day, time.max if is_end else time.min))
