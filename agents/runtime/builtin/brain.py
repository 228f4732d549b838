"""What the built-in model does next: a pure function of the conversation, thought anew at every call."""

from dataclasses import replace

from agents.runtime.builtin import acts, generic, lookups, replies, wishes
from agents.runtime.builtin.desk import Desk, things_of
from agents.runtime.builtin.slots import money
from agents.runtime.builtin.turns import Call, Conversation, Step, Thought
from agents.runtime.builtin.wishes import ACTS, HANDOFFS, LOOKUPS, Wish
from agents.runtime.builtin.words import words

DO = {
    "refund": acts.refund,
    "cancel_order": acts.cancel_order,
    "change_address": acts.change_address,
    "cancel_subscription": acts.cancel_subscription,
    "order_status": lookups.order_status,
    "refund_status": lookups.refund_status,
    "list_orders": lookups.list_orders,
    "list_subscriptions": lookups.list_subscriptions,
}
HANDOFF_WORDS = {"legal_or_safety": "handoff_legal", "angry": "handoff_angry", "ask_human": "handoff"}
HANDOFF_REASONS = {"legal_or_safety": "legal_or_safety", "angry": "angry", "ask_human": "asked_for_human"}


def think(conversation: Conversation) -> Thought:
    """The next reply or calls. The same conversation always gives the same thought; no call is made twice in a turn."""
    desk = Desk(conversation)
    if ended := _already_ended(desk):
        return ended
    if conversation.context.trigger == "call_settled" and conversation.steps:
        return after_settled(desk, conversation.steps[0])
    if outcome := generic.outcome(conversation):
        return outcome
    if not conversation.context.given and (thought := generic.plainly_meant(conversation)):
        return thought
    found = current_wishes(desk)
    if not found:
        return nothing_asked(desk)
    first = found[0]
    if first.kind in HANDOFFS:
        words_of = HANDOFF_WORDS[first.kind]
        return desk.escalate(HANDOFF_REASONS[first.kind], words_of if replies.has(words_of, desk.language) else "no_language")
    if desk.language not in replies.spoken() and not (first.kind == "greeting" and replies.has("greeting", desk.language)):
        # Half a talk in English is none: whoever writes a language that this model does not is passed on at once, and told so.
        return desk.escalate("other", "no_language", first.text)
    if (
        conversation.context.trigger == "message"
        and conversation.context.failed_turns >= 2
        and first.kind not in ("thanks_settled", "thanks", "goodbye")
    ):
        return desk.escalate("repeated_failure", "handoff_repeated")
    return pursue(desk, found)


def _already_ended(desk: Desk) -> Thought | None:
    """Nothing is wanted after handing over or closing; the words are said once more for whoever asks."""
    for step in desk.conversation.steps:
        if step.call.name == "escalate":
            return desk.say("handoff")
        if step.call.name == "resolve":
            return desk.say("settled")
    return None


def current_wishes(desk: Desk) -> tuple[Wish, ...]:
    """What is wanted now: in the last burst, or left open before it."""
    conversation = desk.conversation
    burst = desk.last_burst
    if conversation.context.trigger == "handed_back" and conversation.turns and conversation.turns[-1].speaker == "agent":
        return ()
    found = wishes.wishes(burst, desk.language)
    if conversation.context.trigger == "identity_proven":
        # What was asked before the proof has been judged before it.
        kept = tuple(wish for wish in found if wish.kind in ACTS | LOOKUPS or wish.kind == "question")
        pending = _pending(desk)
        return kept or ((pending,) if pending else ())
    if not found:
        return ()
    if replies.says(desk.last_answer, "offer_human") and found[0].kind == "yes":
        return (replace(found[0], kind="ask_human"),)
    if found[0].kind == "no" and _declines(desk):
        return (replace(found[0], kind="thanks_settled"),)
    if wishes.is_answer_to_us(burst, conversation) and (pending := wishes.open_wish(conversation)):
        return (replace(pending, kind="no") if found[0].kind == "no" else pending,)
    if found[0].kind == "provide_order_number":
        return (replace(found[0], kind="order_status"),)
    if repeated := _same_again(desk, found[0]):
        return (repeated,)
    return found


def _pending(desk: Desk) -> Wish | None:
    """The latest act or lookup of the customer, whatever was said in between."""
    pairs = desk.conversation.bursts
    for place in range(len(pairs) - 1, -1, -1):
        for wish in wishes.wishes(pairs[place][0], desk.language):
            if wish.kind in ACTS | LOOKUPS:
                return replace(wish, since="\n".join(asked for asked, _ in pairs[place + 1 :]))
    return None


def _declines(desk: Desk) -> bool:
    """A "no" to "is there anything else?"."""
    return replies.says(desk.last_answer, "welcome", "all_right", "back")


