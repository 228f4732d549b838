"""Words of text in several languages: folding, stems, sentences and a small lexicon of concepts."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from threading import Lock

DATA = Path(__file__).parent / "data"


@lru_cache(maxsize=8)
def _sections(file: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for line in (DATA / f"{file}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("[") and line.endswith("]") and line[1:-1].isidentifier():
            name = line[1:-1]
            found[name] = []
        elif line.strip() and found:
            found[name].append(line)
    return {name: tuple(lines) for name, lines in found.items()}


def section(file: str, name: str) -> tuple[str, ...]:
    """The lines under `[name]` of a data file."""
    return _sections(file)[name]


def word_list(name: str) -> tuple[str, ...]:
    """The words of data/lists.txt under a name, each once."""
    return tuple(dict.fromkeys(word for line in section("lists", name) for word in line.split()))


@lru_cache(maxsize=64)
def cue(name: str) -> re.Pattern[str]:
    """The pattern of data/cues.txt under a name: its lines as alternatives, `<other>` standing for another cue's lines."""
    return re.compile(_cue_text(name), re.I)


def _cue_text(name: str) -> str:
    joined = "|".join(f"(?:{line})" for line in section("cues", name))
    return re.sub(r"<(\w+)>", lambda match: f"(?:{_cue_text(match[1])})" if match[1] in _sections("cues") else match[0], joined)


STEMMERS = {
    "ar": "arabic",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fr": "french",
    "it": "italian",
    "nl": "dutch",
    "pt": "portuguese",
    "sv": "swedish",
}
_WORD = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)?")
_ARABIC_ARTICLE = re.compile(r"^(?:وال|بال|كال|فال|ال|لل)(?=\w{3})")
_stemming = Lock()


@lru_cache(maxsize=16_384)
def fold(text: str) -> str:
    """Text in lower case without accents, so that `Größe` and `grosse` meet."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("’", "'"))
    return "".join(mark for mark in plain if not unicodedata.combining(mark))


def words(text: str) -> list[str]:
    """The folded words of a text, in order."""
    return _WORD.findall(fold(text))


@lru_cache(maxsize=16)
def _stemmer(language: str) -> Callable[[str], str]:
    import snowballstemmer

    make: Callable[[str], str] = snowballstemmer.stemmer(STEMMERS.get(language, "english")).stemWord
    return make


@lru_cache(maxsize=65_536)
def stem(word: str, language: str = "en") -> str:
    """One folded stem; a language without a stemmer gets the English one."""
    with _stemming:
        return fold(_stemmer(language)(_ARABIC_ARTICLE.sub("", word)))


@lru_cache(maxsize=1)
def _lexicon() -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """(whole words, prefixes, phrases) of data/concepts.txt, each to its concept."""
    whole: dict[str, str] = {}
    prefixes: dict[str, str] = {}
    phrases: dict[str, str] = {}
    for line in (DATA / "concepts.txt").read_text(encoding="utf-8").splitlines():
        name, found, members = line.partition(":")
        if line.startswith("#") or not found:
            continue
        for member in members.split():
            form = fold(member).replace("_", " ")
            place = prefixes if form.endswith("*") else phrases if " " in form else whole
            place.setdefault(form.rstrip("*"), name)
    return whole, prefixes, phrases


@lru_cache(maxsize=32_768)
def concept(word: str) -> str | None:
    """The concept of one folded word, by whole word first and then by its longest known prefix."""
    whole, prefixes, _ = _lexicon()
    if word in whole:
        return whole[word]
    bare = _ARABIC_ARTICLE.sub("", word)
    if bare in whole:
        return whole[bare]
    for length in range(len(word), 2, -1):
        if word[:length] in prefixes:
            return prefixes[word[:length]]
    return None


@lru_cache(maxsize=8_192)
def concepts(text: str) -> tuple[str, ...]:
    """Concepts a text speaks of, phrases before words, each once, in order."""
    plain = f" {' '.join(words(text))} "
    found = [name for phrase, name in _lexicon()[2].items() if f" {phrase.rstrip('*')} " in plain or f" {phrase} " in plain]
    found += [name for word in plain.split() if (name := concept(word))]
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=512)
def canonical(name: str, language: str = "en") -> str:
    """A word for a concept, to ask a source of a language in its own words; in English where that language has no list."""
    if own := dict(line.split(None, 1) for line in _sections("canonical").get(language, ())).get(name):
        return own
    for line in (DATA / "concepts.txt").read_text(encoding="utf-8").splitlines():
        head, found, members = line.partition(":")
        if found and head == name and not line.startswith("#"):
            return members.split()[0].rstrip("*").replace("_", " ")
    return name


_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|z\.\s?b|d\.\s?h|p\.\s?ej|approx|ca|bzw|inkl|ggf|nr|no|vs|etc|mr|mrs|dr|st|usw|art|max|min|tel)|\b\w)\.$", re.I
)
_BREAK = re.compile(r"(?<=[.!?…؟。])[\"'”»)\]]*\s+|\n+")
_MARKUP = re.compile(r"^\s*(?:#{1,6}\s+|[-*•–]\s+|>\s+|\|)|\*\*|__|`|\|\s*$")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")


def plain(line: str) -> str:
    """A line without Markdown marks, links reduced to their words."""
    return " ".join(_MARKUP.sub("", _LINK.sub(r"\1", line)).split())


@lru_cache(maxsize=4_096)
def sentences(text: str) -> tuple[str, ...]:
    """Sentences of prose or Markdown; a lead line ending in a colon takes its list items along."""
    parts: list[str] = []
    start = 0
    for match in _BREAK.finditer(text):
        piece = text[start : match.start()]
        if "\n" not in match.group() and _ABBREVIATION.search(piece):
            continue
        parts.append(text[start : match.end()].strip())
        start = match.end()
    parts.append(text[start:].strip())
    return tuple(_with_lists(parts))


def _with_lists(parts: Iterable[str]) -> list[str]:
    out: list[str] = []
    for part in parts:
        if part.startswith("#") or not (clean := plain(part)):
            continue
        is_item = bool(re.match(r"\s*(?:[-*•–]|\d+[.)])\s+", part))
        if is_item and out and (out[-1].endswith(":") or out[-1].endswith(";")):
            out[-1] = f"{out[-1]} {clean.rstrip('.;')};"
        else:
            out.append(clean)
    return [line.rstrip(";") + ("." if line.endswith(";") else "") for line in out]
