"""Search may be lied to by its index: what enters a prompt is decided in SQL."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.knowledge import indexing, search
from agents.knowledge.engine.index import VectorIndex
from agents.knowledge.engine.lexical import LexicalIndex
from agents.knowledge.models import Article, Passage, Snapshot
from agents.releases.services import take_snapshot
from supportdesk.core import jobs
from supportdesk.core.models import Brand, Job
from supportdesk.core.tenancy import acting_for
from tests.agents.desk import Desk, work
from tests.factories import make_tenant

QUESTION = "How long can I return boots I only wore indoors?"


@pytest.fixture
def fresh_index(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[VectorIndex]:
    """An index nobody filled yet, in a folder of its own."""
    with VectorIndex(tmp_path / "chroma") as index:
        monkeypatch.setattr(search, "_index", index)
        monkeypatch.setattr(search, "_indexed", {})
        yield index


@pytest.fixture
def by_vectors_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words find nothing, so whatever is found came through the vectors."""
    monkeypatch.setattr(LexicalIndex, "match", lambda *_a: [])
    monkeypatch.setattr(LexicalIndex, "match_elsewhere", lambda *_a: [])


def find(snapshot: Snapshot | None = None, query: str = QUESTION, **more: Any) -> list[search.Hit]:
    return search.find(query, snapshot=snapshot or Snapshot.objects.latest("number"), language="en", **more)


def lie(monkeypatch: pytest.MonkeyPatch, *ids: int) -> None:
    """Chroma answers with these passages, all of them a perfect match."""
    monkeypatch.setattr("agents.knowledge.engine.index.TenantVectors.query", lambda *_a: [(pk, 0.99) for pk in ids])


def a_foreign_passage() -> int:
    """A passage of another workspace."""
    with acting_for(make_tenant("globex")):
        brand = Brand.objects.create(key="globex", name="Globex", languages=["en"])
        article = Article.objects.create(
            brand=brand,
            slug="secret",
            language="en",
            collection="x",
            title="Secret",
            body="# Secret\n\nThe canary of Globex.",
            status="published",
        )
        indexing.cut_article(article)
        found = Passage.objects.get()
    return int(found.pk)


def test_passages_of_another_workspace_are_dropped_whatever_chroma_says(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    # reliability 5
    foreign = a_foreign_passage()
    own = find()[0].passage_id
    lie(monkeypatch, foreign, own)
    assert foreign not in [hit.passage_id for hit in find()]
    snapshot = Snapshot.objects.latest("number")
    snapshot.passage_ids = [*snapshot.passage_ids, foreign]
    assert foreign not in [hit.passage_id for hit in find(snapshot)]


@pytest.mark.parametrize("fields", [{"status": "draft"}, {"audience": "internal"}])
def test_what_is_no_longer_public_is_dropped_although_the_release_knows_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, fields: dict[str, str]
) -> None:  # reliability 5, 34
    best = find()[0]
    Article.objects.filter(pk=best.article_id).update(**fields)
    lie(monkeypatch, best.passage_id)
    assert best.article_id not in [hit.article_id for hit in find()]


def test_what_the_release_does_not_know_is_dropped(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:  # reliability 5
    best = find()[0].passage_id
    snapshot = Snapshot.objects.latest("number")
    snapshot.passage_ids = [pk for pk in snapshot.passage_ids if pk != best]
    snapshot.pk, snapshot.number = None, snapshot.number + 1
    snapshot.save()
    lie(monkeypatch, best)
    assert best not in [hit.passage_id for hit in find(snapshot)]


def test_another_brands_articles_are_dropped(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    best = find()[0]
    other = Brand.objects.create(key="other", name="Other", languages=["en"])
    Article.objects.filter(pk=best.article_id).update(brand=other)
    lie(monkeypatch, best.passage_id)
    mine = Brand.objects.get(key="norrholt")
    assert best.article_id not in [hit.article_id for hit in find(brand_id=mine.pk)]


def test_ids_that_never_existed_are_dropped(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    lie(monkeypatch, 10**9, -1, 0)
    assert all(hit.passage_id in Snapshot.objects.latest("number").passage_ids for hit in find())


def test_an_empty_index_fills_itself_from_sql(fresh_index: VectorIndex, by_vectors_alone: None) -> None:  # reliability 58, 61
    hits = find()
    assert hits
    assert "60 days" in " ".join(hit.text for hit in hits)


def test_a_deleted_index_folder_is_filled_again_with_the_same_ids(
    fresh_index: VectorIndex, by_vectors_alone: None, tmp_path: Path
) -> None:  # reliability 61
    before = find()
    shutil.rmtree(tmp_path / "chroma")
    assert find() == before


def test_a_broken_index_leaves_search_by_words(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:  # reliability 61
    def broken(*_args: object) -> object:
        raise RuntimeError("index is gone")

    monkeypatch.setattr(search, "vector_index", broken)
    hits = find()
    assert "60 days" in " ".join(hit.text for hit in hits)
    chat = desk.chat()
    chat.says(QUESTION)
    assert "60 days" in chat.last.body
    assert "[1]" in chat.last.body


def test_vectors_of_nothing_do_not_stop_search(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = search.embedder("builtin")
    monkeypatch.setattr(type(spec), "embed_query", lambda *_a: np.zeros(4, dtype=np.float32))
    assert find()


def test_below_the_floor_nothing_is_found(desk: Desk) -> None:  # reliability 34
    for question in ("Do you sell nuclear submarines?", "qwertz asdf yxcv", "What is the capital of Peru?"):
        assert find(query=question) == []


def test_a_changed_article_reaches_new_tickets_with_the_next_release_and_old_ones_never(desk: Desk) -> None:
    old_chat = desk.chat()
    old_chat.says(QUESTION)
    old = Snapshot.objects.latest("number")
    best = find()[0]
    article = Article.objects.get(pk=best.article_id)
    article.body += "\n\n## Moon boots\n\nMoon boots from our lunar collection can be returned within 77 days."
    article.save(update_fields=["body"])
    indexing.index_tenant()
    assert Job.objects.filter(state="queued").count() == 0
    question = "Within how many days can I return moon boots from the lunar collection?"
    assert not any("77 days" in hit.text for hit in find(old, question))
    assert any("77 days" in hit.text for hit in find(take_snapshot(), question))


def test_an_article_saved_in_the_admin_is_indexed_by_one_job(desk: Desk) -> None:
    indexing.articles_changed()
    indexing.articles_changed()
    assert Job.objects.filter(name="knowledge.index", state="queued").count() == 1
    assert "knowledge.index" in jobs.registered()
    work()


def test_an_unpublished_article_has_no_current_passages(desk: Desk) -> None:
    article = Article.objects.filter(status="published").first()
    assert article
    article.status = Article.Status.DRAFT
    assert indexing.cut_article(article)
    assert not indexing.cut_article(article)
    assert not Passage.objects.filter(article=article, is_current=True).exists()
