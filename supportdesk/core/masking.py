"""Card numbers, passwords and tokens never reach the database: what a customer should not have sent is masked before it is stored.

`masked(text)` gives the text with marks in their place (`•••• 4242`, `••••••`), which display, model, logs and programs then see.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

MARK = "••••••"
# Below this many bytes a file's text is looked through; larger ones are stored as they are.
MAX_TEXT_FILE = 512 * 1024

# Digits with single spaces or dashes between them, standing alone. Letters before or after belong to an order or a parcel, and what
# looks like the beginning of an IBAN makes the rest a bank account.
_DIGITS = re.compile(r"(?<![\w.+/#-])(?<![A-Z]{2}\d\d[ \u00a0])\d(?:[ \u00a0-]?\d){12,}(?!\w|[./-]\d)")
# How card numbers are written: in one piece, in fours, or as Amex and Diners do.
_GROUPS = frozenset(
    {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 4, 4, 2), (4, 4, 4, 4, 1), (4, 4, 4, 3), (4, 4, 4, 2), (4, 4, 4, 1)}
    | {(length,) for length in range(13, 20)}
)
# What the numbers of the networks begin with, and how long they are.
_NETWORKS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[68]\d|9\d)\d{11}(?:\d{2,5})?|35(?:2[89]|[3-8]\d)\d{12,15}|6(?:011|4[4-9]\d|5\d\d|2\d\d)\d{12,15}"
    r"|(?:50|5[678])\d{11,17}|6304\d{12,15}|67(?:59|6[0-3])\d{9,15}"
)

_PIECES = (
    # Stripe, and keys of the same make, our own among them.
    r"\b(?:sk|rk|pk|sd)_(?:live|test)_[A-Za-z0-9]{6,}(?:_[A-Za-z0-9_-]{8,})?|\bwhsec_[A-Za-z0-9+/=]{16,}",
    r"\b(?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{16}\b",
    r"\b(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{30,}\b|\bgithub_pat_[A-Za-z0-9_]{40,}\b",
    r"\bglpat-[A-Za-z0-9_-]{20,}",
    r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}|\bxapp-\d-[A-Za-z0-9-]{10,}",
    r"\bAIza[A-Za-z0-9_-]{35}|\bya29\.[A-Za-z0-9_-]{20,}|\bGOCSPX-[A-Za-z0-9_-]{20,}",
    r"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}",
    r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b",
    r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
    # A visitor's chat token: 24 hex digits, a dot, 32 characters.
    r"\b[0-9a-f]{24}\.[A-Za-z0-9_-]{32}(?![A-Za-z0-9_-])",
)
TOKENS = re.compile("|".join(_PIECES))
# What each of them begins with: most texts hold none, and this is quicker to see.
_HINTS = ("_", "AKIA", "ASIA", "AGPA", "AIDA", "AROA", "glpat-", "xox", "xapp-", "AIza", "ya29.", "GOCSPX-", "sk-", "SG.", "eyJ")
_VISITOR = re.compile(r"[0-9a-f]{24}\.")
KEY_BLOCKS = re.compile(r"-----BEGIN (?P<kind>[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?)-----[\s\S]*?(?:-----END (?P=kind)-----|\Z)")

_WORDS = (
    r"password|passwd|passphrase|pwd|pass[ -]?code"
    r"|passwort|kennwort|passwörter|contraseña|contrasena|clave(?: de acceso| secreta)?|mot de passe|mdp|كلمة (?:المرور|السر)"
)
_IS = r"is now|is|was|lautet|war|ist|es|era|est|était|هي"
# A word for it, then `is`, `:` or `=`, then what it is. Without `:` or `=` only what no sentence would go on with counts.
_SAID = re.compile(
    rf"(?i)\b(?P<lead>(?:{_WORDS})\b[^\S\n]{{0,3}}(?:\([^)\n]{{0,30}}\)[^\S\n]{{0,2}})?"
    rf"(?P<sign>[:=]|(?:{_IS})\b(?:[^\S\n]{{0,2}}[:=])?)[^\S\n]{{0,3}})"
    r"(?P<quote>[\"'`„“«‘]?)(?P<secret>[^\s\"'`“”»’<>]{4,64})"
)
_AT_HAND = re.compile(rf"(?i){_WORDS}")


@dataclass(frozen=True)
class Found:
    """Where something to mask stands, what it is, and what stands there instead."""

    start: int
    end: int
    kind: str
    mark: str


def masked(text: str) -> str:
    """The text without card numbers, passwords and tokens."""
    found = findings(text)
    if not found:
        return text
    parts, at = [], 0
    for each in found:
        parts += [text[at : each.start], each.mark]
        at = each.end
    return "".join([*parts, text[at:]])


def masked_file(content: bytes) -> bytes:
    """The bytes of a file, masked where they are text in UTF-8; of other files nothing is read."""
    if len(content) > MAX_TEXT_FILE or b"\x00" in content:
        return content
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return content
    changed = masked(text)
    return content if changed == text else changed.encode()


def findings(text: str) -> list[Found]:
    """Everything to mask in the text, in order and apart from one another."""
    found: list[Found] = []
    for look in LOOKS:
        found += look(text)
    apart: list[Found] = []
    for each in sorted(found, key=lambda one: (one.start, -one.end)):
        if not apart or each.start >= apart[-1].end:
            apart.append(each)
    return apart


def _keys(text: str) -> list[Found]:
    if "PRIVATE KEY" not in text:
        return []
    return [Found(*hit.span(), "key", MARK) for hit in KEY_BLOCKS.finditer(text)]


def _tokens(text: str) -> list[Found]:
    if not any(hint in text for hint in _HINTS) and not _VISITOR.search(text):
        return []
    return [Found(*hit.span(), "token", MARK) for hit in TOKENS.finditer(text)]


def _passwords(text: str) -> list[Found]:
    if not _AT_HAND.search(text):
        return []
    found = []
    for hit in _SAID.finditer(text):
        end = hit.end("secret")
        # The full stop or comma of the sentence is not part of it.
        while end > hit.start("secret") + 4 and text[end - 1] in ".,;:!?)":
            end -= 1
        said = text[hit.start("secret") : end]
        if _is_secret(said, is_told=hit["sign"].endswith((":", "=")) or bool(hit["quote"])):
            found.append(Found(hit.start("secret"), end, "password", MARK))
    return found


def _is_secret(said: str, *, is_told: bool) -> bool:
    if "•" in said or said.startswith(("http://", "https://")):
        return False
    has_digit = any(char.isdigit() for char in said)
    has_sign = any(not char.isalnum() and char not in "'’-" for char in said)
    has_case = said != said.lower() and not (said[0].isupper() and said[1:] == said[1:].lower())
    # "The password is wrong" tells a state; "password: hunter" tells a password.
    return has_digit or has_sign or has_case or (is_told and said.lower() not in ORDINARY)


# What follows a colon in ordinary sentences about passwords.
_ORDINARY = """
forgotten forgot reset wrong invalid incorrect expired what where when which please help this that does doesn't cannot can't will
vergessen falsch ungültig abgelaufen bitte warum olvidada incorrecta inválida caducada oublié oubliée invalide expiré
none unknown required optional hidden show change changed
"""
ORDINARY = frozenset(_ORDINARY.split())


def _cards(text: str) -> list[Found]:
    return [found for hit in _DIGITS.finditer(text) if (found := _card_in(hit))]


def _card_in(hit: re.Match[str]) -> Found | None:
    """The card number a run of digits begins or ends with: an expiry date, a check code or an order number may stand beside it."""
    run = hit[0].replace("\u00a0", " ").replace("-", " ")
    parts = run.split(" ")
    many = len(parts)
    for first, last in {(0, end) for end in range(1, min(many, 5) + 1)} | {(start, many) for start in range(max(0, many - 5), many)}:
        digits = "".join(parts[first:last])
        if tuple(map(len, parts[first:last])) in _GROUPS and _NETWORKS.fullmatch(digits) and luhn(digits):
            start = hit.start() + sum(map(len, parts[:first])) + first
            return Found(start, start + len(digits) + last - first - 1, "card", f"•••• {digits[-4:]}")
    return None


def luhn(digits: str) -> bool:
    """Whether the check digit is right."""
    total = 0
    for index, char in enumerate(reversed(digits)):
        value = ord(char) - 48
        if index % 2:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return total % 10 == 0


LOOKS: tuple[Callable[[str], list[Found]], ...] = (_keys, _tokens, _passwords, _cards)
