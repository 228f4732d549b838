"""One recorded step as its reader follows it: a heading, a time, and sentences; nothing shown that was not recorded."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from agents.actions.models import Approval, ToolCall
from agents.actions.tools import TOOLS
from agents.runtime.models import Step
from supportdesk.console import words

CHECKS = {
    "grounded": "Grounded: each claim is in a cited passage or a lookup",
    "claims": "No promise of an act that is not in the ledger",
    "language": "Same language as the customer",
    "links": "Links lead only where they may",
    "personal_data": "No personal data beyond what the customer may see",
    "prompt": "Nothing of the agent's instructions is repeated",
    "length": "Short enough to read",
    "turn": "Still the agent’s turn",
}
TRIGGERS = {
    "message": "The customer wrote",
    "identity_proven": "The customer proved who they are",
    "call_settled": "An action was settled",
    "call_asked": "A rule asked a teammate",
    "handed_back": "A teammate handed the ticket back",
    "call_edited": "A teammate changed an action",
    "approval_expired": "Nobody decided in time",
    "call_unreachable": "The shop did not answer",
    "call_unknown": "The outcome stayed unknown",
}
ANSWERS = {
    "ok": "It was found",
    "not_found": "Nothing was found",
    "error": "The shop did not answer",
    "need_identity": "The customer must prove who they are first",
    "need_confirmation": "The customer must confirm first",
    "ask": "A teammate must decide",
    "deny": "No",
    "approved": "It may be done",
    "invalid": "The call was not valid",
}


@dataclass(frozen=True)
class Voice:
    """What one rule or limit said: its words, the facts it looked at, and its verdict."""

    code: str
    title: str
    facts: list[str]
    verdict: str
    tone: str
    icon: str
    message: str


@dataclass(frozen=True)
class Told:
    """One step, told."""

    number: int
    kind: str
    title: str
    aside: str
    tone: str = ""
    lines: list[str] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    hits: list[dict[str, Any]] = field(default_factory=list)
    voices: list[Voice] = field(default_factory=list)
    verdict: tuple[str, str, str] = ("", "", "")
    why: str = ""
    checks: list[dict[str, Any]] = field(default_factory=list)
    code: str = ""
    raw: str = ""
    raw_title: str = ""
    milliseconds: int = 0
    decisions: list[Approval] = field(default_factory=list)


def merged(steps: Iterable[Step]) -> Iterable[Step | list[Step]]:
    """Checks that follow each other are one step of the story."""
    group: list[Step] = []
    for step in steps:
        if step.kind == Step.Kind.CHECK:
            group.append(step)
            continue
        if group:
            yield group
            group = []
        yield step
    if group:
        yield group


def tell(step: Step | list[Step], calls: Mapping[Any, ToolCall], quoted: set[int], decisions: Mapping[Any, list[Approval]]) -> Told:
    """The step, or the checks that follow each other, with their call and what people decided about it."""
    if isinstance(step, list):
        return _checks(step)
    match step.kind:
        case Step.Kind.CONTEXT:
            return _context(step)
        case Step.Kind.MODEL:
            return _model(step)
        case Step.Kind.RETRIEVAL:
            return _retrieval(step, quoted)
        case Step.Kind.CALL:
            return _call(step, calls.get(step.call_id), decisions.get(step.call_id, []))
    said, tone = words.OUTCOMES.get(step.name, (step.name.replace("_", " ").capitalize(), ""))
    rows = [
        (name.replace("_", " ").capitalize(), words.plain(value)) for name, value in step.output.items() if value not in (None, "", [], {})
    ]
    return Told(step.number, "outcome", str(said), _time(step), tone or "ai", facts=rows)


def _context(step: Step) -> Told:
    seen = step.output
    trigger = str(seen.get("trigger") or "message")
    identity = words.IDENTITIES.get(str(seen.get("identity") or ""), seen.get("identity") or "")
    language = str(seen.get("language") or "")
    facts = [(_("Identity"), str(identity)), (_("Language"), str(words.LANGUAGES.get(language, language)))]
    known = {"release", "prompt_version", "policy_version", "snapshot", "language", "identity", "trigger"}
    facts += [(name.replace("_", " ").capitalize(), words.plain(value)) for name, value in seen.items() if name not in known]
    facts = [row for row in facts if row[1]]
    return Told(step.number, "context", TRIGGERS.get(trigger, trigger.replace("_", " ")), _time(step), facts=facts)


def _model(step: Step) -> Told:
    wanted = [str(name) for name in step.output.get("calls") or []]
    tokens = step.input_tokens + step.output_tokens
    title = _("Wanted to %(acts)s") % {"acts": listed([words.verb(name) for name in wanted])} if wanted else _("Wrote the reply")
    lines = [str(step.output["why"])] if step.output.get("why") else []
    count = step.input.get("messages")
    facts = [(_("Model"), step.name), (_("Tokens"), f"{step.input_tokens:,} in, {step.output_tokens:,} out")]
    if isinstance(count, int):
        facts.append((_("Read"), ngettext("%(n)d message", "%(n)d messages", count) % {"n": count}))
    aside = _dots(_time(step), f"{tokens:,} tokens" if tokens else "")
    text = str(step.output.get("text") or "")
    raw_title = _("Text") if text else ""
    return Told(step.number, "model", title, aside, lines=lines, facts=facts, raw=text, raw_title=raw_title, milliseconds=step.milliseconds)


def _retrieval(step: Step, quoted: set[int]) -> Told:
    floor = float(step.output.get("floor") or 0)
    hits = []
    for hit in step.output.get("hits") or []:
        score = float(hit.get("score") or 0)
        use = "cited" if hit.get("n") in quoted else "below" if score < floor else "read"
        hits.append({**hit, "score": score, "use": use, "floor": floor})
    query = str(step.input.get("query") or "")
    lines = [] if hits else [_("Nothing was found that is near enough to the question.")]
    found = ngettext("%(n)d passage", "%(n)d passages", len(hits)) % {"n": len(hits)}
    title, aside = _("Searched the help centre"), _dots(_time(step), found)
    return Told(step.number, "retrieval", title, aside, lines=lines, hits=hits, code=query, milliseconds=step.milliseconds)


def _call(step: Step, call: ToolCall | None, decisions: list[Approval]) -> Told:
    decision = step.output.get("decision") or {}
    verdict = str(step.output.get("verdict") or decision.get("verdict") or "")
    said, tone, icon = words.VERDICTS.get(verdict, (verdict.replace("_", " "), "", ""))
    is_write = call.is_write if call else step.name in TOOLS and TOOLS[step.name].is_write
    amount, currency, target = (call.amount, call.currency, call.target) if call else (None, "", "")
    act = words.act(step.name, step.input, amount=amount, currency=currency, target=target)
    lines = [_("A write never runs inside a turn: it is proposed, then decided by the policy.")] if is_write else []
    status = str(step.output.get("status") or "")
    rows = [(_("Answer"), str(ANSWERS.get(status, status.replace("_", " "))))] if status else []
    if call is not None:
        rows.append((_("State"), str(words.STATES.get(call.state, (call.state, ""))[0])))
        if call.reference:
            rows.append((_("Reference"), call.reference))
    parts = {"arguments": step.input, "result": call.result if call else {}, "data": step.output.get("data")}
    raw = _json({name: part for name, part in parts.items() if part})
    return Told(
        step.number,
        "call",
        (_("Wanted to %(act)s") if is_write else _("Asked to %(act)s")) % {"act": act},
        _dots(_time(step), str(said).lower()),
        tone,
        lines=lines,
        facts=rows,
        voices=voices_of(decision),
        verdict=(str(said), tone, icon),
        why=str(decision.get("why") or ""),
        code=step.name,
        raw=raw,
        raw_title=_("Arguments and result"),
        milliseconds=step.milliseconds,
        decisions=decisions if is_write else [],
    )


def voices_of(decision: Mapping[str, Any]) -> list[Voice]:
    """The rules and limits that spoke, with the facts they looked at as sentences."""
    spoken = []
    for voice in decision.get("voices") or []:
        said, tone, icon = words.VERDICTS.get(str(voice.get("verdict") or "satisfied"), (str(voice.get("verdict")), "", ""))
        facts = [words.fact(str(name), value) for name, value in (voice.get("facts") or {}).items()]
        message = str(voice.get("message") or "")
        spoken.append(Voice(str(voice.get("code", "")), str(voice.get("title", "")), facts, str(said), tone, icon, message))
    return spoken


def _checks(steps: Sequence[Step]) -> Told:
    checks = [
        {
            "title": CHECKS.get(step.name, step.name.replace("_", " ").capitalize()),
            "passed": bool(step.output.get("passed")),
            "why": str(step.output.get("why") or ""),
        }
        for step in steps
    ]
    passed = sum(1 for check in checks if check["passed"])
    spent = sum(step.milliseconds for step in steps)
    aside = _dots(f"{spent:,} ms" if spent else "", f"{passed} of {len(checks)} passed")
    tone = "ok" if passed == len(checks) else "bad"
    return Told(steps[0].number, "check", _("Checked before sending"), aside, tone, checks=checks, milliseconds=spent)


def _time(step: Step) -> str:
    return f"{step.milliseconds:,} ms" if step.milliseconds else ""


def _dots(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def listed(parts: Sequence[str]) -> str:
    """Parts as a sentence has them: a, b and c."""
    return _(" and ").join(filter(None, [", ".join(parts[:-1]), parts[-1]])) if parts else ""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)
