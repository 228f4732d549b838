"""Which language a customer writes, decided offline: by everyday words where there are few, by statistics where there are many."""

import re
from functools import lru_cache
from typing import Any

from agents.runtime.builtin.words import fold, section

LANGUAGES = ("en", "de", "es", "fr", "it", "nl", "pt", "sv", "da", "no", "pl", "ar", "tr", "ja", "zh", "ko", "ru", "uk", "cs", "fi")
WORDED = ("en", "de", "es", "fr", "it", "pt", "nl", "pl")
ENOUGH_LETTERS, FEW_LETTERS, MANY_LETTERS = 18, 6, 30
SURE, UNSURE = 0.9, 0.4
EXPECTED_WEIGHT = 6.0
# In everyday words: one points to a language nobody spoke yet, two and more lead away from the one that is spoken.
POINTS, LEADS = 0.5, 2.0
MARGIN = 0.25
EXPECTED_SHARE = 1.5
NAME_WEIGHT = 2.0
# Numbers, addresses and links are in no language.
_NO_WORDS = re.compile(r"https?://\S+|www\.\S+|\S+@\S+|\S*\d\S*")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(LANGUAGES))
    return identifier


def guess(text: str, *, expected: tuple[str, ...] = ()) -> tuple[str, float]:
    """The likeliest language and how sure that is (0..1); `expected` ones need less evidence, as short texts have little."""
    ranked = [
        (str(code), float(probability) * (EXPECTED_WEIGHT if code in expected else 1.0)) for code, probability in _identifier().rank(text)
    ]
    code, weight = max(ranked, key=lambda pair: pair[1])
    return code, weight / (sum(each for _code, each in ranked) or 1.0)


def detect(texts: list[str], *, known: str = "", expected: tuple[str, ...] = ("en",)) -> str:
    """The language of the newest words; `known` stands unless another one was really written.

    A yes, a name, a product or a number changes nothing; two everyday words of another language, or its name, do.
    """
    text = _NO_WORDS.sub(" ", " ".join(texts))
    fallback = known or (expected[0] if expected else "en")
    told = _told(text, expected, is_known=bool(known))
    best, weight = max(told.items(), key=lambda pair: pair[1], default=("", 0.0))
    if (script := _other_script(text)) and weight < LEADS:
        return guess(script, expected=expected)[0]
    letters = sum(char.isalpha() for char in text)
    if not letters:
        return fallback
    code, sure = guess(text, expected=expected)
    if not known:
        return _first(told, best, weight, code, sure, letters) or fallback
    if best != known and weight >= LEADS and weight > 2 * told.get(known, 0.0):
        return best
    # Without a telling word a list of products is no change of language, whatever the statistics say.
    far = code not in WORDED and letters >= MANY_LETTERS and sure >= SURE
    plain = code == best and letters >= ENOUGH_LETTERS and sure >= SURE and weight > 2 * told.get(known, 0.0)
    return code if far or plain else known


def _first(told: dict[str, float], best: str, weight: float, code: str, sure: float, letters: int) -> str:
    """The language of somebody's first words; empty when nothing tells."""
    second = max((each for language, each in told.items() if language != best), default=0.0)
    statistics = sure >= SURE and letters >= ENOUGH_LETTERS and weight < LEADS
    if weight >= POINTS and weight - second >= MARGIN and not (statistics and code != best):
        return best
    return code if letters >= FEW_LETTERS and sure >= UNSURE else ""


def _told(text: str, expected: tuple[str, ...], *, is_known: bool) -> dict[str, float]:
    """How much the everyday words speak for each language."""
    told: dict[str, float] = {}
    weights = _weights()
    for word in map(fold, _WORD.findall(text)):
        for language, weight, is_courtesy in weights.get(word, ()):
            if not (is_courtesy and is_known):
                told[language] = told.get(language, 0.0) + weight
    for mark, language in _marks().items():
        if mark in text.lower():
            told[language] = told.get(language, 0.0) + 1.0
    return {language: weight * (EXPECTED_SHARE if language in expected else 1.0) for language, weight in told.items()}


@lru_cache(maxsize=1)
def _weights() -> dict[str, list[tuple[str, float, bool]]]:
    """Each word's languages, with its weight in them and whether it is a courtesy."""
    found: dict[str, list[tuple[str, float, bool]]] = {}
    for language in WORDED:
        for name, weight in ((language, 1.0), (f"{language}_courtesy", 1.0), (f"{language}_name", NAME_WEIGHT)):
            for word in " ".join(section("languages", name)).split():
                found.setdefault(fold(word), []).append((language, weight, name.endswith("courtesy")))
    return {word: [(language, weight / len(all_of), polite) for language, weight, polite in all_of] for word, all_of in found.items()}


@lru_cache(maxsize=1)
def _marks() -> dict[str, str]:
    return {
        mark: language
        for language in ("de", "es", "fr", "pt", "pl")
        for mark in " ".join(section("languages", f"{language}_marks")).split()
    }


def _other_script(text: str) -> str:
    """The words written in another script than ours; names of products in Latin letters stand beside them in every language."""
    return " ".join(word for word in _WORD.findall(text) if sum(char.isalpha() and ord(char) > 0x24F for char in word) >= 2)
