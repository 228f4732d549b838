"""What the customer wants: bursts become wishes, each of one kind, with the words it was said in."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agents.runtime.builtin import cues, intents, replies, slots
from agents.runtime.builtin.extract import terms
from agents.runtime.builtin.turns import Conversation
from agents.runtime.builtin.words import concepts, cue, fold, sentences, word_list, words

ACTS = frozenset({"refund", "cancel_order", "change_address", "cancel_subscription"})
LOOKUPS = frozenset({"order_status", "list_orders", "list_subscriptions", "refund_status"})
HANDOFFS = frozenset({"legal_or_safety", "angry", "ask_human"})
LIGHT = frozenset(
    {
        "greeting",
        "goodbye",
        "thanks",
        "thanks_settled",
        "yes",
        "no",
        "small_talk",
        "provide_order_number",
        "provide_code",
        "not_helped",
        "is_it_ai",
    }
)
ASKS = (
    "ask_order_number",
    "ask_which_order",
    "order_not_found",
    "refund_currency",
    "refund_bad_amount",
    "refund_too_much",
    "refund_ask_amount",
    "address_ask",
    "address_missing",
    "ask_which_subscription",
    "subscription_not_found",
    "also_asked",
    "waiting_identity",
)
_SPLIT = cue("split")
_MINE = cue("mine")
_REFUND_ASKED = cue("refund_asked")
_ASSENT = frozenset(word_list("assent"))
_CONDITION = cue("condition")
_ORDERISH = frozenset({"order", "parcel", "ship", "track", "arrive", "late"})
_AND_WHAT_ABOUT = cue("and_what_about")
_POINTING = cue("pointing")
_POLITE = cue("polite")


@dataclass(frozen=True)
class Wish:
    """One wanted thing. `text` is the customer's sentence, `burst` all that was said with it, `since` what was said after it."""

    kind: str
    text: str
    burst: str
    since: str = ""
    number: str | None = None

    @property
    def all_text(self) -> str:
        """Everything said about this wish, oldest first."""
        return f"{self.burst}\n{self.since}".strip()


def wishes(burst: str, language: str) -> tuple[Wish, ...]:
    """The wishes of one burst, most pressing first; a burst that says nothing to act on gives one light wish."""
    if not burst.strip():
        return ()
    for kind, speaks in (("legal_or_safety", cues.is_legal_or_dangerous), ("ask_human", cues.asks_for_a_person), ("angry", cues.is_angry)):
        if speaks(burst):
            return (Wish(kind, burst, burst),)
    found = [(kind_of(clause, language), clause) for clause in clauses(burst)]
    acts = [pair for pair in found if pair[0] in ACTS]
    lookups = [pair for pair in found if pair[0] in LOOKUPS]
    asked = [pair for pair in found if pair[0] == "question" and cues.is_question(pair[1])]
    if acts or lookups:
        asked = [pair for pair in asked if len(terms(pair[1], language)) > 0 and len(words(pair[1])) > 2]
    if acts or lookups:
        if any(pair[0] in ("cancel_order", "refund") for pair in acts):
            # "Where is it? I want my money back": the act says what is wanted.
            lookups = []
        return tuple(_each(acts, burst) + _each(lookups[:1], burst) + [Wish("question", text, burst) for _, text in asked[:1]])
    if len(found) > 1 and not any(len(terms(text, language)) > 1 for _, text in asked) and (kind := kind_of(burst, language)) in LOOKUPS:
        # "They still have not come. Can you check?": no sentence says it all.
        return tuple(_each([(kind, burst)], burst))
    if asked:
        alone = " ".join(text for _, text in asked)
        # "My tent leaks. What can I do?": the matter stands in the sentence before.
        return (Wish("question", alone if len(terms(alone, language)) > 1 or len(found) == 1 else burst, burst),)
    return (_lightest(found, burst, language),)


def _each(pairs: Sequence[tuple[str, str]], burst: str) -> list[Wish]:
    """One wish per order named; the same act in two clauses is one wish."""
    kinds = list(dict.fromkeys(kind for kind, _ in pairs))
    out: list[Wish] = []
    for kind in kinds:
        texts = [text for one, text in pairs if one == kind]
        numbers = [number for text in texts for number in slots.order_numbers(text)]
        if not numbers and len(kinds) == 1:
            numbers = list(slots.order_numbers(burst))
        joined = " ".join(texts)
        named: list[str | None] = [*dict.fromkeys(numbers)] or [None]
        out += [Wish(kind, joined, burst if len(kinds) == 1 else joined, number=number) for number in named]
    return out


def _lightest(found: Sequence[tuple[str, str]], burst: str, language: str) -> Wish:
    kinds = [kind for kind, _ in found]
    if "thanks_settled" in kinds or cues.is_settled(burst):
        return Wish("thanks_settled", burst, burst)
    for kind in ("not_helped", "provide_code", "provide_order_number", "is_it_ai"):
        if kind in kinds:
            return Wish(kind, burst, burst)
    for kind in ("question", "unclear", "out_of_scope"):
        if kind in kinds:
            return Wish(kind, " ".join(text for one, text in found if one == kind), burst)
    for kind in ("abuse", "angry", "no", "yes", "goodbye", "thanks", "small_talk", "greeting"):
        if kind in kinds:
            return Wish(kind, burst, burst)
    return Wish(kind_of(burst, language), burst, burst)


