"""The acts a customer can ask for, each a ladder: know the order, know what is meant, then want the tool, then tell the outcome."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from agents.runtime.builtin import replies, slots
from agents.runtime.builtin.desk import Desk, Order, named_item, named_orders, orders_of, things_of
from agents.runtime.builtin.slots import Address
from agents.runtime.builtin.turns import Result, Step, Thought
from agents.runtime.builtin.wishes import Wish

WRITES = ("create_refund", "cancel_order", "change_address", "cancel_subscription")


def find_order(desk: Desk, wish: Wish, usable: Callable[[Order], bool] = lambda order: True) -> Order | Thought:
    """The order a wish is about, or what to do to know it: look it up, list theirs, or ask."""
    number = desk.number(wish)
    if number:
        listed = [order for result in desk.results("find_orders") for order in orders_of(result) if order.number == number]
        if listed:
            return listed[0]
        if (found := desk.result("get_order", order_number=number)) is None:
            return desk.call("get_order", order_number=number)
        if found.status == "not_found" or (found.status == "ok" and not orders_of(found)):
            return desk.say("order_not_found", number=number)
        return desk.trouble(found) or orders_of(found)[0]
    if not desk.has("find_orders"):
        return desk.say("ask_order_number")
    if (listing := desk.result("find_orders")) is None:
        return desk.call("find_orders")
    if stopped := desk.trouble(listing):
        return stopped
    return _one_of(desk, wish, orders_of(listing), usable)


def _one_of(desk: Desk, wish: Wish, orders: Sequence[Order], usable: Callable[[Order], bool]) -> Order | Thought:
    if not orders:
        return desk.say("no_orders")
    meant = named_orders(orders, wish.since, desk.language) or named_orders(orders, wish.all_text, desk.language)
    if things_of(wish.all_text) and not meant:
        meant = tuple(orders) if len(orders) > 1 else ()
    fitting = [order for order in (meant or orders) if usable(order)] or list(meant or orders)
    return fitting[0] if len(fitting) == 1 else desk.say("ask_which_order", orders=order_lines(desk, fitting))


def order_lines(desk: Desk, orders: Sequence[Order], *, states: bool = False) -> str:
    """`N-20377 (boots) [2]; …`: at most eight orders in a line each."""
    lines = []
    for order in orders[:8]:
        state = f", {state_text(desk, order)}" if states else ""
        lines.append(desk.cite(f"{order.number} ({order.item_names}){state}", order.source))
    return "; ".join(lines) + ("; …" if len(orders) > 8 else "")


def state_text(desk: Desk, order: Order) -> str:
    """An order's state in words, whatever the shop calls it."""
    known = ("pending", "paid", "packed", "shipped", "delivered", "cancelled", "returned")
    return desk.phrase(f"state_{order.status}") if order.status in known else desk.phrase("state_other", status=order.status)


def reason_of(wish: Wish) -> str:
    """The customer's own words as the reason, the same however often the wish comes up again."""
    return slots.without_email(" ".join(wish.text.split()))[:200] or wish.kind


def act(desk: Desk, tool: str, **arguments: Any) -> Thought:
    """Want a write tool; when it answered within the turn, tell its outcome."""
    made = desk.result(tool, **arguments)
    return (
        desk.call(tool, **arguments)
        if made is None
        else outcome(desk, Step(next(s.call for s in desk.conversation.steps if s.result is made), made))
    )


def refund(desk: Desk, wish: Wish) -> Thought:
    """Refund the amount named, the price of the item named, or all that is left."""
    order = find_order(desk, wish, lambda one: one.captured > one.refunded)
    if isinstance(order, Thought):
        return order
    left = order.captured - order.refunded
    if order.captured <= 0:
        return Thought(desk.cite(desk.phrase("refund_nothing_charged", number=order.number), order.source))
    if left <= 0:
        spent = desk.money(order.refunded, order.currency)
        return Thought(desk.cite(desk.phrase("refund_already", number=order.number, refunded=spent), order.source))
    amount = refund_amount(desk, wish, order, left)
    if isinstance(amount, Thought):
        return amount
    currency = order.currency if amount is not None else None
    return act(desk, "create_refund", order_number=order.number, amount=amount, currency=currency, reason=reason_of(wish))


