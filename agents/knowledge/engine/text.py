"""What a search sees of a text: clean characters, words by language, sentences."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import local
from typing import Protocol

STEMMERS = {
    "ar": "arabic",
    "ca": "catalan",
    "cs": "czech",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "et": "estonian",
    "fi": "finnish",
    "fr": "french",
    "hi": "hindi",
    "hu": "hungarian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "nb": "norwegian",
    "nl": "dutch",
    "nn": "norwegian",
    "no": "norwegian",
    "pl": "polish",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "tr": "turkish",
}

# A faint word colours a question more than it asks it: found or missing, it says little about whether a page answers.
FAINT_WORTH = 0.3

# Scripts written without spaces between words, and Hangul, whose words carry their grammar with them.
_UNSPACED = (
    "\u0e01-\u0e4e\u0e81-\u0ecd\u1000-\u109f\u1780-\u17d3\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
)
_UNSPACED += "\U00020000-\U0003134f"
# Python's \w leaves out the vowel signs of Indic scripts.
_MARKS = "\u0300-\u036f\u064b-\u065f\u0670\u0900-\u0963\u0970-\u0dff"
_TOKEN = re.compile(rf"[{_UNSPACED}]+|(?:(?![{_UNSPACED}])[\w{_MARKS}])+")
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]")
_THAI_LIKE = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17d3]")

_HIDDEN_MARKS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0]")
_LETTERS = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ß": "ss", "ё": "е", "ى": "ي", "ة": "ه", "ـ": None}
)
_DROPPED_MARKS = re.compile("[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670]")
_GERMAN_TWO_LETTERS = re.compile(r"(?<![aeoq])([ou])e|(?<![aeo])(a)e")

_URL = re.compile(r"(?:https?://|ftp://|www\.)\S+", re.IGNORECASE)
_EMAIL = re.compile(r"(?:mailto:)?[\w.+%'-]+@[\w-]+(?:\.[\w-]+)*", re.IGNORECASE)
_PHONE = re.compile(r"(?<![\w-])(?:\+|00)?\(?\d[\d\s()./-]{6,}\d(?![\w-])")

_BREAK = re.compile(r"(?<=[.!?…])[\"'»”’)\]]*\s+|(?<=[。！？｡])[」』”）]*\s*|(?<=[؟۔।])\s*|\n+")
_UNFINISHED = re.compile(
    r"(?:^|[\s(])(?:\w|\d{1,3}|[A-Za-z]\.[A-Za-z]|z\. ?b|d\. ?h|u\. ?a|e\. ?g|i\. ?e|p\. ?ej|mr|mrs|ms|dr|prof|st|no|nr"
    r"|art|abs|bzw|ca|evtl|ggf|inkl|zzgl|usw|etc|approx|incl|vs|fig|tel|sr|sra|ej|num|av|cf|env|bijv|enz|resp|max|min|std|jan|feb|aug|sept?|okt|oct|nov|dez|dec)\.$",
    re.IGNORECASE,
)


class _Stemmer(Protocol):
    def stemWord(self, word: str) -> str: ...


class _Stemmers(local):
    """Snowball stemmers keep state while they work, so each thread has its own."""

    def __init__(self) -> None:
        self.made: dict[str, _Stemmer] = {}


_stemmers = _Stemmers()


@dataclass(frozen=True, slots=True)
class Tokens:
    """The features of one text, in order of occurrence: words (stemmed), pairs of neighbouring words, and pieces of four characters."""

    words: tuple[str, ...]
    pairs: tuple[str, ...]
    pieces: tuple[str, ...]


def base_language(language: str | None) -> str:
    """`pt-BR` → `pt`; nothing or `und` → ``""``."""
    code = (language or "").replace("_", "-").split("-")[0].strip().lower()
    return "" if code == "und" else code


def normalise(text: str) -> str:
    """NFKC without characters nobody sees: zero-width, bidirectional, tags, variation selectors, controls; line breaks stay."""
    return _without_hidden(unicodedata.normalize("NFKC", _without_hidden(text.replace("\r\n", "\n").replace("\r", "\n"))))


def strip_accents(text: str) -> str:
    """Latin, Greek, Hebrew and Arabic letters without their marks; marks that are letters of their own (й, Thai and Indic vowels) stay."""
    if text.isascii():
        return text
    plain = (char if "\u0400" <= char <= "\u052f" else _DROPPED_MARKS.sub("", unicodedata.normalize("NFD", char)) for char in text)
    return unicodedata.normalize("NFC", "".join(plain).translate(_LETTERS))


def is_part_of_word(word: str, language: str) -> bool:
    """Whether what counts as a word here is only a part of one: a character of an unspaced script, a Vietnamese syllable."""
    return language == "vi" or bool(_IS_UNSPACED.match(word))


def without_contacts(query: str) -> str:
    """The question without web addresses, e-mail addresses and phone numbers, which match pages by accident."""
    for pattern in (_URL, _EMAIL, _PHONE):
        query = pattern.sub(" ", query)
    return query


def sentences(text: str) -> list[str]:
    """Sentences and lines in order, stripped, none empty; abbreviations, initials and numbered steps do not end one."""
    found: list[str] = []
    start = 0
    for stop in _BREAK.finditer(text):
        head = text[start : stop.end()].rstrip()
        following = text[stop.end() : stop.end() + 1]
        if "\n" not in stop.group() and head.endswith(".") and (following.islower() or _UNFINISHED.search(head[-12:])):
            continue
        if head := head.strip():
            found.append(head)
        start = stop.end()
    if tail := text[start:].strip():
        found.append(tail)
    return found


def word_count(text: str) -> int:
    """How long a text reads, in words; two Chinese or Japanese characters and four Thai ones count as a word."""
    words = 0.0
    for run in _TOKEN.findall(text):
        if not _IS_UNSPACED.match(run):
            words += 1
        else:
            words += len(run) / (4 if _THAI_LIKE.match(run) else 2)
    return round(words)


def raw_words(text: str) -> list[str]:
    """Lower-case words without accents; a run of unspaced script is one item."""
    return [strip_accents(token) for token in _TOKEN.findall(normalise(text).casefold())]


def stem(word: str, language: str) -> str:
    """The word's stem in a language (base code), or the word itself where no stemmer is known."""
    return _stem(word, language) if language in STEMMERS else word


