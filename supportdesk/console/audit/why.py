"""Why the agent did it: for each of its messages and acts the model, the prompt, the versions, what tools were asked, and who agreed."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from agents.actions.models import Approval, Confirmation, ToolCall
from agents.runtime.models import AgentRun, Step
from supportdesk.console import words
from tickets.models import Message


@dataclass(frozen=True)
class Why:
    """Everything one message or act of the agent rests on."""

    run: int | None
    release: str = ""
    models: tuple[str, ...] = ()
    prompt: str = ""
    prompt_hash: str = ""
    policy: str = ""
    policy_hash: str = ""
    # Passages never change: one's id and hash name the version of the article that was read.
    passages: tuple[dict[str, Any], ...] = ()
    calls: tuple[dict[str, Any], ...] = ()
    agreed: tuple[str, ...] = ()

    def rows(self) -> list[tuple[str, str]]:
        """As names and values, for a page."""
        passages = ", ".join(f"article {each['article']}, passage {each['passage']}" for each in self.passages)
        found = [
            ("Release", self.release),
            ("Model", ", ".join(self.models)),
            ("Prompt", f"{self.prompt} · {self.prompt_hash[:12]}" if self.prompt else ""),
            ("Policy", f"{self.policy} · {self.policy_hash[:12]}" if self.policy else ""),
            ("Read", passages),
            ("Agreed", "; ".join(self.agreed)),
        ]
        return [(name, value) for name, value in found if value]


@dataclass
class Evidence:
    """What was recorded about some runs and calls, read in a few queries."""

    runs: dict[int, AgentRun] = field(default_factory=dict)
    steps: dict[int, list[Step]] = field(default_factory=lambda: defaultdict(list))
    calls: dict[str, ToolCall] = field(default_factory=dict)
    calls_of: dict[int, list[ToolCall]] = field(default_factory=lambda: defaultdict(list))
    agreed: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, runs: Iterable[AgentRun], calls: Iterable[ToolCall]) -> "Evidence":
        """Read the steps, calls and decisions of these; `runs` come with their release's versions."""
        found = cls(runs={run.pk: run for run in runs})
        for step in Step.objects.filter(run__in=found.runs).order_by("run", "number"):
            found.steps[step.run_id].append(step)
        named = [step.call_id for steps in found.steps.values() for step in steps if step.call_id]
        more = ToolCall.objects.filter(Q(run_id__in=found.runs) | Q(pk__in=named)).select_related("policy_version__policy")
        for call in sorted({call.pk: call for call in (*calls, *more)}.values(), key=lambda call: call.created_at):
            found.calls[str(call.pk)] = call
            if call.run_id:
                found.calls_of[call.run_id].append(call)
        for approval in Approval.objects.filter(call_id__in=list(found.calls)).exclude(decision="").select_related("decided_by__user"):
            who = approval.decided_by.name if approval.decided_by else "Nobody"
            found.agreed[str(approval.call_id)].append(f"{who}: {approval.get_decision_display().lower()} (approval {approval.pk})")
        for answer in Confirmation.objects.filter(call_id__in=list(found.calls)).exclude(answer=""):
            found.agreed[str(answer.call_id)].append(f"The customer said {answer.answer}")
        return found

    def of_run(self, run_id: int | None) -> Why:
        """Why a run did what it did."""
        run = self.runs.get(run_id or 0)
        if run is None:
            return Why(run_id)
        steps = self.steps[run.pk]
        hits = [hit for step in steps if step.kind == Step.Kind.RETRIEVAL for hit in step.output.get("hits") or []]
        passages = [{name: hit.get(name) for name in ("article", "passage", "title", "url")} for hit in hits if hit.get("passage")]
        release = run.release
        calls = {str(call.pk): call for call in self.calls_of[run.pk]}
        calls |= {str(step.call_id): self.calls[str(step.call_id)] for step in steps if str(step.call_id) in self.calls}
        return Why(
            run.pk,
            release=str(release) if release else "",
            models=tuple(dict.fromkeys(step.name for step in steps if step.kind == Step.Kind.MODEL)),
            prompt=str(release.prompt_version) if release else "",
            prompt_hash=release.prompt_version.hash if release else "",
            policy=str(release.policy_version) if release else "",
            policy_hash=release.policy_version.hash if release else "",
            passages=tuple({each["passage"]: each for each in passages}.values()),
            calls=tuple(self._of_call(call) for call in calls.values()),
            agreed=tuple(said for key in calls for said in self.agreed[key]),
        )

    def of_call(self, call: ToolCall) -> Why:
        """Why an act was done: what its run rested on, the policy that decided it, and who agreed to it."""
        base = self.of_run(call.run_id)
        # An edited call has no run of its own; the wish it was made from has.
        if base.run is None and call.edited_from_id and (origin := self.calls.get(str(call.edited_from_id))):
            base = self.of_run(origin.run_id)
        version = call.policy_version
        return Why(
            base.run,
            release=base.release,
            models=base.models,
            prompt=base.prompt,
            prompt_hash=base.prompt_hash,
            policy=str(version) if version else base.policy,
            policy_hash=version.hash if version else base.policy_hash,
            passages=base.passages,
            calls=(self._of_call(call),),
            agreed=tuple(self.agreed[str(call.pk)]) + ((f"Asked for by {call.requested_by.name}",) if call.requested_by else ()),
        )

    def of_message(self, message: Message, runs: dict[tuple[str, int], int]) -> Why:
        """Why the agent said it; a receipt or a card rests on its call."""
        call = self.calls.get(str(message.data.get("call") or ""))
        if call is not None:
            return self.of_call(call)
        return self.of_run(runs.get(("message", message.pk)) or runs.get(("turn", message.turn)))

    def _of_call(self, call: ToolCall) -> dict[str, Any]:
        return {
            "id": str(call.pk),
            "tool": call.tool,
            "act": words.act_of(call),
            "is_write": call.is_write,
            "arguments": call.arguments,
            "result": call.result,
            "arguments_text": json.dumps({"arguments": call.arguments, "result": call.result}, ensure_ascii=False, indent=1, default=str),
            "reference": call.reference,
            "state": call.state,
            "verdict": call.verdict,
            "why": str(call.decision.get("why") or ""),
            "rules": [voice.get("code") for voice in call.decision.get("voices") or [] if isinstance(voice, dict)],
            "policy_version": call.policy_version.number if call.policy_version else None,
            "agreed": self.agreed[str(call.pk)],
        }
