import pytest

from agents.knowledge.engine.text import normalise, sentences, stop_words, strip_accents, tokens, without_contacts, word_count


def test_characters_nobody_sees_are_gone_and_line_breaks_stay():
    assert normalise("re\u200bfund\u202e \U000e0041now\u00ad\r\nok\ufe0f") == "refund now\nok"
    assert normalise("ﬁve Ｎ２") == "five N2"


def test_accents_are_stripped_where_they_are_not_letters_of_their_own():
    assert strip_accents("Rückgabe dévolución łódź Ελλάδα") == "Ruckgabe devolucion lodz Ελλαδα"
    assert strip_accents("мой ไม้") == "мой ไม้"


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "returning boots", "returned boot"),
        ("de", "Rücksendungen", "Ruecksendung"),
        ("es", "devoluciones", "devolucion"),
        ("fr", "livraisons", "livraison"),
        ("it", "spedizioni", "spedizione"),
        ("nl", "bestellingen", "bestelling"),
        ("pt", "encomendas", "encomenda"),
        ("sv", "paketen", "paket"),
    ],
)
def test_forms_of_a_word_meet_in_one_stem(language, one, other):
    assert tokens(one, language).words == tokens(other, language).words


def test_a_language_without_a_stemmer_keeps_its_words():
    assert tokens("Returning boots", "xx").words == ("returning", "boots")


@pytest.mark.parametrize(("language", "text"), [("zh", "退货"), ("ja", "返品"), ("th", "คืน")])
def test_scripts_without_spaces_are_cut_into_characters_and_pairs(language, text):
    cut = tokens(text, language)
    assert cut.words == tuple(text)
    assert cut.pairs == tuple(text[at : at + 2] for at in range(len(text) - 1))


def test_stop_words_go_unless_there_is_nothing_else():
    assert tokens("what is the refund", "en").words == ("refund",)
    assert tokens("what is it", "en").words == ("what", "is", "it")
    assert "not" in stop_words("en")


def test_stop_words_are_those_of_the_language_spoken():
    assert tokens("wann kommt mein refund", "en", spoken="de").words == ("kommt", "refund")


def test_contact_details_and_addresses_leave_the_question():
    cleaned = without_contacts("Refund? ida@mail.example, +34 600 123 456, https://norrholt.example/returns?x=1 order N-20377")
    assert cleaned.split() == ["Refund?", ",", ",", "order", "N-20377"]


def test_a_sentence_ends_where_it_ends():
    assert sentences("See e.g. the label. It costs 3.50 EUR, z. B. in Bonn. Really? Yes!\n1. Open it. 2. Close it.") == [
        "See e.g. the label.",
        "It costs 3.50 EUR, z. B. in Bonn.",
        "Really?",
        "Yes!",
        "1. Open it.",
        "2. Close it.",
    ]
    assert sentences("你好。再见！") == ["你好。", "再见！"]
    assert sentences(" \n ") == []


def test_length_is_counted_as_read():
    assert word_count("Two words") == 2
    assert word_count("退货需要几天") == 3
    assert word_count("") == 0
