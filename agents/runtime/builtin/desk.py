"""What every flow needs at hand: the conversation, its results so far, words to say and calls to make."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.runtime.builtin import refusals, replies, slots
from agents.runtime.builtin.turns import Call, Conversation, Result, Thought
from agents.runtime.builtin.wishes import Wish
from agents.runtime.builtin.words import concept, stem, word_list, words

MOST_CALLS = 5
PRODUCTS = frozenset(word_list("products"))
_ORDINALS = (
    ("first", "1st", "erste", "ersten", "erstes", "primero", "primera", "premier", "premiere", "الأول"),
    ("second", "2nd", "zweite", "zweiten", "zweites", "segundo", "segunda", "deuxieme", "الثاني"),
    ("third", "3rd", "dritte", "dritten", "drittes", "tercero", "tercera", "troisieme", "الثالث"),
    ("fourth", "4th", "vierte", "vierten", "viertes", "cuarto", "cuarta", "quatrieme", "الرابع"),
)
_LAST = ("last", "letzte", "letzten", "ultimo", "ultima", "dernier", "derniere")
_FULL_NUMBER = re.compile(r"\b([A-Z]{1,3}-)\d{4,8}\b")


@dataclass(frozen=True)
class Order:
    """One order as a tool told it, with the number of the source that says so (0 when there is none)."""

    data: Mapping[str, Any]
    source: int

    @property
    def number(self) -> str:
        return str(self.data.get("number") or "")

    @property
    def status(self) -> str:
        return str(self.data.get("status") or "")

    @property
    def currency(self) -> str:
        return str(self.data.get("currency") or "EUR")

    @property
    def captured(self) -> int:
        """Minor units paid; the total where the shop does not say."""
        return _units(self.data.get("captured", self.data.get("total")))

    @property
    def refunded(self) -> int:
        return _units(self.data.get("refunded"))

    @property
    def items(self) -> tuple[Mapping[str, Any], ...]:
        given = self.data.get("items")
        return tuple(one for one in given if isinstance(one, Mapping)) if isinstance(given, Sequence) else ()

    @property
    def item_names(self) -> str:
        return ", ".join(f"{_count(item)}{item.get('name', '')}" for item in self.items) or self.number


def _units(value: object) -> int:
    return value if isinstance(value, int) else 0


def _count(item: Mapping[str, Any]) -> str:
    quantity = _units(item.get("quantity"))
    return f"{quantity} × " if quantity > 1 else ""


@dataclass(frozen=True)
class Desk:
    """A conversation with the helpers of the flows."""

    conversation: Conversation

    @property
    def language(self) -> str:
        return self.conversation.context.language

    def has(self, tool: str) -> bool:
        return tool in self.conversation.tools

    def results(self, tool: str) -> tuple[Result, ...]:
        """What a tool answered in this turn, in order."""
        return tuple(step.result for step in self.conversation.steps if step.call.name == tool)

    def result(self, tool: str, **arguments: Any) -> Result | None:
        """The answer to exactly this call, if it was made in this turn."""
        made = (step.result for step in self.conversation.steps if step.call.name == tool and dict(step.call.arguments) == arguments)
        return next(made, None)

    def say(self, key: str, **fields: object) -> Thought:
        return Thought(self.phrase(key, **fields))

    def phrase(self, key: str, **fields: object) -> str:
        return replies.phrase(key, self.language, **fields)

    def call(self, tool: str, **arguments: Any) -> Thought:
        """Want a tool: once per arguments and turn, and only while the turn has calls left; else a person takes over."""
        if not self.has(tool):
            return self.escalate("other", "handoff_cannot")
        if len(self.conversation.steps) >= MOST_CALLS or self.result(tool, **arguments) is not None:
            return self.escalate("tool_failed", "handoff_failed")
        return Thought(calls=(Call(tool, arguments),))

    def escalate(self, reason: str, key: str, question: str = "", before: str = "") -> Thought:
        """Words and the handover to a person; only the words where no such tool is offered or it was called already."""
        if not self.has("escalate"):
            # Nobody is promised a person whom this model cannot reach.
            return Thought(before or self.phrase("cannot_help"))
        text = f"{before} {self.phrase(key)}".strip()
        asked = " ".join((question or self.last_burst).split())[:500]
        return Thought(text, (Call("escalate", {"reason": reason, "question": asked}),))

    @property
    def last_burst(self) -> str:
        pairs = self.conversation.bursts
        return pairs[-1][0] if pairs else ""

    @property
    def last_answer(self) -> str:
        """The agent's words before the last burst."""
        pairs = self.conversation.bursts
        return pairs[-2][1] if len(pairs) > 1 else ""

    def money(self, amount: int, currency: str) -> str:
        return slots.money_text(amount, currency, self.language)

    def date(self, value: object) -> str:
        return replies.date_text(value, self.language, self.conversation.context.now)

    def cite(self, text: str, source: int) -> str:
        return f"{text} [{source}]" if source else text

    def prefix(self) -> str:
        """How this shop's order numbers begin, by the last full one seen."""
        seen = _FULL_NUMBER.findall(" ".join(turn.text for turn in self.conversation.turns))
        return next((one for one in reversed(seen) if one not in ("S-", "RF-", "CN-", "AD-", "SC-")), "N-")

    def numbers(self, text: str) -> tuple[str, ...]:
        return slots.order_numbers(text, self.prefix())

    def number(self, wish: Wish) -> str | None:
        """The order a wish is about: named with it, pointed at in our list, or the one just spoken of."""
        if named := self.numbers(wish.since):
            return named[-1]
        if wish.number or (named := self.numbers(wish.text)):
            return wish.number or named[0]
        if pointed := self._pointed_at(wish):
            return pointed
        if things_of(wish.all_text):
            return None
        answered = self.numbers(self.last_answer)
        if len(answered) == 1:
            return answered[0]
        if len(answered) > 1:
            return None
        earlier = [number for asked, _ in self.conversation.bursts for number in self.numbers(asked)]
        return earlier[-1] if earlier else None

    def _pointed_at(self, wish: Wish) -> str | None:
        listed = self.numbers(self.last_answer)
        said = set(words(wish.since or wish.text))
        if len(listed) < 2 or not said:
            return None
        for index, names in enumerate(_ORDINALS):
            if said & set(names) and index < len(listed):
                return listed[index]
        return listed[-1] if said & set(_LAST) else None

    def trouble(self, result: Result) -> Thought | None:
        """The honest end of a call that was not carried out or not answered; None when it was."""
        match result.status:
            case "ok" | "done" | "not_found":
                return None
            case "need_identity":
                return self.say("waiting_identity")
            case "need_confirmation":
                return self.say("waiting_confirmation")
            case "ask":
                return self.say("waiting_teammate")
            case "deny" | "refused":
                return self.refused(result)
            case "rejected":
                return self.rejected(result)
            case "expired":
                return self.escalate("other", "expired")
            case "unknown":
                return self.escalate("tool_failed", "outcome_unknown")
            case _:
                return self.escalate("tool_failed", "handoff_failed")

    def refused(self, result: Result) -> Thought:
        """That it was not done, why if that can be told, and the offer of a person."""
        why = self._why(result)
        text = self.phrase("refused_because", why=why) if why else self.phrase("refused")
        return Thought(f"{text} {self.phrase('offer_human')}")

    def _why(self, result: Result) -> str:
        left = refusals.left_of(result)
        match refusals.WHY.get(refusals.code_of(result)):
            case "why_left" if left:
                return self.phrase("why_left", left=str(left.get("amount_text") or self.money(left["amount"], left["currency"])))
            case "why_left":
                return self.phrase("why_exceeds")
            case str(key):
                return self.phrase(key)
        return refusals.sayable(result, self.language)

    def rejected(self, result: Result) -> Thought:
        """A teammate's no: their words for the customer if they left some, and the offer of a person; never their reason."""
        parts = [self.phrase("rejected")]
        if said := " ".join(result.message.split()):
            parts.append(self.phrase("rejected_says", say=said))
        return Thought(" ".join([*parts, self.phrase("offer_human")]))