def clauses(burst: str) -> list[str]:
    """Sentences, split again where a second request begins after an "and"."""
    return [piece.strip() for sentence in sentences(burst) or (burst,) for piece in _SPLIT.split(sentence) if piece and piece.strip()]


def kind_of(clause: str, language: str) -> str:
    """The kind of one clause: an act or lookup only when its words are there, `question` for what the help centre answers."""
    numbers, known = slots.order_numbers(clause), frozenset(concepts(clause))
    if (alone := _only_a_slot(clause, numbers)) is not None:
        return alone
    if cues.asks_what_we_are(clause):
        return "is_it_ai"
    guess = intents.guess(clause, language)
    label = guess.closed if guess.label or guess.probability >= 0.6 else None
    if cues.is_settled(clause):
        return "thanks_settled"
    act = _act(clause, label, known, has_number=bool(numbers))
    if act:
        return act
    if label in ("order_status", "list_orders", "provide_order_number", "refund_question", "subscription_question") or numbers:
        return _lookup(clause, label if label != "list_orders" or _asks_for_a_list(known, guess) else None, known, has_number=bool(numbers))
    if label in ("ask_human", "angry", "abuse", "legal_or_safety"):
        # The plain cues have spoken before; statistics alone hand over only when sure.
        return (
            label
            if guess.label and guess.probability >= 0.75 and not cues.asks_how(clause)
            else "question"
            if cues.is_question(clause)
            else "unclear"
        )
    if label is None:
        return "question" if cues.is_question(clause) else "unclear"
    if label in LIGHT and guess.probability < 0.4:
        return "question" if cues.is_question(clause) else "unclear"
    if label in ("provide_code", "is_it_ai") and not (label == "is_it_ai" and cues.is_question(clause)):
        # A code is digits and has been seen before; "who are you" is asked.
        return "question" if cues.is_question(clause) else "unclear"
    if label == "thanks_settled":
        return "thanks"
    return label if label in LIGHT or label == "out_of_scope" else "question"


def _asks_for_a_list(known: frozenset[str], guess: intents.Guess) -> bool:
    return bool(known & {"list", "number"}) or guess.probability >= 0.7


def _only_a_slot(clause: str, numbers: Sequence[str]) -> str | None:
    """A message that is nothing but a number, a code, a yes or a no."""
    left = re.sub(r"\W+", "", slots.without_orders(clause))
    if numbers and (not left or re.fullmatch(r"\W*#?\d{5}\W*", clause)):
        return "provide_order_number"
    if slots.one_time_code(clause) and len(words(clause)) <= 8 and not numbers:
        return "provide_code"
    said, others = slots.yes_or_no(clause), set(words(clause)[1:])
    if (
        said is not None
        and others <= _ASSENT
        and not cues.is_settled(clause)
        and not set(concepts(clause)) & {"cancel", "refund", "thanks"}
    ):
        return "yes" if said else "no"
    return None


def _act(clause: str, label: str | None, known: frozenset[str], *, has_number: bool) -> str | None:
    """An act, if the words of acting are there, it is not denied, and it is not a question of how things work."""
    if cues.is_negated(clause):
        return None
    how = cues.asks_how(clause) and not cues.demands(clause)
    subscription = "subscription" in known or bool(slots.subscription_ids(clause))
    if known & {"cancel", "terminate"} and subscription and not how and label not in ("subscription_question",):
        return "cancel_subscription"
    if label == "cancel_subscription" and subscription and not how:
        return "cancel_subscription"
    if has_number is False and _CONDITION.search(fold(clause)):
        return None
    if (label == "cancel_order" and not how and (known & {"cancel", "order"} or has_number)) or (
        "cancel" in known and has_number and not how
    ):
        return "cancel_order"
    plainly = bool(_REFUND_ASKED.search(fold(clause)))
    if (
        plainly
        and not how
        and (label == "refund" or (has_number and not _asks_after(clause)) or (cues.demands(clause) and label != "refund_question"))
    ):
        return "refund"
    if (label == "change_address" and known & {"address", "moved"}) or known >= {"address", "moved"}:
        return "change_address"
    if (
        "address" in known
        and has_number
        and not how
        and (cues.demands(clause) or label != "order_status")
        and label not in ("order_status", "provide_order_number")
    ):
        return "change_address"
    return None


def _asks_after(clause: str) -> bool:
    return bool(
        re.search(r"\b(?:where is|has my|have you|status|arrived|received|wo ist|wo bleibt|schon|donde esta|ya|ou est)\b", fold(clause))
    )


