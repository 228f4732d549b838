"""The engine as a whole on the demo shop's help centre and its customers' questions: bars a little under what is reached."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from agents.knowledge.engine.embedder import HashedNgramEmbedder, passage_text
from agents.knowledge.engine.fuse import FusedHit, fuse
from agents.knowledge.engine.lexical import Document, LexicalIndex
from agents.knowledge.engine.passages import cut
from agents.knowledge.engine.text import without_contacts

DEMO = Path(__file__).resolve().parents[2] / "supportdesk" / "demo"
FRONT = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)


class HelpCentre:
    def __init__(self) -> None:
        self.documents: list[Document] = []
        self.slugs: dict[int, str] = {}
        for file in sorted((DEMO / "articles").glob("*/*.md")):
            text = file.read_text(encoding="utf-8")
            title = re.search(r"^title: (.*)$", text, re.MULTILINE)
            assert title, file
            for passage in cut(title[1], FRONT.sub("", text), file.parent.name):
                self.slugs[len(self.documents)] = file.stem
                self.documents.append(Document(len(self.documents), passage.title, passage.heading, passage.text, passage.language))
        self.languages = {document.id: document.language for document in self.documents}
        self.index, self.embedder = LexicalIndex(self.documents), HashedNgramEmbedder()
        texts = [passage_text(document.title, document.heading, document.text) for document in self.documents]
        self.rows = self.embedder.embed_documents(texts, list(self.languages.values()))

    def ask(self, query: str, language: str) -> list[FusedHit]:
        cosines = self.rows @ self.embedder.embed_query(without_contacts(query), language)
        vector = [(int(id), float(cosines[id])) for id in np.argsort(-cosines, kind="stable")[:60]]
        lexical = [*self.index.match(query, language), *self.index.match_elsewhere(query, language)]
        return fuse(lexical, vector, languages=self.languages, language=language, limit=20)


@pytest.fixture(scope="module")
def centre():
    return HelpCentre()


@pytest.fixture(scope="module")
def questions():
    return json.loads((DEMO / "questions.json").read_text(encoding="utf-8"))


def test_answerable_questions_find_their_article(centre, questions):
    ranks = []
    for question in (question for question in questions if question["relevant"]):
        slugs = list(dict.fromkeys(centre.slugs[hit.id] for hit in centre.ask(question["text"], question["language"])))
        ranks.append(next((rank for rank, slug in enumerate(slugs) if slug in question["relevant"]), 99))
    assert np.mean(np.array(ranks) < 1) >= 0.68
    assert np.mean(np.array(ranks) < 5) >= 0.84


def test_unanswerable_questions_find_nothing_and_answerable_ones_something(centre, questions):
    found = [(bool(question["relevant"]), bool(centre.ask(question["text"], question["language"]))) for question in questions]
    assert np.mean([something for answerable, something in found if answerable]) >= 0.86
    assert np.mean([not something for answerable, something in found if not answerable]) >= 0.80


def test_a_question_in_a_language_without_articles_is_answered_from_another(centre):
    for query, language, slug in [
        ("Où est mon colis ?", "fr", "follow-a-parcel"),
        ("Quero apagar todos os meus dados", "pt", "delete-my-data"),
        ("أين طلبي؟", "ar", "follow-a-parcel"),
        ("Avez-vous une réduction pour les étudiants ?", "fr", "student-discount"),
    ]:
        hits = centre.ask(query, language)
        assert hits, query
        assert hits[0].foreign
        assert centre.slugs[hits[0].id] == slug
