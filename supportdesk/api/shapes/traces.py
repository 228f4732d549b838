"""Traces: the agent's runs and their steps."""

from typing import Any

from rest_framework import serializers

from agents.runtime.models import AgentRun, Step
from supportdesk.api.fields import Mapping, Paged, answer_page

RUN_STATES = AgentRun.State.choices


class RunOut(serializers.Serializer[Any]):
    """One attempt at one turn of one ticket."""

    id = serializers.IntegerField()
    ticket = serializers.IntegerField(help_text="The ticket's number.")
    turn = serializers.IntegerField()
    trigger = serializers.CharField()
    state = serializers.ChoiceField(choices=RUN_STATES)
    outcome = serializers.CharField(allow_blank=True)
    message_seq = serializers.IntegerField(allow_null=True, help_text="The message it led to.")
    release = serializers.IntegerField(allow_null=True, help_text="The release's number.")
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    started_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class StepOut(serializers.Serializer[Any]):
    """One numbered thing in a run."""

    number = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=Step.Kind.choices)
    name = serializers.CharField()
    input = Mapping()
    output = Mapping()
    call = serializers.UUIDField(allow_null=True)
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    milliseconds = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class RunDetail(RunOut):
    """A run with its steps."""

    steps = StepOut(many=True)


RunPage = answer_page("RunPage", RunOut)


class RunQuery(Paged):
    """Newest first."""


def run_out(run: AgentRun) -> dict[str, Any]:
    """A run as lists tell it; joined before."""
    names = ("turn", "trigger", "state", "outcome", "input_tokens", "output_tokens", "started_at", "finished_at")
    return {
        "id": run.pk,
        "ticket": run.ticket.number,
        "message_seq": run.message.seq if run.message else None,
        "release": run.release.number if run.release else None,
        **{name: getattr(run, name) for name in names},
    }


def step_out(step: Step) -> dict[str, Any]:
    """A step as answers tell it."""
    names = ("number", "kind", "name", "input", "output", "input_tokens", "output_tokens", "milliseconds", "created_at")
    return {"call": step.call_id, **{name: getattr(step, name) for name in names}}