def orders_of(result: Result) -> tuple[Order, ...]:
    """The orders a result tells of, newest first as the shop gives them."""
    source = result.sources[0].n if result.sources else 0
    data = result.data or {}
    one, many = data.get("order"), data.get("orders")
    if isinstance(many, Sequence):
        by_title = {source.title: source.n for source in result.sources}
        return tuple(Order(each, _source_of(each, by_title, source)) for each in many if isinstance(each, Mapping))
    if isinstance(one, Mapping):
        return (Order(one, source),)
    return (Order(data, source),) if "number" in data else ()


def _source_of(order: Mapping[str, Any], by_title: Mapping[str, int], default: int) -> int:
    return next((n for title, n in by_title.items() if str(order.get("number")) in title), default)


def things_of(text: str) -> tuple[str, ...]:
    """Products named; of two side by side the second is meant: a tent pole is a pole."""
    named = [(concept(word) in PRODUCTS, concept(word)) for word in words(text)]
    return tuple(str(name) for i, (is_thing, name) in enumerate(named) if is_thing and not (i + 1 < len(named) and named[i + 1][0]))


def likeness(text: str, name: str, language: str) -> float:
    """How much a text speaks of an item: products by concept count one, its other words a half."""
    things, spoken = set(things_of(text)), {stem(word, language) for word in words(text)} | {stem(word) for word in words(text)}
    score = float(len(things & set(things_of(name))))
    for word in words(name):
        if concept(word) is None and len(word) > 2 and not word.isdigit() and stem(word) in spoken:
            score += 0.5
    return score


def named_item(order: Order, text: str, language: str, amount: int | None = None) -> Mapping[str, Any] | None:
    """The one item of an order a text speaks of; a named amount equal to its price settles a draw."""
    scored = [(likeness(text, str(item.get("name", "")), language), item) for item in order.items]
    top = max((score for score, _ in scored), default=0.0)
    best = [item for score, item in scored if score == top and score > 0]
    if len(best) > 1 and amount is not None:
        best = [item for item in best if item.get("unit_price") == amount] or best
    return best[0] if len(best) == 1 else None


def named_orders(orders: Sequence[Order], text: str, language: str) -> tuple[Order, ...]:
    """The orders whose items a text speaks of most; none when it speaks of none."""
    scored = [(max((likeness(text, str(item.get("name", "")), language) for item in order.items), default=0.0), order) for order in orders]
    top = max((score for score, _ in scored), default=0.0)
    return tuple(order for score, order in scored if score == top and score > 0)