def _lookup(clause: str, label: str | None, known: frozenset[str], *, has_number: bool) -> str:
    """What is looked up rather than read in the help centre: somebody's own orders and subscriptions."""
    mine = bool(_MINE.search(fold(clause)))
    if label == "subscription_question" or (slots.subscription_ids(clause) and not has_number):
        personal = (
            slots.subscription_ids(clause)
            or (mine and not cues.asks_how(clause))
            or re.search(
                r"\b(?:which|what|welche|que) (?:subscriptions?|plan|abos?|suscripcion\w*)\b|next box|nachste box|proxima caja|my plan",
                fold(clause),
            )
        )
        return (
            "list_subscriptions"
            if personal and not re.search(r"\b(?:can i|how|pause|skip|kann ich|wie|puedo|como)\b", fold(clause))
            else "question"
        )
    if label == "refund_question":
        return "refund_status" if has_number else "question"
    if label == "list_orders":
        return "list_orders"
    if label in (
        "return_or_exchange",
        "warranty_question",
        "product_care_question",
        "shipping_question",
        "sizing_question",
    ) and not known & {"track"}:
        return "question"
    if label == "provide_order_number":
        return "provide_order_number"
    if not (has_number or known & _ORDERISH or "status" in known or (mine and "where" in known)):
        return "question" if cues.is_question(clause) else "unclear"
    return "order_status"


def open_wish(conversation: Conversation) -> Wish | None:
    """The latest act or lookup that the agent answered with a question of its own, with all said since."""
    pairs = conversation.bursts
    said_since: list[str] = []
    for asked, answered in reversed(pairs):
        if said_since and not _still_open(answered):
            return None
        found = [wish for wish in wishes(asked, conversation.context.language) if wish.kind in ACTS | LOOKUPS]
        if found:
            chosen = _continued(found, answered, "\n".join(reversed(said_since)))
            return Wish(chosen.kind, chosen.text, chosen.burst, "\n".join(reversed(said_since)), chosen.number)
        said_since.append(asked)
    return None


def _still_open(answered: str) -> bool:
    if replies.says(answered, "welcome", "all_right", "greeting", "goodbye", "settled"):
        return False
    return replies.says(answered, *ASKS) or answered.rstrip().endswith(("?", "؟")) or bool(re.search(r"[?؟]", answered))


def _continued(found: Sequence[Wish], answered: str, since: str) -> Wish:
    """Of several wishes the one the agent's last question quotes, else the first."""
    if replies.says(answered, "also_asked"):
        later = [wish for wish in found[1:] if wish.text[:60] in answered or (wish.number and wish.number in answered.rsplit("“", 1)[-1])]
        return (later or list(found[1:]) or list(found))[0]
    return found[0]


def is_answer_to_us(burst: str, conversation: Conversation) -> bool:
    """Whether a burst answers the question the agent ended with, and begins nothing new."""
    before = conversation.bursts[:-1]
    last_answer = before[-1][1] if before else ""
    if not last_answer or not _still_open(last_answer):
        return False
    asked_for_slot = replies.says(last_answer, *ASKS)
    kinds = {wish.kind for wish in wishes(burst, conversation.context.language)}
    if kinds & {*ACTS, *HANDOFFS, "list_orders", "list_subscriptions"}:
        # "Refund N-20377" after "Which order?" repeats the wish with its number: it stands on its own.
        return False
    if asked_for_slot and not (kinds <= {"question"} and "?" in burst):
        return not kinds & {"thanks_settled", "goodbye", "is_it_ai", "not_helped", "thanks", "greeting"}
    return bool(kinds & {"provide_order_number", "yes", "no", "provide_code"})


def last_question(conversation: Conversation, before: int = 1) -> str:
    """The customer's latest earlier question that the help centre was for; empty when there is none."""
    pairs = conversation.bursts
    for asked, _ in reversed(pairs[: len(pairs) - before]):
        for wish in wishes(asked, conversation.context.language):
            if wish.kind == "question":
                return wish.text
    return ""


def continues(text: str) -> bool:
    """Whether a burst takes up what was before without asking how something works: "And the tent pole?"."""
    plain = fold(text).strip()
    begun = _AND_WHAT_ABOUT.match(plain)
    return (
        bool(begun)
        and not cues.asks_how(plain[begun.end() :] if begun else plain)
        and not re.search(r"\b(?:can i|kann ich|puedo|how long|how much)\b", plain)
    )


def leans_on_before(text: str) -> bool:
    """Whether a question cannot stand alone: "And to Austria?", "How long does it take?"."""
    plain = fold(text).strip()
    few = len([word for word in words(text) if len(word) > 3]) <= 4
    return few and (bool(_AND_WHAT_ABOUT.search(plain)) or (bool(_POINTING.search(plain)) and len(concepts(text)) <= 2))


def query(text: str, *, without: Sequence[str] = ()) -> str:
    """A question as a search: no courtesies, no addresses of people, no order numbers; at most 300 characters."""
    clean = slots.without_email(slots.without_orders(text))
    for name in without:
        clean = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", " ", clean, flags=re.I) if name else clean
    clean = " ".join(_POLITE.sub(" ", clean).split()).strip(" ,.!-")
    return (clean or " ".join(text.split()))[:300]
