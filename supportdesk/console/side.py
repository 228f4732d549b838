"""What the side panel tells about a ticket and its customer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from agents.actions.models import ToolCall
from agents.releases.models import Pin
from agents.runtime.models import AgentRun
from policies.facts import CATALOGUE
from supportdesk.console import words
from supportdesk.console.thread import names_of
from supportdesk.core.models import Membership
from supportdesk.core.permissions import may
from supportdesk.lifecycle.holds import standing_on
from tickets.access import can_be_shown_out
from tickets.identity import Level, claim_of, proof_of
from tickets.models import CustomerIdentity, Escalation, IdentityProof, Priority, Queue, Ticket
from tickets.models.places import hidden_queues

RUNS, EARLIER = 8, 8
# Every packet field that has its own words; the rest of the packet is for machines.
MOODS = {"neutral": "Neutral", "positive": "Friendly", "worried": "Worried", "upset": "Upset"}


@dataclass(frozen=True)
class Identity:
    """The rung of the ladder: 0 nothing, 1 an address was given, 2 proved, by email code or by the host site."""

    level: Level
    rung: int
    words: str
    claimed: str
    proof: IdentityProof | None


def identity_of(ticket: Ticket) -> Identity:
    """How sure we are who writes on this ticket."""
    proof = proof_of(ticket)
    claimed = claim_of(ticket)
    level = Level.PROVEN if proof else Level.CLAIMED if claimed else Level.NONE
    told = words.METHODS.get(proof.method, words.IDENTITIES[level]) if proof else words.IDENTITIES[level]
    return Identity(level, [Level.NONE, Level.CLAIMED, Level.PROVEN].index(level), str(told), claimed, proof)


def packet_rows(packet: Mapping[str, Any], queues: Mapping[int, str]) -> list[tuple[str, list[str]]]:
    """The handoff packet as facts: a name and one or more lines each; empty fields are left out."""
    facts = _facts(packet.get("facts") or [])
    calls = [_call(call) for call in packet.get("calls") or []]
    verdicts = [_verdict(each) for each in packet.get("verdicts") or []]
    queue = queues.get(packet.get("suggested_queue") or 0, "")
    priority = packet.get("suggested_priority")
    language = str(packet.get("language") or "")
    rows = [
        ("Reason", [words.reason_words(str(packet.get("reason") or ""))]),
        ("Asks", [str(packet.get("question") or "")]),
        ("Intent", [str(packet.get("intent") or "").replace("_", " ")]),
        ("Identity", [str(packet.get("identity_text") or words.IDENTITIES.get(str(packet.get("identity")), "")).replace("_", " ")]),
        ("Known", facts),
        ("Tried", calls),
        ("Verdict", verdicts),
        ("Mood", [MOODS.get(str(packet.get("sentiment") or ""), str(packet.get("sentiment") or ""))]),
        ("Language", [str(words.LANGUAGES.get(language, language))]),
        ("Queue", [f"{queue} ({packet['routed_by']})" if queue and packet.get("routed_by") else queue]),
        ("Priority", [str(Priority(priority).label) if priority in Priority.values else ""]),
    ]
    return [(name, [text for text in texts if text]) for name, texts in rows if any(texts)]


def _facts(facts: Sequence[Mapping[str, Any]]) -> list[str]:
    """`N-20377 order.days_since_delivery` and its like, one line for each thing: N-20377: days since delivery: 12; …"""
    by_target: dict[str, list[str]] = {}
    for each in facts:
        name, value = str(each.get("name", "")), each.get("value")
        target, _space, fact = name.rpartition(" ")
        target, fact = (target, fact) if fact in CATALOGUE else ("", name)
        by_target.setdefault(target, []).append(words.fact(fact, value).replace("the order's ", ""))
    return [f"{target}: {'; '.join(told)}" if target else "; ".join(told) for target, told in by_target.items()]


def _call(call: Mapping[str, Any]) -> str:
    tool, text = str(call.get("tool") or ""), str(call.get("text") or "")
    said = words.STATES.get(str(call.get("state") or ""))
    act = f"{words.verb(tool)} {text.removeprefix(tool)}".replace("  ", " ").strip() if text.startswith(tool) else text
    return f"{act[:1].upper()}{act[1:]}: {str(said[0]).lower()}" if said else act


def _verdict(each: Mapping[str, Any]) -> str:
    said = words.VERDICTS.get(str(each.get("verdict") or ""))
    rule = f", rule {each['rule']}" if each.get("rule") else ""
    why = f": {each['why']}" if each.get("why") else ""
    return f"{said[0] if said else each.get('verdict', '')}{rule}{why}"


def side_of(ticket: Ticket, member: Membership) -> dict[str, Any]:
    """Everything the panel shows but the orders, which a slow shop would hold up."""
    escalation = Escalation.objects.filter(ticket=ticket).order_by("-id").first()
    queues = {queue.pk: queue.name for queue in open_queues(member)}
    earlier = Ticket.objects.visible_to(member).filter(customer=ticket.customer).exclude(pk=ticket.pk).order_by("-last_message_at")
    pin = Pin.objects.filter(ticket=ticket).select_related("release").first()
    return {
        "holds": list(standing_on(ticket.customer_id).filter(Q(ticket=None) | Q(ticket=ticket))),
        "may_hold": may(member, "retention.edit"),
        "may_export": may(member, "customer.export"),
        "may_erase": may(member, "customer.erase"),
        "identities": list(CustomerIdentity.objects.filter(customer=ticket.customer).order_by("-is_verified", "id")),
        "identity": identity_of(ticket),
        "may_be_shown_out": may(member, "ticket.assign") and can_be_shown_out(ticket),
        "escalation": escalation,
        "packet": packet_rows({"reason": escalation.reason, **escalation.packet}, queues) if escalation else [],
        "calls": names_of(ToolCall.objects.filter(ticket=ticket, is_write=True).order_by("-created_at")),
        "runs": list(
            AgentRun.objects.filter(ticket=ticket).of_open_agents(member).select_related("release").order_by("-started_at")[:RUNS]
        ),
        "earlier": list(earlier[:EARLIER]),
        "release": pin.release if pin else None,
        "queues": queues,
        "priorities": Priority.choices,
        "people": people_for(ticket),
    }


def open_queues(member: Membership) -> QuerySet[Queue]:
    """The queues a teammate may move a ticket to: all but private ones they have no part in."""
    return Queue.objects.exclude(pk__in=hidden_queues(member).values("pk")).order_by("position", "id")


def people_for(ticket: Ticket) -> list[Membership]:
    """The teammates who may be given the ticket: those whose teams work its queue."""
    teams = Membership.objects.filter(tenant_id=ticket.tenant_id, is_active=True, team_links__team__queue_links__queue=ticket.queue_id)
    return list(teams.exclude(role__in=("viewer", "policy_editor")).select_related("user").distinct().order_by("user__name"))
