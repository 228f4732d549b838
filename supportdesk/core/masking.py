"""Card numbers, passwords and tokens never reach the database: what a customer should not have sent is masked before it is stored.

`masked(text)` gives the text with marks in their place (`•••• 4242`, `••••••`), which display, model, logs and programs then see.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

MARK = "••••••"
# Below this many bytes a file's text is looked through; larger ones are stored as they are.
MAX_TEXT_FILE = 512 * 1024

# Digits with up to two spaces, dots or dashes of any kind between them; lines are apart.
_BETWEEN = r"[ \t\u00a0\u2000-\u200f\u202f\u205f\u2060\u3000.‐‑–-]"
_DIGITS = re.compile(rf"(?<!\d)\d(?:{_BETWEEN}{{0,2}}\d){{12,}}")
_GROUP = re.compile(r"\d+")
_FOREIGN_DIGIT = re.compile(r"(?![0-9])\d")
# What a run of digits begins after: letters and some signs belong to an order or a parcel, others only where it stands in one piece.
_IN_A_WORD = re.compile(r"[\w+/-]\Z")
_IN_ONE_PIECE = re.compile(r"(?<!\bcc)(?<!\bcard)(?<!\bkarte)(?<!\bcarte)(?<!\btarjeta)[#.]\Z", re.IGNORECASE)
_IBAN = re.compile(r"[A-Z]{2}\Z")
IBAN_DIGITS = 22
_FRACTION = re.compile(r"\.\d")
# Twice each digit, its digits added.
_DOUBLED = str.maketrans("0123456789", "0246813579")
# What it ends before: letters, or what makes it part of a path. A month and a year do not.
_GOES_ON = re.compile(r"\w|/(?!(?:0?[1-9]|1[0-2])[/-]?(?:20)?\d\d\b)\d")
# How card numbers are written: in one piece, in fours, or as Amex and Diners do.
_GROUPS = frozenset(
    {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 4, 4, 2), (4, 4, 4, 4, 1), (4, 4, 4, 3), (4, 4, 4, 2), (4, 4, 4, 1)}
    | {(length,) for length in range(13, 20)}
)
# What the numbers of the networks begin with, and how long they are. Visa's old ones of 13 digits look like the EAN of a product.
_NETWORKS = re.compile(
    r"4(?:\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
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
    r"(?<![\w-])eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
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
    # Between quotes it may have several words.
    r"(?:[\"'`„“«‘](?P<phrase>[^\n\"`“”»<>]{4,100}?)(?=[\"'`“”»’](?!\w))|(?P<quote>[\"'`„“«‘]?)(?P<secret>[^\s\"'`“”»’<>]{4,64}))"
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
        if hit["phrase"]:
            if any(_is_secret(word, is_told=True) for word in hit["phrase"].split()):
                found.append(Found(*hit.span("phrase"), "password", MARK))
            continue
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
    # The same length, so that what is found here stands there.
    plain = text if text.isascii() else _FOREIGN_DIGIT.sub(lambda hit: str(unicodedata.decimal(hit[0])), text)
    return [found for hit in _DIGITS.finditer(plain) for found in _cards_in(plain, hit)]


def _cards_in(text: str, run: re.Match[str]) -> list[Found]:
    """The card numbers among the groups of a run of digits: dates, check codes, order numbers, other cards may stand beside them."""
    groups = [hit.span() for hit in _GROUP.finditer(text, *run.span())]
    before = text[max(0, run.start() - 10) : run.start()]
    first, last = _first_group(groups, before), len(groups) - bool(_GOES_ON.match(text, run.end()))
    sizes = tuple(end - start for start, end in groups)
    found: list[Found] = []
    for at in range(first, last):
        if sizes[at] != 4 and sizes[at] < 13:
            continue
        for many in (1,) if sizes[at] != 4 else (4, 3, 5):
            if at + many > last or sizes[at : at + many] not in _GROUPS:
                continue
            start, end = groups[at][0], groups[at + many - 1][1]
            digits = text[start:end] if many == 1 else "".join([text[one:other] for one, other in groups[at : at + many]])
            if not (_NETWORKS.fullmatch(digits) and luhn(digits)):
                continue
            # A fraction has a dot before or after all its digits.
            if many == 1 and (_IN_ONE_PIECE.search(text[max(0, start - 10) : start]) or _FRACTION.match(text, end)):
                continue
            if found and start < found[-1].end:
                # Which of two that overlap is the card cannot be told: both go.
                start = found.pop().start
            found.append(Found(start, end, "card", f"•••• {digits[-4:]}"))
            break
    return found


def _first_group(groups: list[tuple[int, int]], before: str) -> int:
    """Where the first card of the run may begin: not within a word, and not within a bank account."""
    if not _IN_A_WORD.search(before):
        return 0
    if _IBAN.search(before) and groups[0][1] - groups[0][0] == 2:
        past = 2
        for index, (start, end) in enumerate(groups[1:], 1):
            past += end - start
            if end - start < 4 or past >= IBAN_DIGITS:
                return index + 1
        return len(groups)
    return 1


def luhn(digits: str) -> bool:
    """Whether the check digit is right."""
    return (sum(map(int, digits[::-2])) + sum(map(int, digits[-2::-2].translate(_DOUBLED)))) % 10 == 0


LOOKS: tuple[Callable[[str], list[Found]], ...] = (_keys, _tokens, _passwords, _cards)
