"""Which language a customer writes, decided offline."""

from functools import lru_cache
from typing import Any

LANGUAGES = ("en", "de", "es", "fr", "it", "nl", "pt", "sv", "da", "no", "pl", "ar", "tr", "ja", "zh", "ko", "ru", "uk", "cs", "fi")
ENOUGH_LETTERS, FEW_LETTERS = 18, 6
SURE, UNSURE = 0.9, 0.4
EXPECTED_WEIGHT = 6.0


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
    """The language of the newest words; `known` stands unless enough of another one was written."""
    text = " ".join(texts)
    letters = sum(char.isalpha() for char in text)
    fallback = known or (expected[0] if expected else "en")
    if not letters:
        return fallback
    code, probability = guess(text, expected=expected)
    if any(ord(char) > 0x24F and char.isalpha() for char in text):
        return code
    if known and code != known and (letters < ENOUGH_LETTERS or probability < SURE):
        return known
    if not known and (letters < FEW_LETTERS or probability < UNSURE):
        return fallback
    return code
