"""The tools: typed verbs with strict argument schemas. A tool takes no tenant, customer or permission: those come from the run."""

from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
OrderNumber = Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True, pattern=r"^[Nn]-[0-9]{5}$")]


class Arguments(BaseModel):
    """Arguments of a tool: strict kinds, no extra keys."""

    model_config = ConfigDict(extra="forbid", strict=True)


class SearchKnowledge(Arguments):
    """Search the help centre. Use it before answering any question about the shop's rules, products or services."""

    query: Text = Field(description="The customer's question in their own language.")


class FindOrders(Arguments):
    """List the orders of the customer, newest first."""


class GetOrder(Arguments):
    """Look up one order of the customer."""

    order_number: OrderNumber = Field(description="Like N-20377.")


class FindSubscriptions(Arguments):
    """List the subscriptions of the customer."""


class CreateRefund(Arguments):
    """Refund an order, wholly or in part, to the payment method it was paid with."""

    order_number: OrderNumber
    amount: int | None = Field(default=None, gt=0, le=10**12, description="Minor units (cents); leave out for all that is left.")
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = Field(
        default=None, description="ISO 4217, the order's own."
    )
    reason: Text


class CancelOrder(Arguments):
    """Cancel an order that was not packed yet; what was paid is refunded."""

    order_number: OrderNumber
    reason: Text


class ChangeAddress(Arguments):
    """Change where an order is delivered, before the parcel is handed to the carrier."""

    order_number: OrderNumber
    name: Short
    line1: Short
    line2: Short | None = None
    city: Short
    postcode: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=12)]
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = Field(description="ISO 3166 code, e.g. DE.")


class CancelSubscription(Arguments):
    """End a subscription."""

    subscription_id: Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True, pattern=r"^[Ss]-[0-9]{3}$")]
    reason: Text


class Escalate(Arguments):
    """Hand the ticket over to a person: when the customer asks for one, is upset, or you cannot answer from the sources."""

    reason: Annotated[
        str,
        StringConstraints(pattern=r"^(asked_for_human|angry|no_answer|out_of_scope|legal_or_safety|repeated_failure|tool_failed|other)$"),
    ]
    question: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = Field(
        description="What the person has to answer, in one sentence."
    )


class Resolve(Arguments):
    """Close the ticket, only when the customer says that it is settled."""

    summary: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]


@dataclass(frozen=True)
class Tool:
    """One verb: `control` tools end the turn, reads run at once, writes only leave a ToolCall behind."""

    name: str
    schema: type[Arguments]
    kind: str
    connector: str = ""
    needs_identity: bool = False
    is_repeatable: bool = False

    @property
    def is_write(self) -> bool:
        """Whether it changes something outside."""
        return self.kind == "write"

    def parse(self, arguments: Any) -> dict[str, Any]:
        """The arguments in canonical form.

        Raises:
            BadArguments: wrong kinds, missing, out of range or extra; says which.
        """
        try:
            return self.schema.model_validate(arguments).model_dump()
        except ValidationError as error:
            said = "; ".join(f"{'.'.join(str(part) for part in each['loc']) or 'arguments'}: {each['msg']}" for each in error.errors())
            raise BadArguments(said[:500]) from error

    def for_model(self) -> dict[str, Any]:
        """The tool as models are told of it (function-calling JSON schema); the caller's own copy."""
        return deepcopy(_told(self))


@cache
def _told(tool: Tool) -> dict[str, Any]:
    schema = tool.schema.model_json_schema()
    schema.pop("title", None)
    description = schema.pop("description", tool.name)
    return {"type": "function", "function": {"name": tool.name, "description": description, "parameters": schema}}


class BadArguments(ValueError):
    """Arguments that do not fit the tool's schema."""


READ, WRITE, CONTROL = "read", "write", "control"
TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool("search_knowledge", SearchKnowledge, READ, is_repeatable=True),
        Tool("find_orders", FindOrders, READ, "shop", needs_identity=True, is_repeatable=True),
        Tool("get_order", GetOrder, READ, "shop", needs_identity=True, is_repeatable=True),
        Tool("find_subscriptions", FindSubscriptions, READ, "shop", needs_identity=True, is_repeatable=True),
        Tool("create_refund", CreateRefund, WRITE, "shop", needs_identity=True),
        Tool("cancel_order", CancelOrder, WRITE, "shop", needs_identity=True),
        Tool("change_address", ChangeAddress, WRITE, "shop", needs_identity=True, is_repeatable=True),
        Tool("cancel_subscription", CancelSubscription, WRITE, "shop", needs_identity=True),
        Tool("escalate", Escalate, CONTROL),
        Tool("resolve", Resolve, CONTROL),
    )
}
