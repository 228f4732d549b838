"""A run as a reader follows it: its steps, its versions and sums, and a summary in two or three sentences."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from agents.actions.models import ToolCall
from agents.actions.tools import TOOLS
from agents.runtime.models import AgentRun, Step
from supportdesk.console import words
from supportdesk.console.approving import decisions_about
from supportdesk.console.steps import Told, listed, merged, tell

WIDTH = 280


@dataclass(frozen=True)
class Trace:
    """A whole run: its steps and its sums."""

    run: AgentRun
    steps: list[Told]
    summary: str
    outcome: tuple[str, str]
    versions: list[tuple[str, str]]
    spent: list[dict[str, Any]]
    seconds: float
    reads: int
    writes: int

    @property
    def hits(self) -> list[dict[str, Any]]:
        """Every passage that was read, best first."""
        read = [hit for step in self.steps for hit in step.hits if hit["use"] != "below"]
        return sorted(read, key=lambda hit: -hit["score"])

    @property
    def calls(self) -> list[Told]:
        """What it looked up or wanted to do."""
        return [step for step in self.steps if step.kind == "call"]

    @property
    def checks(self) -> list[dict[str, Any]]:
        """What was checked before anything was sent."""
        return [check for step in self.steps for check in step.checks]


def trace_of(run: AgentRun) -> Trace:
    """The run with its steps, its calls and what people decided about them, in a few queries."""
    steps = list(Step.objects.filter(run=run).order_by("number"))
    named = [step.call_id for step in steps if step.call_id]
    calls = {call.pk: call for call in ToolCall.objects.filter(pk__in=named)}
    decisions = decisions_about(calls)
    citations = run.message.citations if run.message else []
    # A citation counts articles, a hit counts passages: `sources` says which passages an article's number stands for.
    quoted = {int(source) for each in citations if "n" in each for source in each.get("sources", [each["n"]])}
    told = [tell(step, calls, quoted, decisions) for step in merged(steps)]
    acts = [step for step in steps if step.kind == Step.Kind.CALL]
    writes = sum(1 for step in acts if step.name in TOOLS and TOOLS[step.name].is_write)
    return Trace(
        run=run,
        steps=told,
        summary=_summary(run, told),
        outcome=outcome_of(run),
        versions=_versions(run, steps),
        spent=_spent(told),
        seconds=((run.finished_at or run.started_at) - run.started_at).total_seconds(),
        reads=len(acts) - writes,
        writes=writes,
    )


def outcome_of(run: AgentRun) -> tuple[str, str]:
    """How the run ended, in words, with a tone."""
    match run.state:
        case AgentRun.State.RUNNING:
            return _("Running"), "info"
        case AgentRun.State.STALE:
            return _("Not sent: a newer turn replaced it"), "warn"
        case AgentRun.State.FAILED:
            return _("Failed, nothing was sent"), "bad"
    said, tone = words.OUTCOMES.get(run.outcome, (run.outcome.replace("_", " ").capitalize(), ""))
    return str(said), tone


def _versions(run: AgentRun, steps: Sequence[Step]) -> list[tuple[str, str]]:
    seen: dict[str, Any] = next((step.output for step in steps if step.kind == Step.Kind.CONTEXT), {})
    release = run.release
    rows = [
        (_("Release"), seen.get("release") or (str(release) if release else "")),
        (_("Prompt"), seen.get("prompt_version") or (f"v{release.prompt_version.number}" if release else "")),
        (_("Policy"), seen.get("policy_version") or (f"v{release.policy_version.number}" if release else "")),
        (_("Knowledge"), seen.get("snapshot") or (str(release.snapshot) if release else "")),
        (_("Tools"), str(len(release.tools)) if release else ""),
        (_("Model chain"), ", ".join(release.model_chain) if release else ""),
        (_("Model"), ", ".join(dict.fromkeys(step.name for step in steps if step.kind == Step.Kind.MODEL))),
    ]
    return [(name, words.plain(value)) for name, value in rows if value not in (None, "")]


def _spent(steps: Sequence[Told]) -> list[dict[str, Any]]:
    """Bars of the time each step took: x and width of WIDTH, the longest marked."""
    timed = [step for step in steps if step.milliseconds]
    total = sum(step.milliseconds for step in timed)
    longest = max((step.milliseconds for step in timed), default=0)
    bars, x = [], 0.0
    for step in timed:
        width = max(3.0, (WIDTH - 2 * len(timed)) * step.milliseconds / total)
        is_longest = step.milliseconds == longest
        bars.append({"x": round(x, 1), "width": round(width, 1), "longest": is_longest, "title": step.title, "ms": step.milliseconds})
        x += width + 2
    return bars


def _summary(run: AgentRun, steps: Sequence[Told]) -> str:
    """The run in two or three sentences."""
    agent = run.ticket.brand.agent_name
    did = []
    if read := sum(1 for step in steps for hit in step.hits if hit["use"] != "below"):
        did.append(ngettext("read %(n)d passage", "read %(n)d passages", read) % {"n": read})
    asked = [step for step in steps if step.kind == "call"]
    did += [step.title[0].lower() + step.title[1:] for step in asked]
    said = [f"{agent} {listed(did)}." if did else _("%(agent)s used no source and no tool.") % {"agent": agent}]
    said += [
        _("Verdict: %(verdict)s. %(why)s.") % {"verdict": step.verdict[0].lower(), "why": step.why.rstrip(".")}
        for step in asked
        if step.verdict[0] and step.tone != "ok" and step.why
    ]
    failed = [check for step in steps for check in step.checks if not check["passed"]]
    said += [_("A check did not pass: %(why)s.") % {"why": (check["why"] or check["title"]).rstrip(".")} for check in failed]
    said.append(f"{outcome_of(run)[0]}.")
    return " ".join(said)