def _same_again(desk: Desk, wish: Wish) -> Wish | None:
    """ "And the tent pole? That was €189." after a refund asks for another one."""
    pairs = desk.conversation.bursts
    if wish.kind not in ("question", "unclear") or len(pairs) < 2 or not wishes.continues(wish.burst):
        return None
    before = [one.kind for one in wishes.wishes(pairs[-2][0], desk.language) if one.kind in ("refund", "cancel_order")]
    if not before or not (money(wish.burst) or things_of(wish.burst) or desk.numbers(wish.burst)):
        return None
    numbers = desk.numbers(wish.burst)
    return Wish(before[0], wish.burst, wish.burst, number=numbers[0] if numbers else None)


def pursue(desk: Desk, found: tuple[Wish, ...]) -> Thought:
    """The first wish now; a question beside it is answered after it where it is simple."""
    first = found[0]
    if first.kind in DO:
        thought = DO[first.kind](desk, first)
        beside = next((wish for wish in found[1:] if wish.kind == "question"), None)
        if beside and not thought.calls and first.kind in LOOKUPS:
            return lookups.also_answer(desk, thought.text, beside)
        return thought
    match first.kind:
        case "question" | "unclear" | "out_of_scope":
            return generic.plainly_meant(desk.conversation, foreign_only=True) or lookups.question(desk, first)
        case "abuse":
            return desk.escalate("angry", "handoff_angry")
        case "not_helped":
            return desk.escalate("no_answer", "not_helped", wishes.last_question(desk.conversation) or first.text)
        case _:
            return small(desk, first)


def small(desk: Desk, wish: Wish) -> Thought:
    """Courtesies, and the words that only mean something after a question of ours."""
    match wish.kind:
        case "greeting":
            return Thought(greeting(desk)) if len(desk.conversation.bursts) < 2 else desk.say("hello_again")
        case "is_it_ai":
            return desk.say("is_ai", agent=desk.conversation.context.agent, of_brand=_of_brand(desk), can=_can(desk))
        case "small_talk":
            return desk.say("small_talk", agent=desk.conversation.context.agent)
        case "thanks":
            return desk.say("welcome")
        case "thanks_settled":
            return _resolve(desk, "settled")
        case "goodbye":
            helped = len(desk.conversation.bursts) > 1 and desk.conversation.context.failed_turns == 0
            return _resolve(desk, "goodbye") if helped else desk.say("goodbye")
        case "no":
            return desk.say("all_right")
        case "provide_code":
            return desk.say("code_hint")
        case "yes":
            return desk.say("go_on")
        case _:
            return desk.say("say_more")


def _resolve(desk: Desk, key: str) -> Thought:
    text = desk.phrase(key)
    if not desk.has("resolve"):
        return Thought(text)
    topic = next(
        (
            wish.text
            for asked, _ in desk.conversation.bursts
            for wish in wishes.wishes(asked, desk.language)
            if wish.kind not in wishes.LIGHT
        ),
        "",
    )
    summary = f"The customer says it is settled. Topic: {' '.join(topic.split())[:160]}" if topic else "The customer says it is settled."
    return Thought(text, (Call("resolve", {"summary": summary}),))


def greeting(desk: Desk) -> str:
    """Who speaks, that it is an AI, what it can do, and the way to a person."""
    context = desk.conversation.context
    name = f" {context.customer_name.split()[0]}" if context.customer_name and context.identity == "proven" else ""
    return desk.phrase("greeting", name=name, agent=context.agent, of_brand=_of_brand(desk), can=_can(desk))


def _of_brand(desk: Desk) -> str:
    brand = desk.conversation.context.brand
    return desk.phrase("of_brand", brand=brand) if brand else ""


def _can(desk: Desk) -> str:
    return desk.phrase("can_answer_and_look_up" if desk.has("find_orders") or desk.has("get_order") else "can_answer")


def nothing_asked(desk: Desk) -> Thought:
    """No customer's word waits for an answer."""
    match desk.conversation.context.trigger:
        case "identity_proven":
            return desk.say("identity_ok")
        case "handed_back":
            return desk.say("back", agent=desk.conversation.context.agent)
        case _:
            return Thought(greeting(desk))


def after_settled(desk: Desk, step: Step) -> Thought:
    """The true outcome first; then what else was asked in the same breath."""
    told = acts.outcome(desk, step)
    if told.calls or step.result.status != "done":
        return told
    rest = remaining(desk, step)
    if rest is None:
        return told
    if rest.kind == "question":
        return lookups.also_answer(desk, told.text, rest)
    return Thought(f"{told.text} {desk.phrase('also_asked', wish=' '.join(rest.text.split())[:120])}")


def remaining(desk: Desk, step: Step) -> Wish | None:
    """The next wish of the burst that asked for the settled call."""
    kind = "refund" if step.call.name == "create_refund" else step.call.name
    for asked, _ in reversed(desk.conversation.bursts):
        found = wishes.wishes(asked, desk.language)
        if any(wish.kind == kind for wish in found):
            number = step.call.arguments.get("order_number")
            done = next(
                (wish for wish in found if wish.kind == kind and wish.number == number), next(wish for wish in found if wish.kind == kind)
            )
            later = [
                wish
                for wish in found[found.index(done) + 1 :]
                if wish.kind in ACTS or (wish.kind == "question" and len(words(wish.text)) > 2)
            ]
            return later[0] if later else None
    return None
