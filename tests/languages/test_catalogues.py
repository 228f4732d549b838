"""Every sentence a customer can meet is there in every language, with the same places to fill in."""

import re

import pytest
from django.conf import settings

from tests.languages.catalogues import LANGUAGES, ROOT, Key, compiled, entries, in_the_code, written

PLACES = re.compile(r"%\(\w+\)[sd]|\{\w+\}|</?\w+>")
# Forms that stand for one single number may say it in words: «دقيقة واحدة», one minute.
SAID_IN_WORDS = {"ar": (1, 2)}


def test_the_screens_offer_the_languages_of_the_catalogues_and_english():
    assert {code for code, _name in settings.LANGUAGES} == {"en", *LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_of_the_code_is_in_the_catalogue(language: str):
    known = entries(written(language))
    assert {sentence: path for sentence, path in in_the_code().items() if sentence not in known} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogue_holds_no_sentence_that_nobody_says(language: str):
    assert entries(written(language)).keys() - in_the_code().keys() == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_left_empty_or_guessed(language: str):
    catalogue = written(language)
    assert [said for said, forms in entries(catalogue).items() if not all(form.strip() for form in forms)] == []
    assert [message.id for message in catalogue if message.fuzzy] == []
    assert not catalogue.obsolete


@pytest.mark.parametrize("language", LANGUAGES)
def test_counted_sentences_have_a_form_for_every_number_the_language_tells_apart(language: str):
    catalogue = written(language)
    counted = {said: forms for said, forms in entries(catalogue).items() if len(said) == 3}
    assert counted
    assert {len(forms) for forms in counted.values()} == {catalogue.num_plurals}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_places_to_fill_in_are_those_of_the_english(language: str):
    assert list(_astray(language)) == []


def _astray(language: str) -> list[tuple[Key, str]]:
    wrong = []
    for said, forms in entries(written(language)).items():
        expected = sorted(PLACES.findall(said[-1]))
        for number, form in enumerate(forms):
            found = sorted(PLACES.findall(form))
            in_words = len(forms) > 1 and number in SAID_IN_WORDS.get(language, ())
            if not (set(found) <= set(expected) if in_words else found == expected):
                wrong.append((said, form))
    return wrong


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_stay_inside_the_attributes_that_hold_them(language: str):
    """Templates put translations into double-quoted attributes as they are."""
    assert [form for forms in entries(written(language)).values() for form in forms if '"' in form] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_says_what_the_written_one_says(language: str):
    assert entries(compiled(language)) == entries(written(language))
    assert compiled(language).plural_forms == written(language).plural_forms


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_catalogue_holds_a_date_a_line_number_or_a_path_of_a_machine(language: str):
    """What changes by itself at every run of makemessages would hide what changed."""
    text = (ROOT / "locale" / language / "LC_MESSAGES" / "django.po").read_text()
    assert re.findall(r"POT-Creation-Date|PO-Revision-Date|^#: .*:\d+|^#: /", text, re.MULTILINE) == []
