"""Reading for the customer: their orders and subscriptions, and the help centre."""

from collections.abc import Iterable, Mapping

from agents.runtime.builtin import extract, wishes
from agents.runtime.builtin.acts import address_text, find_order, order_lines, state_text, subscription_lines, subscriptions_of
from agents.runtime.builtin.desk import Desk, Order, orders_of
from agents.runtime.builtin.extract import Source
from agents.runtime.builtin.turns import Thought
from agents.runtime.builtin.wishes import Wish
from agents.runtime.builtin.words import concepts


def order_status(desk: Desk, wish: Wish) -> Thought:
    """Where an order is: state, carrier and day, cited; what was paid or where it goes when that is asked."""
    order = find_order(desk, wish, lambda one: one.status in ("pending", "paid", "packed", "shipped"))
    if isinstance(order, Thought):
        return order
    parts = [_state(desk, order)]
    tracking = order.data.get("tracking")
    if isinstance(tracking, Mapping) and order.status in ("shipped", "packed"):
        parts += _tracking(desk, tracking)
    asked = set(concepts(wish.all_text))
    if asked & {"pay", "cost", "money"} and isinstance(total := order.data.get("total"), int):
        parts.append(desk.phrase("order_total", total=desk.money(total, order.currency)))
    if "address" in asked and order.data.get("shipping_address"):
        parts.append(desk.phrase("order_goes_to", address=address_text(order.data["shipping_address"])))
    if order.refunded:
        parts.append(_refunded(desk, order))
    return Thought(desk.cite(" ".join(parts), order.source))


def _state(desk: Desk, order: Order) -> str:
    at = order.data.get(f"{order.status}_at")
    if at and order.status in ("shipped", "delivered"):
        state, when = desk.phrase(f"state_{order.status}_on"), desk.phrase("on_date", date=desk.date(at))
        if desk.language == "de":
            # "wurde am 3. Mai verschickt": the day stands before the verb.
            state, when = state.replace("wurde ", f"wurde{when} "), ""
        return desk.phrase("order", number=order.number, items=order.item_names, state=state, when=when)
    return desk.phrase("order", number=order.number, items=order.item_names, state=state_text(desk, order), when="")


def _tracking(desk: Desk, tracking: Mapping[str, object]) -> list[str]:
    parts = []
    if tracking.get("carrier") and tracking.get("number"):
        parts.append(desk.phrase("carrier", carrier=tracking["carrier"], tracking=tracking["number"]))
    elif tracking.get("carrier"):
        parts.append(desk.phrase("carrier_only", carrier=tracking["carrier"]))
    if tracking.get("eta"):
        parts.append(desk.phrase("eta", date=desk.date(tracking["eta"])))
    return parts


def _refunded(desk: Desk, order: Order) -> str:
    amounts = {"refunded": desk.money(order.refunded, order.currency), "captured": desk.money(order.captured, order.currency)}
    return desk.phrase("refunded_part", **amounts)


def refund_status(desk: Desk, wish: Wish) -> Thought:
    """What has been refunded on an order."""
    order = find_order(desk, wish)
    if isinstance(order, Thought):
        return order
    told = _refunded(desk, order) if order.refunded else desk.phrase("refunded_none")
    return Thought(desk.cite(f"{_state(desk, order)} {told}", order.source))


def list_orders(desk: Desk, wish: Wish) -> Thought:
    """The customer's orders with their states."""
    if (listing := desk.result("find_orders")) is None:
        return desk.call("find_orders")
    if stopped := desk.trouble(listing):
        return stopped
    found = orders_of(listing)
    return desk.say("orders_list", orders=order_lines(desk, found, states=True)) if found else desk.say("no_orders")


def list_subscriptions(desk: Desk, wish: Wish) -> Thought:
    """The customer's subscriptions, what they cost and when they come next."""
    if not desk.has("find_subscriptions"):
        return question(desk, wish)
    if (listing := desk.result("find_subscriptions")) is None:
        return desk.call("find_subscriptions")
    if stopped := desk.trouble(listing):
        return stopped
    found = subscriptions_of(listing)
    source = listing.sources[0].n if listing.sources else 0
    return desk.say("subscriptions_list", list=subscription_lines(desk, found, source)) if found else desk.say("subscriptions_none")


def question(desk: Desk, wish: Wish) -> Thought:
    """A grounded answer from the help centre, or the honest word that there is none."""
    answered = _answer(desk, wish)
    if isinstance(answered, Thought):
        return answered
    if answered is not None and answered.language == desk.language:
        return Thought(answered.text)
    if answered is not None:
        # A page somebody cannot read is no answer to them, and this model translates nothing.
        return desk.escalate("no_answer", "not_in_language", wish.text)
    if wish.kind == "out_of_scope":
        return desk.escalate("out_of_scope", "off_topic", wish.text)
    if wish.kind == "unclear" and len(desk.conversation.bursts) < 2 and desk.conversation.context.given:
        return desk.say("say_more")
    return desk.escalate("no_answer", "unknown", wish.text)


def also_answer(desk: Desk, told: str, wish: Wish) -> Thought:
    """What was told, and the answer to one more question; a person takes the question where there is none."""
    if not desk.has("search_knowledge"):
        return Thought(told)
    answered = _answer(desk, wish)
    if isinstance(answered, Thought):
        return answered if answered.calls and answered.calls[0].name == "search_knowledge" else Thought(told)
    if answered is not None and answered.language == desk.language:
        return Thought(f"{told} {answered.text}")
    return desk.escalate("no_answer", "also_unknown", wish.text, before=told)


def _answer(desk: Desk, wish: Wish) -> extract.Answer | Thought | None:
    """The answer, the search that may bring it, or None when two searches brought nothing that covers the question."""
    if not desk.has("search_knowledge"):
        return None
    context = desk.conversation.context
    before = wishes.last_question(desk.conversation) if wishes.leans_on_before(wish.text) else ""
    first = wishes.query(f"{before} {wish.text}" if before else wish.text, without=(context.brand, context.agent))
    searched = desk.results("search_knowledge")
    if desk.result("search_knowledge", query=first) is None:
        return desk.call("search_knowledge", query=first)
    for result in searched:
        if result.status in ("error", "invalid", "deny") and (stopped := desk.trouble(result)):
            return stopped
    asked = wishes.query(wish.text, without=(context.brand, context.agent))
    sources = _distinct(source for result in searched for source in result.sources)
    own = [source for source in sources if source.language == desk.language]
    if found := _found(desk, own, asked, first, before):
        return found
    second = extract.translated(first, desk.language)
    if (
        desk.language != "en"
        and wish.kind != "unclear"
        and second
        and len(searched) == 1
        and desk.result("search_knowledge", query=second) is None
    ):
        return desk.call("search_knowledge", query=second)
    return _found(desk, sources, asked, first, before)


def _found(desk: Desk, sources: list[Source], asked: str, first: str, before: str) -> extract.Answer | None:
    """An answer to the question alone, else to the question with what it leans on."""
    for text, background in ((asked, before), (first, "")):
        if found := extract.answer(text, sources, desk.language, background=background):
            return found
    return None


def _distinct(sources: Iterable[Source]) -> list[Source]:
    seen: dict[tuple[str, str], Source] = {}
    for source in sources:
        seen.setdefault((source.title, source.text), source)
    return list(seen.values())
