import pytest

from agents.knowledge.engine.embedder import HashedNgramEmbedder, passage_text
from agents.knowledge.engine.fuse import BUILTIN, ENCODER, FLOOR, calibration_for, fuse
from agents.knowledge.engine.lexical import Document, LexicalHit, LexicalIndex

SHOP = [
    Document(1, "How to return an order", "Label", "Print the return label, put it on the parcel and bring it to the post office.", "en"),
    Document(2, "How long a refund takes", "", "A refund reaches your card within 3 to 5 working days after the return arrives.", "en"),
    Document(3, "Delivery times", "Europe", "Parcels within Europe take 2 to 4 working days. Express takes one day.", "en"),
    Document(4, "Warranty on tents", "", "The seams of tents are covered for five years of normal use.", "en"),
    Document(5, "Washing a down bag", "", "Wash down at 30 degrees with a mild detergent and dry it slowly.", "en"),
    Document(6, "Rückgabe", "", "Drucken Sie das Rücksendeetikett aus und bringen Sie das Paket zur Post.", "de"),
]
LANGUAGES = {document.id: document.language for document in SHOP}


def hit(id, score=1.0, coverage=0.9, language="en"):
    return LexicalHit(id, language, score, coverage, coverage, 0.0)


def ask(query, language="en", **options):
    index, embedder = LexicalIndex(SHOP), HashedNgramEmbedder()
    rows = embedder.embed_documents([passage_text(d.title, d.heading, d.text) for d in SHOP], [d.language for d in SHOP])
    cosines = rows @ embedder.embed_query(query, language)
    vector = [(document.id, float(cosine)) for document, cosine in zip(SHOP, cosines, strict=True)]
    lexical = [*index.match(query, language), *index.match_elsewhere(query, language)]
    return fuse(lexical, vector, languages=LANGUAGES, language=language, **options)


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("where do I find the return label", 1),
        ("when do I get my money back", 2),
        ("how many days does shipping within Europe take", 3),
        ("are tent seams covered", 4),
        ("can I put a down bag in the washing machine", 5),
    ],
)
def test_an_answerable_question_finds_its_passage(query, best):
    found = ask(query)
    assert found[0].id == best
    assert found[0].confidence >= FLOOR


@pytest.mark.parametrize("query", ["who won the football match", "tell me a joke", "what is the capital of Peru", "asdfgh", "", "hello"])
def test_an_unanswerable_question_finds_nothing(query):
    assert ask(query) == []


def test_the_asked_language_comes_alone():
    assert {found.language for found in ask("Wie geht die Rückgabe mit Etikett?", "de")} == {"de"}


def test_another_language_answers_only_when_the_asked_one_cannot():
    found = ask("Wann bekomme ich die Erstattung auf meine Karte?", "de")
    assert (found[0].id, found[0].language, found[0].foreign) == (2, "en", True)
    assert ask("Wann bekomme ich die Erstattung auf meine Karte?", "de", other_languages=False) == []


def test_without_a_language_nothing_is_foreign():
    assert not any(found.foreign for found in ask("return label", None))


def test_a_sentence_encoder_may_pass_on_nearness_alone_the_built_in_one_may_not():
    near = [(1, 0.8)]
    assert [found.id for found in fuse([], near, languages=LANGUAGES, language="en", calibration=ENCODER)] == [1]
    assert fuse([], near, languages=LANGUAGES, language="en", calibration=ENCODER)[0].confidence > 0.7
    assert fuse([], [(1, 0.4)], languages=LANGUAGES, language="en", calibration=BUILTIN) == []
    assert fuse([], [(1, 0.3)], languages=LANGUAGES, language="en", calibration=ENCODER) == []
    assert (calibration_for("builtin-hash-1-1024"), calibration_for("onnx-e5-00000000")) == (BUILTIN, ENCODER)


def test_hits_that_left_the_snapshot_are_dropped():
    assert fuse([hit(99)], [(98, 1.0)], languages=LANGUAGES, language="en") == []


def test_words_and_vectors_agree_on_the_order_and_ties_go_by_id():
    ordered = fuse([hit(2), hit(1), hit(3, score=0.5)], [(3, 0.1), (1, 0.4), (2, 0.4)], languages=LANGUAGES, language="en")
    assert [found.id for found in ordered] == [1, 2, 3]


def test_the_limit_and_the_floor_are_the_callers():
    hits = [hit(1), hit(2), hit(3, coverage=0.5)]
    assert len(fuse(hits, [], languages=LANGUAGES, language="en", limit=2)) == 2
    assert fuse(hits, [], languages=LANGUAGES, language="en", floor=0.99) == []
    assert all(0 <= found.confidence <= 1 for found in fuse(hits, [], languages=LANGUAGES, language="en", floor=0.0))
