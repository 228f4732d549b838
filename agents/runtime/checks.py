"""Pre-send checks: what a reply must hold before a customer may see it. Pure: text and evidence in, findings out."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from agents.runtime.claims import claimed
from agents.runtime.language import guess

MARKER = re.compile(r"\[(\d{1,2})\]")
NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
URL = re.compile(r"(?:https?://|www\.)[^\s<>()\[\]]+", re.IGNORECASE)
EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+\w")
CARD = re.compile(r"\b(?:\d[ -]?){13,19}\b")
PERCENT = re.compile(r"(\d+(?:[.,]\d+)?)\s?(?:%|٪|per ?cent|prozent|por ciento|pour ?cent)", re.IGNORECASE)
# Addresses that a client may turn into a link although nothing marks them as one.
BARE_HOST = re.compile(
    r"(?<![@\w./-])((?:[a-z0-9-]+\.)+(?:[a-z]{2,}(?=/)|(?:com|net|org|io|info|biz|co|me|dev|app|ai|xyz|link|click|ru|cn|tk|de|es|fr|uk|eu)\b))",
    re.IGNORECASE,
)
TARGET = re.compile(r"\]\(\s*<?([^)\s>]*)")
TRICKS = (
    (re.compile(r"!\["), "holds an image"),
    (re.compile(r"(?<![:\w])//[\w-]+\."), "links without a scheme"),
    (re.compile(r"\b(?:javascript|data|vbscript|mailto|tel|file|ftp|sms):\S", re.IGNORECASE), "links by another scheme"),
    (re.compile(r"<[a-z!/][^>]*>", re.IGNORECASE), "holds HTML"),
)
MAX_LENGTH = 4_000
# So many words in a row, said just as the prompt says them, are the prompt.
PROMPT_WORDS = 7
CONTEXT_SIGNS = ("<context>", "</context>", '"identity":', '"failed_turns":', '"trigger":')
TOOLS_OF_CLAIM = {
    "refund": frozenset({"create_refund", "cancel_order"}),
    "cancel": frozenset({"cancel_order", "cancel_subscription"}),
    "change_address": frozenset({"change_address"}),
}
ALWAYS_FINE = frozenset({"24", "7"})


@dataclass(frozen=True)
class Evidence:
    """What a reply may rest on."""

    sources: Sequence[dict[str, object]]
    texts: Sequence[str] = ()
    customer_texts: Sequence[str] = ()
    done_tools: frozenset[str] = frozenset()
    past_states: frozenset[str] = frozenset()
    allowed_hosts: frozenset[str] = frozenset()
    language: str = "en"
    needs_source: bool = False
    prompt: str = ""


@dataclass(frozen=True)
class Finding:
    """One check's result, with the reason when it did not pass."""

    name: str
    passed: bool
    why: str = ""


@dataclass(frozen=True)
class Findings:
    """All results."""

    all: tuple[Finding, ...] = field(default_factory=tuple)

    @property
    def passed(self) -> bool:
        """Whether the reply may be sent."""
        return all(each.passed for each in self.all)

    @property
    def why(self) -> str:
        """The first reason against it."""
        return next((f"{each.name}: {each.why}" for each in self.all if not each.passed), "")


def examine(reply: str, evidence: Evidence) -> Findings:
    """Run every check."""
    return Findings(
        (
            _grounded(reply, evidence),
            _claims(reply, evidence),
            _language(reply, evidence),
            _links(reply, evidence),
            _personal_data(reply, evidence),
            _prompt(reply, evidence),
            _length(reply),
        )
    )


def _grounded(reply: str, evidence: Evidence) -> Finding:
    numbers = {int(each) for each in MARKER.findall(reply)}
    known = {int(str(source["n"])) for source in evidence.sources}
    if numbers - known:
        return Finding("grounded", False, f"cites a source that was not found: {sorted(numbers - known)}")
    if evidence.needs_source and not numbers:
        return Finding("grounded", False, "answers from the help centre without a citation")
    cited = [f"{source.get('title', '')} {source.get('text', '')}" for source in evidence.sources if int(str(source["n"])) in numbers]
    backing = " ".join([*cited, *evidence.texts, *evidence.customer_texts])
    figures = set(map(_figure, NUMBER.findall(backing))) | ALWAYS_FINE
    bare = MARKER.sub(" ", reply)
    invented = [figure for figure in NUMBER.findall(bare) if _figure(figure) not in figures and not _is_list_mark(bare, figure)]
    if invented:
        return Finding("grounded", False, f"figures without a source: {', '.join(invented[:4])}")
    shares = set(map(_figure, PERCENT.findall(backing)))
    if wrong := [share for share in PERCENT.findall(bare) if _figure(share) not in shares]:
        return Finding("grounded", False, f"percentages without a source: {', '.join(wrong[:4])}")
    return Finding("grounded", True)


