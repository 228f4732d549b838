import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.knowledge.engine.passages import MOST_WORDS, cut, plain_text
from agents.knowledge.engine.text import word_count

ARTICLE = """# How to return

You have **60 days**.

## Steps

You need:

1. The [order number](https://shop.example/orders). Really.
2. The `label`
   - printed

| Country | Price |
|---|---|
| Spain | €4.90 |
| Sweden | *€6* |

### By post <!-- a note -->

Take it to the post office.<br>Keep the receipt &amp; wait.

## Empty

## Exceptions

![A worn boot](boot.jpg) Worn boots stay with you.
"""


def test_passages_are_cut_at_headings_and_know_their_path():
    assert [(passage.ordinal, passage.heading) for passage in cut("How to return", ARTICLE, "en")] == [
        (0, "Steps"),
        (1, "Steps › By post"),
        (2, "Exceptions"),
    ]


def test_a_short_opening_joins_the_first_section():
    assert cut("How to return", ARTICLE, "en")[0].text.startswith("You have 60 days.\nYou need:")


def test_text_is_plain_and_tables_read_row_by_row():
    steps, post, exceptions = cut("How to return", ARTICLE, "en")
    assert steps.text.split("\n")[2:] == [
        "1. The order number. Really.",
        "2. The label",
        "printed",
        "Country: Spain; Price: €4.90",
        "Country: Sweden; Price: €6",
    ]
    assert post.text == "Take it to the post office. Keep the receipt & wait."
    assert exceptions.text == "A worn boot Worn boots stay with you."
    assert not re.search(r"[*`<>|\]]", " ".join(passage.text for passage in (steps, post, exceptions)))


def test_a_long_section_is_cut_between_paragraphs_into_even_parts():
    paragraph = " ".join(f"This is sentence {number} of a paragraph." for number in range(7))
    sizes = [word_count(passage.text) for passage in cut("T", "\n\n".join([paragraph] * 9), "en")]
    assert all(60 <= size <= MOST_WORDS for size in sizes)
    assert all(passage.text.endswith(".") for passage in cut("T", "\n\n".join([paragraph] * 9), "en"))


def test_a_long_paragraph_is_cut_between_sentences_only():
    lines = [f"Sentence number {number} says something about e.g. tents in 3.5 words." for number in range(60)]
    passages = cut("T", " ".join(lines), "en")
    assert len(passages) > 2
    assert [line for passage in passages for line in re.findall(r"Sentence.*?words\.", passage.text)] == lines
    assert all(passage.text.startswith("Sentence") and passage.text.endswith("words.") for passage in passages)


def test_a_list_item_is_never_parted_from_itself_nor_from_its_announcement():
    items = "\n".join(f"- Item {number}: " + "word " * 20 for number in range(20))
    passages = cut("T", f"{'Before this there is a text. ' * 20}\n\nYou need:\n\n{items}", "en")
    announced = next(passage for passage in passages if "You need:" in passage.text)
    assert "You need:\nItem 0:" in announced.text
    assert all(line.count("word") in (0, 20) for passage in passages for line in passage.text.split("\n"))


def test_the_hash_covers_title_heading_text_and_language():
    hashes = {
        cut(title, f"## {heading}\n\n{text}", language)[0].content_hash
        for title, heading, text, language in [
            ("A", "h", "t", "en"),
            ("B", "h", "t", "en"),
            ("A", "i", "t", "en"),
            ("A", "h", "u", "en"),
            ("A", "h", "t", "de"),
        ]
    }
    assert len(hashes) == 5
    assert cut("A", "## h\n\nt", "en-GB")[0].content_hash == cut("A", "## h\n\n\nt  ", "en")[0].content_hash


def test_an_empty_article_has_no_passages():
    assert cut("T", "", "en") == []
    assert cut("T", "# T\n\n## Only headings", "en") == []


def test_plain_text_keeps_the_headings():
    assert plain_text("# Title\n\nSome *text*.") == "Title\nSome text."


def test_nested_lists_and_broken_markup_do_no_harm():
    text = "> - a\n>   1. b\n\n```\nunclosed\n| x |\n|---|\n</div><script>alert(1)</script>"
    assert "unclosed" in cut("T", text, "en")[0].text


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.sampled_from(list("ab .\n#-*|>`1[]()<&;\u200b退")), max_size=200))
def test_any_text_can_be_cut(markdown):
    for at, passage in enumerate(cut("T", markdown, "en")):
        assert passage.ordinal == at
        assert passage.text.strip()


@pytest.mark.parametrize("number", ["0", "7"])
def test_numbered_steps_keep_their_numbers(number):
    assert cut("T", f"{number}. first\n1. second", "en")[0].text == f"{number}. first\n{int(number) + 1}. second"