def refund_amount(desk: Desk, wish: Wish, order: Order, left: int) -> int | Thought | None:
    """Minor units to refund, None for all that is left, or the words that say why that amount cannot be."""
    named = slots.money(wish.since) or slots.money(wish.all_text)
    item = named_item(order, wish.all_text, desk.language, next((one.minor(order.currency) for one in named), None))
    price = _price(item, wish) if item else None
    for one in named:
        if one.currency not in (None, order.currency):
            return desk.say("refund_currency", currency=order.currency, number=order.number)
    amounts = [one.minor(order.currency) for one in named]
    if amounts:
        amount = price if price in amounts else amounts[-1]
        if amount is None or amount <= 0:
            return desk.say("refund_bad_amount", number=order.number)
        if amount > left:
            return desk.say("refund_too_much", number=order.number, left=desk.money(left, order.currency))
        return amount
    if slots.asks_for_a_part(wish.all_text):
        return desk.say("refund_ask_amount", number=order.number, left=desk.money(left, order.currency))
    return price if price is not None and 0 < price <= left else None


def _price(item: Mapping[str, Any], wish: Wish) -> int | None:
    price, quantity = item.get("unit_price"), item.get("quantity", 1)
    if not isinstance(price, int):
        return None
    only_one = any(f" {word} " in f" {wish.text.lower()} " for word in ("one of", "one", "eine", "einen", "una", "uno", "une"))
    return price if only_one or not isinstance(quantity, int) else price * quantity


def cancel_order(desk: Desk, wish: Wish) -> Thought:
    """Cancel an order that has not left yet; say so when it has."""
    order = find_order(desk, wish, lambda one: one.status in ("pending", "paid", "packed"))
    if isinstance(order, Thought):
        return order
    if order.status == "cancelled":
        return Thought(desk.cite(desk.phrase("already_cancelled", number=order.number), order.source))
    if order.status in ("shipped", "delivered", "returned"):
        text = desk.cite(desk.phrase("too_late_cancel", number=order.number, state=state_text(desk, order)), order.source)
        return Thought(f"{text} {desk.phrase('offer_human')}")
    return act(desk, "cancel_order", order_number=order.number, reason=reason_of(wish))


def change_address(desk: Desk, wish: Wish) -> Thought:
    """Send an order elsewhere: name and country stay as they are unless said otherwise, the rest is asked for."""
    order = find_order(desk, wish, lambda one: one.status in ("pending", "paid", "packed"))
    if isinstance(order, Thought):
        return order
    if order.status in ("shipped", "delivered", "returned", "cancelled"):
        text = desk.cite(desk.phrase("too_late_address", number=order.number, state=state_text(desk, order)), order.source)
        return Thought(f"{text} {desk.phrase('offer_human')}")
    said = said_address(desk, wish)
    if not (said.line1 or said.city or said.postcode):
        return desk.say("address_ask", number=order.number, fields=_field_names(desk, ("line1", "postcode", "city", "country")))
    current = order.data.get("shipping_address")
    kept = (
        Address(name=str(current.get("name") or "") or None, country=str(current.get("country") or "") or None)
        if isinstance(current, Mapping)
        else Address()
    )
    if kept.name is None:
        kept = Address(name=desk.conversation.context.customer_name, country=kept.country)
    new = said.over(kept)
    if gaps := new.missing():
        return desk.say("address_missing", number=order.number, fields=_field_names(desk, gaps))
    return act(desk, "change_address", order_number=order.number, **{field.name: getattr(new, field.name) for field in fields(new)})


def said_address(desk: Desk, wish: Wish) -> Address:
    """The address as told over several messages: what comes later fills gaps or corrects."""
    told = slots.address(wish.burst)
    for line in wish.since.splitlines():
        told = (slots.address(line) if slots.address(line) != Address() else _one_word(desk, told, line)).over(told)
    return told


def _one_word(desk: Desk, told: Address, line: str) -> Address:
    """A bare "Madrid" after we asked for the city is the city."""
    asked = [gap for gap in told.missing() if gap in ("city", "name")] if replies.says(desk.last_answer, "address_missing") else []
    is_short = 0 < len(line.split()) <= 4 and not any(mark.isdigit() for mark in line)
    if not asked or not is_short:
        return Address()
    word = line.strip(" .!")
    return Address(city=word) if "city" in asked else Address(name=word)


def _field_names(desk: Desk, names: Sequence[str]) -> str:
    return ", ".join(desk.phrase(f"field_{name}") for name in names)


def subscriptions_of(result: Result) -> tuple[Mapping[str, Any], ...]:
    given = (result.data or {}).get("subscriptions")
    return tuple(one for one in given if isinstance(one, Mapping)) if isinstance(given, Sequence) else ()


