"""Everything about one ticket, customer, teammate or release, on one line of time: what was said, run, wanted, decided and changed."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse

from agents.actions.models import Approval, ToolCall
from agents.releases.models import Release, hidden_agents
from agents.runtime.models import AgentRun
from supportdesk.console.audit.naming import names_for
from supportdesk.console.audit.sentences import sentence
from supportdesk.console.audit.trail import ABOUT, about, seen_by
from supportdesk.console.audit.why import Evidence, Why
from supportdesk.console.tracing import outcome_of
from supportdesk.core.models import Event, Membership
from supportdesk.core.sight import in_sight
from tickets.models import Author, Customer, Kind, Message, Ticket

# A story is told to its end, or says that its beginning is left out.
MOST = 600
KINDS = ("ticket", "customer", "teammate", "release")
CONFIGURING = ("policy.published", "prompt.published", "release.promoted", "release.rolled_back", "killswitch.added", "killswitch.changed")
ICONS = {"message": "chat", "run": "ai", "call": "gear", "approval": "approve", "event": "info", "configuration": "rules"}

# What a message was, as the verb of its sentence.
VERBS = {
    Kind.TEXT: "said",
    Kind.NOTE: "noted for teammates",
    Kind.CODE: "asked for a one-time code",
    Kind.CONFIRM: "asked for a yes",
    Kind.RECEIPT: "showed a receipt",
    Kind.NEWS: "told the customer",
}


@dataclass(frozen=True)
class Entry:
    """One thing that happened: when, of which kind, in words, with what it rests on and where more is told."""

    at: datetime
    kind: str
    text: str
    detail: str = ""
    url: str = ""
    tone: str = ""
    why: Why | None = None
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def icon(self) -> str:
        """Its kind as an icon."""
        return ICONS[self.kind]

    def as_json(self) -> dict[str, Any]:
        """For the download."""
        told = {"at": self.at.isoformat(), "kind": self.kind, "text": self.text, "detail": self.detail, "url": self.url}
        return {**told, **self.data, **({"why": asdict(self.why)} if self.why else {})}


@dataclass(frozen=True)
class Story:
    """One thing's entries, oldest first."""

    about: str
    title: str
    entries: list[Entry]
    is_cut: bool
    in_force: list[str]


def story_of(text: str, member: Membership) -> Story | None:
    """The whole story of `ticket:300101`, `customer:12`, `teammate:3` or `release:r7`; None for what is not there or not in sight."""
    found = ABOUT.fullmatch(text.strip().lower())
    if found is None or found[1] not in KINDS:
        return None
    kind, key = found[1], int(found[2])
    tickets = Ticket.objects.visible_to(member).select_related("brand", "customer")
    match kind:
        case "ticket":
            one = tickets.filter(number=key).first()
            return _told(f"ticket:{key}", f"Ticket #{key}", member, [one]) if one else None
        case "customer":
            theirs = list(tickets.filter(customer_id=key).order_by("-last_message_at")[:50])
            person = Customer.objects.filter(pk=key).first()
            return _told(f"customer:{key}", f"Customer {key}", member, theirs) if person and theirs else None
        case "teammate":
            who = Membership.objects.filter(tenant_id=member.tenant_id, pk=key).select_related("user").first()
            return _told(f"teammate:{key}", who.name, member, [], teammate=who) if who else None
    release = Release.objects.filter(number=key).exclude(agent__in=hidden_agents(member).values("pk")).first()
    return _told(f"release:r{key}", f"Release r{key}", member, [], release=release) if release else None


def _told(
    named: str, title: str, member: Membership, tickets: list[Ticket], teammate: Membership | None = None, release: Release | None = None
) -> Story:
    ids = [ticket.pk for ticket in tickets]
    events = list(seen_by(member).filter(about(named, member)).order_by("-id")[:MOST])
    messages = Message.objects.filter(ticket__in=ids).select_related("member__user", "ticket")
    versions = ("release__prompt_version__prompt", "release__policy_version__policy", "ticket__brand")
    runs = AgentRun.objects.of_open_agents(member).select_related(*versions)
    calls = in_sight(ToolCall.objects.select_related("policy_version__policy", "requested_by__user", "ticket"), member)
    approvals = Approval.objects.visible_to(member).select_related("decided_by__user", "call", "ticket")
    if teammate is not None:
        messages = Message.objects.filter(member=teammate, ticket__in=Ticket.objects.visible_to(member)).select_related(
            "member__user", "ticket"
        )
        runs, calls = runs.none(), calls.filter(requested_by=teammate)
        approvals = approvals.filter(decided_by=teammate)
    elif release is not None:
        runs = runs.filter(release=release, ticket__in=Ticket.objects.visible_to(member))
        calls = calls.filter(run_id__in=runs.values("pk"), is_write=True)
        approvals = approvals.filter(call__in=calls.values("pk"))
    else:
        runs, calls, approvals = runs.filter(ticket__in=ids), calls.filter(ticket__in=ids), approvals.filter(ticket__in=ids)
    said = list(messages.order_by("-created_at", "-pk")[:MOST])
    ran = list(runs.order_by("-started_at")[:MOST])
    wanted, decided = list(calls.order_by("-created_at")[:MOST]), list(approvals.order_by("-created_at")[:MOST])
    evidence = Evidence.of(ran, wanted)
    entries = [
        *_messages(said, ran, evidence),
        *_runs(ran, evidence),
        *_calls(wanted, evidence),
        *_approvals(decided),
        *_events(events, member),
    ]
    entries.sort(key=lambda entry: entry.at)
    before = _configuration(member, entries[0].at, entries[-1].at) if entries and not teammate else []
    known = {event.pk for event in events}
    entries += [entry for entry in _changes(before, member) if entry.data["event"] not in known]
    entries.sort(key=lambda entry: entry.at)
    in_force = _in_force(member, entries[-MOST:][0].at) if entries else []
    return Story(named, title, entries[-MOST:], len(entries) > MOST, in_force)


