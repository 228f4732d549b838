"""The catalogues of locale/, and the sentences in the code that customers read."""

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("de", "es", "fr", "ar")
# Where the sentences of customers stand. Teammates' pages and the verbs only they use stay in English.
TEMPLATES = ("templates/chat", "templates/help", "templates/403.html", "templates/404.html", "templates/500.html")
MODULES = (
    "supportdesk/chat",
    "agents/actions/cards.py",
    "agents/actions/confirmations.py",
    "agents/actions/labels.py",
    "agents/runtime/handoff.py",
    "agents/runtime/outcomes.py",
    "tickets/identity.py",
    "tickets/receiving.py",
    "tickets/signed.py",
    "tickets/writing.py",
)
ARGUMENTS = {"_": 1, "gettext": 1, "gettext_lazy": 1, "ngettext": 2, "ngettext_lazy": 2, "pgettext": 2, "pgettext_lazy": 2, "npgettext": 3}
SPOKEN = re.compile(r"(?<!\w)(_|n?p?gettext)\((.*?)\)(?=\s|$)", re.DOTALL)

Key = tuple[str, ...]
"""A context (or an empty string) and the English sentence, with its plural if it counts something."""


@lru_cache
def written(language: str) -> Catalog:
    """The catalogue as translators wrote it."""
    with _path(language, "po").open("rb") as file:
        return read_po(file)


@lru_cache
def compiled(language: str) -> Catalog:
    """The catalogue as the product reads it."""
    with _path(language, "mo").open("rb") as file:
        return read_mo(file)


def _path(language: str, ending: str) -> Path:
    return ROOT / "locale" / language / "LC_MESSAGES" / f"django.{ending}"


def entries(catalogue: Catalog) -> dict[Key, tuple[str, ...]]:
    """Every sentence with its forms in the other language; the header left out."""
    return {key(message): _forms(message.string) for message in catalogue if message.id}


def key(message: Message) -> Key:
    """What the code asks for."""
    context: str | bytes = message.context or ""  # read_mo leaves it as bytes
    return (context.decode() if isinstance(context, bytes) else context, *_forms(message.id))


def _forms(words: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return (words,) if isinstance(words, str) else tuple(words)


def in_the_code() -> dict[Key, str]:
    """Every sentence customers can be shown, and one file that holds it."""
    found: dict[Key, str] = {}
    for place in TEMPLATES:
        for path in [ROOT / place] if place.endswith(".html") else sorted((ROOT / place).rglob("*.html")):
            found |= dict.fromkeys(_of_template(path.read_text()), str(path.relative_to(ROOT)))
    for place in MODULES:
        paths = [ROOT / place] if place.endswith(".py") else sorted((ROOT / place).rglob("*.py"))
        for path in paths:
            found |= dict.fromkeys(_of_module(path.read_text()), str(path.relative_to(ROOT)))
    return found


def _of_template(source: str) -> Iterator[Key]:
    """Django turns the template into calls of gettext between lines of padding."""
    for call in SPOKEN.finditer(templatize(source)):
        words = [ast.literal_eval(each) for each in re.findall(r"u?(?:'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")", call.group(2))]
        yield _key(call.group(1), words)


def _of_module(source: str) -> Iterator[Key]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ARGUMENTS:
            said = node.args[: ARGUMENTS[node.func.id]]
            yield _key(node.func.id, [ast.literal_eval(each) for each in said])


def _key(function: str, words: list[str]) -> Key:
    count = ARGUMENTS[function]
    return tuple(words[:count]) if function.removeprefix("n").startswith("p") else ("", *words[:count])