@lru_cache(maxsize=16)
def stop_words(language: str) -> frozenset[str]:
    """Words of a language that never name a topic, lower-case and without accents."""
    return frozenset(_small_words().get(f"stop {language}", ()))


def stems(text: str, language: str) -> list[str]:
    """Every word's stem in order, small words too; a run of unspaced script is one item."""
    language = base_language(language)
    return [stem(_german(run) if language == "de" else run, language) for run in raw_words(text)]


@lru_cache(maxsize=16)
def stop_stems(language: str) -> frozenset[str]:
    """Stems of a language's stop words."""
    return frozenset(stem(word, language) for word in stop_words(language))


@lru_cache(maxsize=16)
def faint_stems(language: str) -> frozenset[str]:
    """Stems of words that tell little about what is asked."""
    return frozenset(stem(word, language) for word in _small_words().get(f"faint {language}", ()))


def tokens(text: str, language: str, *, spoken: str | None = None) -> Tokens:
    """Cut a text into what indexes count, without the stop words of the language it is `spoken` in, unless it has no others."""
    language = base_language(language)
    runs = raw_words(text)
    if language == "de":
        runs = [_german(run) for run in runs]
    stop = stop_words(language if spoken is None else base_language(spoken))
    if kept := [run for run in runs if run not in stop]:
        runs = kept
    words: list[str] = []
    pairs: list[str] = []
    pieces: list[str] = []
    previous = ""
    for run in runs:
        if _IS_UNSPACED.match(run):
            words.extend(run)
            pairs.extend(run[at : at + 2] for at in range(len(run) - 1))
            previous = ""
            continue
        word = stem(run, language)
        words.append(word)
        if previous:
            pairs.append(f"{previous} {word}")
        previous = word
        pieces.extend(_pieces(run))
    return Tokens(tuple(words), tuple(pairs), tuple(pieces))


@lru_cache(maxsize=1)
def _small_words() -> dict[str, list[str]]:
    """Words by heading of the list they stand in: `stop de`, `faint en`."""
    lists: dict[str, list[str]] = {}
    heading = ""
    for line in (Path(__file__).with_name("data") / "words.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            heading = line.strip("[]")
        elif line and not line.startswith("#"):
            lists.setdefault(heading, []).extend(map(strip_accents, line.split()))
    return lists


def _without_hidden(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    text = _HIDDEN_MARKS.sub("", text)
    return "".join(char for char in text if char in "\n\t" or unicodedata.category(char) not in ("Cf", "Cc", "Cs", "Co"))


def _german(word: str) -> str:
    """`fuer` as `fur`: people without umlauts on their keyboard write two letters, and accents are gone by now."""
    return _GERMAN_TWO_LETTERS.sub(lambda found: found.group(1) or found.group(2), word)


@lru_cache(maxsize=65_536)
def _pieces(word: str) -> tuple[str, ...]:
    padded = f" {word} "
    return tuple(padded[at : at + 4] for at in range(max(1, len(padded) - 3)))


@lru_cache(maxsize=131_072)
def _stem(word: str, language: str) -> str:
    stemmer = _stemmers.made.get(language)
    if stemmer is None:
        import snowballstemmer

        stemmer = _stemmers.made[language] = snowballstemmer.stemmer(STEMMERS[language])
    return stemmer.stemWord(word)