def _messages(messages: list[Message], runs: list[AgentRun], evidence: Evidence) -> Iterator[Entry]:
    by_ticket: dict[int, dict[tuple[str, int], int]] = {}
    for run in runs:
        places = by_ticket.setdefault(run.ticket_id, {})
        places[("turn", run.turn)] = run.pk
        if run.message_id:
            places[("message", run.message_id)] = run.pk
    authors = {Author.CUSTOMER: "The customer", Author.AI: "The agent", Author.SYSTEM: "SupportDesk"}
    for message in messages:
        who = message.member.name if message.member else authors.get(Author(message.author), message.author)
        why = (
            evidence.of_message(message, by_ticket.get(message.ticket_id, {}))
            if message.author == Author.AI or message.data.get("call")
            else None
        )
        yield Entry(
            message.created_at,
            "message",
            f"{who} {VERBS.get(Kind(message.kind), 'said')} on #{message.ticket.number}",
            detail=message.body,
            url=f"{reverse('console:ticket', args=[message.ticket.number])}#message-{message.pk}",
            tone="ai" if message.author == Author.AI else "",
            why=why,
            data={"message": message.pk, "author": message.author},
        )


def _runs(runs: list[AgentRun], evidence: Evidence) -> Iterator[Entry]:
    for run in runs:
        said, tone = outcome_of(run)
        steps = len(evidence.steps[run.pk])
        yield Entry(
            run.started_at,
            "run",
            f"Run {run.pk} on #{run.ticket.number}: {said}",
            detail=f"{steps} step{'' if steps == 1 else 's'}, {run.input_tokens + run.output_tokens:,} tokens",
            url=reverse("console:trace", args=[run.ticket.number, run.pk]),
            tone=tone,
            why=evidence.of_run(run.pk),
            data={
                "run": run.pk,
                "steps": [{"number": each.number, "kind": each.kind, "name": each.name} for each in evidence.steps[run.pk]],
            },
        )


def _calls(calls: list[ToolCall], evidence: Evidence) -> Iterator[Entry]:
    for call in calls:
        why = evidence.of_call(call)
        told = why.calls[0]
        rules = f" by {', '.join(map(str, told['rules']))}" if told["rules"] else ""
        act = f"{told['act'][:1].upper()}{told['act'][1:]}"
        reference = f", {call.reference}" if call.reference else ""
        yield Entry(
            call.created_at,
            "call",
            f"{act}: {call.get_state_display().lower()}{reference}",
            detail=f"Verdict “{call.verdict.replace('_', ' ')}”{rules}. {told['why']}".strip(),
            url=reverse("console:ticket", args=[call.ticket.number]),
            tone="warn" if call.is_write else "",
            why=why,
            data={"call": str(call.pk)},
        )


def _approvals(approvals: list[Approval]) -> Iterator[Entry]:
    for approval in approvals:
        url = reverse("console:approval", args=[approval.pk])
        yield Entry(approval.created_at, "approval", f"Approval {approval.pk} asked for on #{approval.ticket.number}", url=url, tone="warn")
        if approval.decided_at:
            who = approval.decided_by.name if approval.decided_by else "Nobody"
            said = f"{who}: {approval.get_decision_display().lower()} (approval {approval.pk})"
            yield Entry(approval.decided_at, "approval", said, detail=approval.reason, url=url, data={"decision": approval.decision})


def _events(events: list[Event], member: Membership) -> Iterator[Entry]:
    names = names_for(events, member)
    for event in events:
        url = reverse("console:audit_event", args=[event.pk])
        data = {"event": event.pk, "position": event.position, "hash": event.hash, "code": event.code}
        yield Entry(event.at, "event", sentence(event, names), url=url, data=data)


def _configuration(member: Membership, since: datetime, until: datetime) -> list[Event]:
    """What went live while it happened."""
    rows = seen_by(member).filter(code__in=CONFIGURING, at__range=(since, until + timedelta(minutes=1)))
    return list(rows.order_by("-id")[:100])


def _changes(events: list[Event], member: Membership) -> Iterator[Entry]:
    names = names_for(events, member)
    for event in events:
        url = reverse("console:audit_event", args=[event.pk])
        yield Entry(event.at, "configuration", sentence(event, names), url=url, tone="info", data={"event": event.pk})


def _in_force(member: Membership, moment: datetime) -> list[str]:
    """What had been set when it began: the latest of each kind, and how long before."""
    rows = seen_by(member).filter(code__in=CONFIGURING, at__lt=moment).order_by("-id")[:200]
    latest: dict[Any, Event] = {}
    for event in rows:
        kind = event.code.partition(".")[0]
        latest.setdefault((kind, event.subject.get(kind) if kind != "release" else event.changed.get("environment")), event)
    events = list(latest.values())[:20]
    names = names_for(events, member)
    return [f"{sentence(event, names)}, {passed(moment - event.at)} before" for event in events]


def passed(time: timedelta) -> str:
    """How long, in the unit that says it."""
    seconds = max(0, int(time.total_seconds()))
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {name}"
    return f"{seconds} s"