def _figure(text: str) -> str:
    """One spelling per figure: 64,00 and 64.00 and 64 are the same, 1.234,50 and 1,234.50 too."""
    digits = "".join(str(unicodedata.digit(char)) if char.isdigit() else char for char in text).replace(",", ".")
    head, _dot, tail = digits.rpartition(".")
    if head and len(tail) in (1, 2) and ":" not in text:
        return f"{head.replace('.', '').lstrip('0') or '0'}.{tail.rstrip('0')}".rstrip(".")
    return digits.replace(".", "").lstrip("0") or "0"


def _is_list_mark(text: str, figure: str) -> bool:
    return bool(re.search(rf"(?m)^\s*{re.escape(figure)}[.)]\s", text))


def _claims(reply: str, evidence: Evidence) -> Finding:
    for act, words in claimed(reply, quoted=[str(source.get("text", "")) for source in evidence.sources]):
        if not TOOLS_OF_CLAIM[act] & evidence.done_tools and act not in evidence.past_states:
            return Finding("claims", False, f"says “{words}”, which is not in the ledger")
    return Finding("claims", True)


def _language(reply: str, evidence: Evidence) -> Finding:
    bare = URL.sub(" ", MARKER.sub(" ", reply))
    if sum(char.isalpha() for char in bare) < 60:
        return Finding("language", True)
    code, sure = guess(bare)
    if code != evidence.language and sure > 0.95:
        return Finding("language", False, f"written in {code}, the customer writes {evidence.language}")
    return Finding("language", True)


def _links(reply: str, evidence: Evidence) -> Finding:
    for link in URL.findall(reply):
        if (host := _host(link)) not in evidence.allowed_hosts:
            return Finding("links", False, f"links to {host}")
    for host in BARE_HOST.findall(EMAIL.sub(" ", URL.sub(" ", reply))):
        if host.lower() not in evidence.allowed_hosts:
            return Finding("links", False, f"names {host}")
    for target in TARGET.findall(reply):
        if not target.lower().startswith(("https://", "http://")) and not (target.startswith("/") and target[1:2] not in ("/", "\\")):
            return Finding("links", False, "links to no page of ours")
    for trick, why in TRICKS:
        if trick.search(reply):
            return Finding("links", False, why)
    return Finding("links", True)


def _host(link: str) -> str:
    try:
        return (urlsplit(link if "://" in link else f"https://{link}").hostname or "").lower()
    except ValueError:
        return link


def _personal_data(reply: str, evidence: Evidence) -> Finding:
    backing = " ".join([*evidence.texts, *evidence.customer_texts, *(str(source.get("text", "")) for source in evidence.sources)]).lower()
    for email in EMAIL.findall(reply):
        if email.lower() not in backing:
            return Finding("personal_data", False, "names an address nobody gave")
    for number in CARD.findall(reply):
        if _luhn("".join(char for char in number if char.isdigit())):
            return Finding("personal_data", False, "holds a card number")
    return Finding("personal_data", True)


def _prompt(reply: str, evidence: Evidence) -> Finding:
    if any(sign in reply for sign in CONTEXT_SIGNS):
        return Finding("prompt", False, "shows the context block")
    known = _runs(" ".join(str(source.get("text", "")) for source in evidence.sources))
    if _runs(reply) & (_runs(evidence.prompt) - known):
        return Finding("prompt", False, "repeats the prompt")
    return Finding("prompt", True)


def _runs(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return {tuple(words[at : at + PROMPT_WORDS]) for at in range(len(words) - PROMPT_WORDS + 1)}


def _length(reply: str) -> Finding:
    fits = len(reply) <= MAX_LENGTH
    return Finding("length", fits, "" if fits else f"longer than {MAX_LENGTH} characters")


def _luhn(digits: str) -> bool:
    doubled = [int(digit) * (2 if index % 2 else 1) for index, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