def subscription_lines(desk: Desk, found: Sequence[Mapping[str, Any]], source: int) -> str:
    """`S-301 (Repair & care box), €12.00, next on 3 May`."""
    lines = []
    for one in found:
        amount, currency = one.get("amount"), one.get("currency")
        parts = [f"{one.get('id', '')} ({one.get('name', '')})", str(one.get("status") or "")]
        if isinstance(amount, int) and isinstance(currency, str):
            parts.append(desk.money(amount, currency))
        if one.get("next_at") and one.get("status") == "active":
            parts.append(desk.phrase("next_on", date=desk.date(one["next_at"])))
        lines.append(desk.cite(", ".join(part for part in parts if part), source))
    return "; ".join(lines)


def cancel_subscription(desk: Desk, wish: Wish) -> Thought:
    """End the one subscription meant; ask which when there are several."""
    named = slots.subscription_ids(wish.since) or slots.subscription_ids(wish.all_text)
    if desk.has("find_subscriptions"):
        if (listing := desk.result("find_subscriptions")) is None:
            return desk.call("find_subscriptions")
        if stopped := desk.trouble(listing):
            return stopped
        running = [one for one in subscriptions_of(listing) if one.get("status") in (None, "", "active", "paused")]
        if named and not any(one.get("id") == named[-1] for one in running):
            return desk.say("subscription_not_found", id=named[-1])
        if not named and not running:
            return desk.say("subscriptions_none")
        if not named and len(running) > 1:
            return desk.say("ask_which_subscription", list=subscription_lines(desk, running, _first_source(listing)))
        meant = named[-1] if named else str(running[0].get("id"))
    elif named:
        meant = named[-1]
    else:
        return desk.escalate("other", "handoff_cannot")
    return act(desk, "cancel_subscription", subscription_id=meant, reason=reason_of(wish))


def _first_source(result: Result) -> int:
    return result.sources[0].n if result.sources else 0


def outcome(desk: Desk, step: Step) -> Thought:
    """What truly became of a call, in words; an unknown outcome also goes to a person."""
    if step.result.status != "done":
        return desk.trouble(step.result) or desk.say("waiting_teammate")
    return Thought(receipt(desk, step))


def receipt(desk: Desk, step: Step) -> str:
    """The receipt of a call that is done, and who approved it; every figure in it comes from the shop's answer."""
    data, arguments = step.result.data or {}, step.call.arguments
    number = str(data.get("order") or arguments.get("order_number") or "")
    before = _before(desk, data)
    parts = [] if before or not (data.get("approved_by_teammate") or data.get("edited_from")) else [desk.phrase("approved")]
    match step.call.name:
        case "create_refund":
            amount = _amount_text(desk, data, "amount")
            target = replies.localised(str(data.get("to") or ""), desk.language)
            if before:
                parts.append(desk.phrase("done_refund_edited", amount=amount, before=before, number=number))
                parts += [desk.phrase("goes_to", to=target)] if target else []
            else:
                parts.append(desk.phrase("done_refund" if target else "done_refund_plain", amount=amount, number=number, to=target))
            if data.get("arrives"):
                parts.append(desk.phrase("arrives", arrives=replies.localised(str(data["arrives"]), desk.language)))
        case "cancel_order":
            parts.append(desk.phrase("done_cancel", number=number))
            if data.get("refunded_amount"):
                parts.append(desk.phrase("done_cancel_money", amount=_amount_text(desk, data, "refunded_amount")))
        case "change_address":
            parts.append(desk.phrase("done_address", number=number, address=address_text(data.get("shipping_address") or arguments)))
        case "cancel_subscription":
            ended = str(data.get("subscription") or arguments.get("subscription_id") or data.get("id") or "")
            parts.append(desk.phrase("done_subscription", id=ended))
        case _:
            parts.append(desk.phrase("done_other"))
    if data.get("reference"):
        parts.append(desk.phrase("reference", reference=data["reference"]))
    return desk.cite(" ".join(parts), _first_source(step.result))


def _before(desk: Desk, data: Mapping[str, Any]) -> str:
    """The amount a teammate replaced; empty when none was."""
    edited = data.get("edited_from")
    return _amount_text(desk, edited, "amount") if isinstance(edited, Mapping) else ""


def _amount_text(desk: Desk, data: Mapping[str, Any], key: str) -> str:
    if text := data.get("amount_text"):
        return str(text)
    amount, currency = data.get(key), data.get("currency")
    return desk.money(amount, currency) if isinstance(amount, int) and isinstance(currency, str) else ""


def address_text(given: object) -> str:
    """An address in one line."""
    if not isinstance(given, Mapping):
        return ""
    town = " ".join(str(given[key]) for key in ("postcode", "city") if given.get(key))
    return ", ".join(str(part) for part in (given.get("name"), given.get("line1"), given.get("line2"), town, given.get("country")) if part)
