"""The pure decision: a wanted call, typed facts, frozen rules and limits in; one explained verdict out. No ORM, no clock, no network."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from policies.facts import CATALOGUE, FactValue
from policies.verdicts import Verdict

PERMIT, REQUIRE = "permit", "require"
OPS = ("==", "!=", "<=", "<", ">=", ">", "in", "not in")
# What compares with what: money is never a member of a list, and no text is less than another.
OPS_OF = {"text": ("==", "!=", "in", "not in"), "yesno": ("==", "!="), "number": OPS, "money": OPS[:6]}
EXAMPLES = {
    "text": 'text like "paid"',
    "number": "a whole number like 60",
    "yesno": "true or false",
    "money": '{"EUR": 10000} for €100.00',
}


class BrokenRule(Exception):
    """A condition that cannot be evaluated: an unknown fact, an unknown operator, kinds that do not compare."""


def is_money_table(value: Any) -> bool:
    """Whether it is {currency: minor units}: capital letters, whole numbers of 0 or more, at least one."""
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(code, str) and len(code) == 3 and code.isupper() for code in value)
        and all(type(amount) is int and amount >= 0 for amount in value.values())
    )


@dataclass(frozen=True)
class Condition:
    """`fact op value`, or `fact op other fact` when `than` names one."""

    fact: str
    op: str
    value: Any = None
    than: str = ""

    def holds(self, facts: Mapping[str, FactValue]) -> bool:
        """Whether it is so; a fact nobody could determine (None) never holds.

        Raises:
            BrokenRule: when it cannot be evaluated.
        """
        if self.fact not in facts or (self.than and self.than not in facts):
            raise BrokenRule(f"no fact {self.fact if self.fact not in facts else self.than!r}")
        left, right = facts[self.fact], facts[self.than] if self.than else self.value
        if left is None or right is None:
            return False
        if isinstance(left, dict):
            return _compare_money(left, self.op, right)
        return _compare(left, self.op, right)

    def problems(self) -> list[str]:
        """What is wrong with it, before it is ever evaluated; as sentences for the form that made it."""
        found = []
        fact, than = CATALOGUE.get(self.fact), CATALOGUE.get(self.than)
        if fact is None:
            found.append(f"There is no fact “{self.fact}”. Use one of: {', '.join(CATALOGUE)}.")
        if self.op not in OPS:
            found.append(f"“{self.op}” is no comparison. Use one of: {', '.join(OPS)}.")
        elif fact and self.op not in OPS_OF[fact.kind]:
            found.append(f"“{self.op}” does not fit “{self.fact}”, which is {fact.kind}. Use one of: {', '.join(OPS_OF[fact.kind])}.")
        elif fact and not self.than and not _fits(fact.kind, self.op, self.value):
            found.append(f"“{self.value}” does not fit “{self.fact}”, which is {fact.kind}. Write {EXAMPLES[fact.kind]}.")
        if self.than and than is None:
            found.append(f"There is no fact “{self.than}”.")
        elif fact and than and (fact.kind != than.kind or self.op in ("in", "not in")):
            found.append(f"“{self.fact}” is {fact.kind} and “{self.than}” is {than.kind}: they do not compare with “{self.op}”.")
        return found


def _fits(kind: str, op: str, value: Any) -> bool:
    if op in ("in", "not in"):
        return isinstance(value, list) and bool(value) and all(_fits(kind, "==", each) for each in value)
    if kind == "money":
        return is_money_table(value)
    return type(value) is {"text": str, "number": int, "yesno": bool}[kind]


def _compare_money(left: Mapping[str, Any], op: str, right: Any) -> bool:
    """Money against money of the same currency, or against a table {currency: minor units}; another currency never holds."""
    if not isinstance(right, Mapping):
        raise BrokenRule("money compares with money only")
    if op not in OPS_OF["money"]:
        raise BrokenRule(f"money does not compare with {op!r}")
    if "currency" in right:
        if left["currency"] != right["currency"]:
            return False
        return _compare(left["amount"], op, right["amount"])
    bound = right.get(left["currency"])
    return bound is not None and _compare(left["amount"], op, bound)


def _compare(left: Any, op: str, right: Any) -> bool:
    """Values of one kind only: yes is not 1, "60" is not 60, and what is unlike is broken rather than unequal."""
    others = right if op in ("in", "not in") else [right]
    if not isinstance(others, (list, tuple)) or any(_kind(other) != _kind(left) for other in others):
        raise BrokenRule(f"{left!r} {op} {right!r}")
    try:
        match op:
            case "==":
                return bool(left == right)
            case "!=":
                return bool(left != right)
            case "<=":
                return bool(left <= right)
            case "<":
                return bool(left < right)
            case ">=":
                return bool(left >= right)
            case ">":
                return bool(left > right)
            case "in":
                return left in right
            case "not in":
                return left not in right
    except TypeError as error:
        raise BrokenRule(f"{left!r} {op} {right!r}") from error
    raise BrokenRule(f"no comparison {op!r}")


def _kind(value: Any) -> str:
    for kind, types in (("yesno", bool), ("number", int), ("text", str)):
        if isinstance(value, types):
            return kind
    raise BrokenRule(f"{value!r} is no text, number or yes and no")


@dataclass(frozen=True)
class Rule:
    """A permit makes allow possible; a require restricts: where it applies and its condition fails, `otherwise` speaks."""

    code: str
    kind: str
    title: str
    tools: tuple[str, ...]
    when: tuple[Condition, ...] = ()
    condition: tuple[Condition, ...] = ()
    otherwise: Verdict = Verdict.ASK
    message: str = ""

    def applies_to(self, tool: str) -> bool:
        """Whether it is about this tool; `*` is every tool."""
        return "*" in self.tools or tool in self.tools


@dataclass(frozen=True)
class Limit:
    """A cumulative cap: per order, customer or tenant, over a window of days, on amount (by currency) and on count."""

    code: str
    title: str
    tools: tuple[str, ...]
    scope: str
    window_days: int
    amount: Mapping[str, int] = field(default_factory=dict)
    count: int | None = None
    otherwise: Verdict = Verdict.ASK


@dataclass(frozen=True)
class Usage:
    """What a limit's scope already used in its window, calls in flight included; minor units of `currency`."""

    amount: int
    count: int
    currency: str = ""


