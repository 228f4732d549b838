"""Pre-send checks: what a reply must hold before a customer may see it. Pure: text and evidence in, findings out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from agents.runtime.language import guess

MARKER = re.compile(r"\[(\d{1,2})\]")
NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
URL = re.compile(r"(?:https?://|www\.)[^\s<>()\[\]]+", re.IGNORECASE)
EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+\w")
CARD = re.compile(r"\b(?:\d[ -]?){13,19}\b")
# Claims of an act, by the act: past tense of the agent's own doing, in the languages the agent writes.
CLAIMS: dict[str, re.Pattern[str]] = {
    "refund": re.compile(
        r"\b(i|we) (have |'ve |just )*(refunded|issued (you )?a refund|reimbursed)|\b(has|have) been refunded|\bis refunded\b"
        r"|\b(ich|wir) (habe|haben)\b.{0,60}\b(erstattet|zurückgezahlt)|wurde(n)? (dir |ihnen )?.{0,30}erstattet"
        r"|\b(he|hemos) (reembolsado|devuelto)|se (ha|han) reembolsado|\bj'ai remboursé|a été remboursé",
        re.IGNORECASE,
    ),
    "cancel": re.compile(
        r"\b(i|we) (have |'ve |just )*cancel+ed|\b(has|have) been cancel+ed|\b(ich|wir) (habe|haben)\b.{0,60}\b(storniert|gekündigt)"
        r"|wurde(n)? .{0,30}(storniert|gekündigt)|\b(he|hemos) cancelado|se ha cancelado|\bj'ai annulé|a été annulée?",
        re.IGNORECASE,
    ),
    "change_address": re.compile(
        r"\b(i|we) (have |'ve |just )*(changed|updated) (the|your) (delivery |shipping )?address|address has been (changed|updated)"
        r"|\b(ich|wir) (habe|haben)\b.{0,60}\badresse\b.{0,40}\bgeändert|\b(he|hemos) (cambiado|actualizado) .{0,30}dirección",
        re.IGNORECASE,
    ),
}
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
    return Finding("grounded", True)


def _figure(text: str) -> str:
    """One spelling per figure: 64,00 and 64.00 and 64 are the same, 1.234,50 and 1,234.50 too."""
    digits = text.replace(",", ".")
    head, _dot, tail = digits.rpartition(".")
    if head and len(tail) in (1, 2) and ":" not in text:
        return f"{head.replace('.', '').lstrip('0') or '0'}.{tail.rstrip('0')}".rstrip(".")
    return digits.replace(".", "").lstrip("0") or "0"


def _is_list_mark(text: str, figure: str) -> bool:
    return bool(re.search(rf"(?m)^\s*{re.escape(figure)}[.)]\s", text))


def _claims(reply: str, evidence: Evidence) -> Finding:
    for act, pattern in CLAIMS.items():
        if (found := pattern.search(reply)) and not TOOLS_OF_CLAIM[act] & evidence.done_tools and act not in evidence.past_states:
            return Finding("claims", False, f"says “{found.group(0)}”, which is not in the ledger")
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
        host = (urlsplit(link if "://" in link else f"https://{link}").hostname or "").lower()
        if host not in evidence.allowed_hosts:
            return Finding("links", False, f"links to {host}")
    if re.search(r"!\[[^\]]*\]\(", reply):
        return Finding("links", False, "holds an image")
    return Finding("links", True)


def _personal_data(reply: str, evidence: Evidence) -> Finding:
    backing = " ".join([*evidence.texts, *evidence.customer_texts, *(str(source.get("text", "")) for source in evidence.sources)]).lower()
    for email in EMAIL.findall(reply):
        if email.lower() not in backing:
            return Finding("personal_data", False, "names an address nobody gave")
    for number in CARD.findall(reply):
        if _luhn("".join(char for char in number if char.isdigit())):
            return Finding("personal_data", False, "holds a card number")
    return Finding("personal_data", True)


def _luhn(digits: str) -> bool:
    doubled = [int(digit) * (2 if index % 2 else 1) for index, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
