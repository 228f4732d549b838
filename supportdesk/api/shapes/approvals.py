"""Approvals: a call that waits for a teammate, with everything the decision needs."""

from typing import Any

from rest_framework import serializers

from agents.actions.models import Approval, State
from supportdesk.api.fields import Choice, Input, Mapping, Paged, QueryWhole, Text, answer_page
from supportdesk.api.shapes.people import PersonRef, teammate_ref
from tickets.models import Handler

FILTERS = ["open", "decided"]
STATUSES = ["open", *Approval.Decision.values]


class CallOut(serializers.Serializer[Any]):
    """What the agent (or a teammate) wants to do."""

    id = serializers.UUIDField()
    tool = serializers.CharField()
    state = serializers.ChoiceField(choices=State.choices)
    arguments = Mapping(help_text="As the tool takes them; amounts are in minor units.")
    target = serializers.CharField(allow_blank=True, help_text="What it acts on, such as an order's number.")
    amount = serializers.IntegerField(allow_null=True, help_text="Minor units.")
    currency = serializers.CharField(allow_blank=True)
    verdict = serializers.CharField(allow_blank=True)
    reference = serializers.CharField(allow_blank=True)


class EvidenceOut(serializers.Serializer[Any]):
    """Why it is asked: the facts the rules saw, the voices that spoke, and the object as it was."""

    facts = Mapping()
    decision = Mapping(help_text="The verdict, why, and each rule's and limit's voice.")
    before = Mapping(help_text="What it acts on, as it was when the call was decided.")
    card = Mapping(help_text="What the customer is shown.")
    policy_version = serializers.IntegerField(allow_null=True)


class ApprovalOut(serializers.Serializer[Any]):
    """A decision that waits for a teammate, or was made."""

    id = serializers.IntegerField()
    ticket = serializers.IntegerField(help_text="The ticket's number.")
    customer = PersonRef()
    call = CallOut()
    hash = serializers.CharField(help_text="What an approve or an edit must name: exactly what was shown.")
    asked_by = serializers.ListField(child=serializers.CharField(), help_text="Codes of the rules and limits that asked.")
    requested_by = PersonRef(allow_null=True, help_text="The teammate who wants it; null for the agent.")
    status = serializers.ChoiceField(choices=STATUSES)
    decided_by = PersonRef(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    handler = serializers.ChoiceField(
        choices=Handler.choices, allow_null=True, help_text="Who had the ticket when it was decided; null while open."
    )
    reason = serializers.CharField(allow_blank=True)
    say = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class ApprovalDetail(ApprovalOut):
    """With its evidence."""

    evidence = EvidenceOut()


ApprovalPage = answer_page("ApprovalPage", ApprovalOut)


class ApprovalQuery(Paged):
    """Which approvals."""

    status = Choice(choices=FILTERS, required=False, default="open")
    ticket = QueryWhole(required=False, min_value=1, max_value=999_999_999, help_text="A ticket's number.")


class ApproveIn(Input):
    """The hash of what was shown."""

    hash = Text(max_length=64)


class RejectIn(Input):
    """Why, and what the customer should know."""

    reason = Text(max_length=200, help_text="For teammates.")
    say = Text(required=False, default="", max_length=1000, allow_blank=True, help_text="For the customer.")


class EditIn(Input):
    """The arguments to change; the others stay as they were."""

    hash = Text(max_length=64)
    arguments = Mapping()


class DecidedOut(serializers.Serializer[Any]):
    """What became of the call; after an edit, of the one that took its place."""

    call = CallOut()


class EditedOut(DecidedOut):
    """The call an edit became, how the policy decided it, and whether it may run without asking anybody else."""

    decision = Mapping()
    is_approved = serializers.BooleanField()


def call_out(call: Any) -> dict[str, Any]:
    """A call as answers tell it."""
    names = ("tool", "state", "arguments", "target", "amount", "currency", "verdict", "reference")
    return {"id": call.pk, **{name: getattr(call, name) for name in names}}


def approval_out(approval: Approval) -> dict[str, Any]:
    """An approval as lists tell it; joined before."""
    customer = approval.ticket.customer
    return {
        "id": approval.pk,
        "ticket": approval.ticket.number,
        "customer": {"id": customer.pk, "name": customer.name},
        "call": call_out(approval.call),
        "hash": approval.shown_hash,
        "asked_by": approval.voices,
        "requested_by": teammate_ref(approval.call.requested_by),
        "status": approval.decision or "open",
        "decided_by": teammate_ref(approval.decided_by),
        "decided_at": approval.decided_at,
        "handler": approval.handler or None,
        "reason": approval.reason,
        "say": approval.say,
        "created_at": approval.created_at,
        "expires_at": approval.expires_at,
    }


def approval_detail(approval: Approval) -> dict[str, Any]:
    """An approval with its evidence."""
    call = approval.call
    version = call.policy_version.number if call.policy_version else None
    evidence = {"facts": call.facts, "decision": call.decision, "before": call.before, "card": call.card, "policy_version": version}
    return {**approval_out(approval), "evidence": evidence}