@dataclass(frozen=True)
class WantedCall:
    """What somebody wants done: the tool, whether it writes, and its canonical arguments."""

    tool: str
    is_write: bool
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Voice:
    """What one rule or limit said: its verdict (None when satisfied), and the facts it looked at."""

    code: str
    kind: str
    title: str
    verdict: Verdict | None
    facts: Mapping[str, FactValue]
    message: str = ""

    def as_json(self) -> dict[str, Any]:
        """For the trace."""
        return {**asdict(self), "verdict": self.verdict.code if self.verdict is not None else "satisfied"}


@dataclass(frozen=True)
class Decision:
    """The verdict with everything that spoke."""

    verdict: Verdict
    why: str
    voices: tuple[Voice, ...] = ()
    is_broken: bool = False

    @property
    def deciding(self) -> tuple[Voice, ...]:
        """The voices that made it this verdict."""
        return tuple(voice for voice in self.voices if voice.verdict == self.verdict)

    def as_json(self) -> dict[str, Any]:
        """For the trace."""
        return {"verdict": self.verdict.code, "why": self.why, "voices": [voice.as_json() for voice in self.voices]}


NO_RULE_PERMITS = "No rule permits this, so a teammate decides."


def decide(call: WantedCall, facts: Mapping[str, FactValue], rules: Sequence[Rule], limits: Sequence[tuple[Limit, Usage]] = ()) -> Decision:
    """The strictest voice wins; a write nobody permits is asked; what cannot be evaluated is denied."""
    voices: list[Voice] = []
    try:
        for rule in rules:
            if rule.applies_to(call.tool) and (voice := _speak(rule, facts)):
                voices.append(voice)
        for limit, usage in limits:
            if call.tool in limit.tools:
                voices.append(_measure(limit, usage, facts))
    except (BrokenRule, KeyError, TypeError, ValueError) as error:
        return Decision(Verdict.DENY, f"A rule could not be evaluated: {error}.", tuple(voices), is_broken=True)
    spoken = [voice.verdict for voice in voices if voice.verdict is not None]
    strictest = max(spoken, default=Verdict.ALLOW)
    # Only a permit permits, whatever another voice says.
    permitted = any(voice.kind == PERMIT and voice.verdict is Verdict.ALLOW for voice in voices)
    if call.is_write and strictest < Verdict.ASK and not permitted:
        return Decision(Verdict.ASK, NO_RULE_PERMITS, tuple(voices))
    deciding = [voice for voice in voices if voice.verdict == strictest]
    why = "; ".join(voice.message or voice.title for voice in deciding) or "Nothing restricts reading this."
    return Decision(strictest, why, tuple(voices))


def _speak(rule: Rule, facts: Mapping[str, FactValue]) -> Voice | None:
    """What the rule says: a permit that applies allows; a require is satisfied (no verdict) or says its `otherwise`."""
    # Lists, not generators: a condition that cannot be evaluated is found even behind one that fails.
    applies = [each.holds(facts) for each in rule.when]
    if not all(applies):
        return None
    holds = [each.holds(facts) for each in rule.condition]
    seen = {name: facts[name] for each in (*rule.when, *rule.condition) for name in (each.fact, each.than) if name}
    if rule.kind == PERMIT:
        return Voice(rule.code, PERMIT, rule.title, Verdict.ALLOW, seen)
    if all(holds):
        return Voice(rule.code, REQUIRE, rule.title, None, seen)
    return Voice(rule.code, REQUIRE, rule.title, rule.otherwise, seen, rule.message)


def _measure(limit: Limit, usage: Usage, facts: Mapping[str, FactValue]) -> Voice:
    wanted = facts.get("refund.amount")
    seen: dict[str, FactValue] = {"used.amount": usage.amount, "used.count": usage.count, "scope": limit.scope}
    over = limit.count is not None and usage.count + 1 > limit.count
    if limit.amount:
        cap = limit.amount.get(wanted["currency"]) if isinstance(wanted, dict) else None
        # A currency the limit does not name has no allowance.
        over = over or cap is None or not isinstance(wanted, dict) or usage.amount + int(wanted["amount"]) > cap
        seen["refund.amount"] = wanted
    return Voice(limit.code, "limit", limit.title, limit.otherwise if over else None, seen, f"{limit.title} is reached." if over else "")
