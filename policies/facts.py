"""The facts rules may see: each has a name, a kind and the words a screen uses for it. Code computes them; prose never does."""

from dataclasses import dataclass
from typing import Any, TypeAlias

FactValue: TypeAlias = "str | int | bool | dict[str, Any] | None"


@dataclass(frozen=True)
class Fact:
    """One fact's name, kind (`text`, `number`, `yesno`, `money` as {"amount", "currency"}) and its words."""

    name: str
    kind: str
    words: str


CATALOGUE: dict[str, Fact] = {
    fact.name: fact
    for fact in (
        Fact("tool.kind", "text", "the kind of tool (read or write)"),
        Fact("identity.level", "text", "the customer's identity (none, claimed or proven)"),
        Fact("session.confirmed", "yesno", "the customer confirmed exactly this"),
        Fact("channel.kind", "text", "the channel"),
        Fact("ticket.environment", "text", "the environment"),
        Fact("order.is_own", "yesno", "the order is the customer's own"),
        Fact("order.status", "text", "the order's status"),
        Fact("order.days_since_delivery", "number", "days since delivery"),
        Fact("order.days_since_placed", "number", "days since the order was placed"),
        Fact("order.remaining", "money", "what is left to refund on the order"),
        Fact("refund.amount", "money", "the amount to refund"),
        Fact("refund.fits", "yesno", "the refund is in the order's currency and within what is left"),
        Fact("subscription.is_own", "yesno", "the subscription is the customer's own"),
        Fact("subscription.status", "text", "the subscription's status"),
        Fact("account.is_own", "yesno", "it concerns only the customer's own account"),
        Fact("call.done_before", "yesno", "the same call already succeeded on this ticket"),
    )
}
