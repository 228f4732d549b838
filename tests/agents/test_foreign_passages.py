"""Reliability 5: whatever is asked and whatever the index answers, no passage of another workspace reaches a prompt."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agents.knowledge import indexing, search
from agents.knowledge.engine import index as engine
from agents.knowledge.engine.index import VectorIndex, collection_name
from agents.knowledge.engine.lexical import LexicalIndex
from agents.knowledge.models import Article, Passage, Snapshot
from agents.releases.services import take_snapshot
from supportdesk.core.models import Brand
from supportdesk.core.tenancy import acting_for
from tests.factories import World

QUERIES, ARTICLES = 200, 50
SENTENCE = "The secret word of {name} for parcel number {n} is {word}."


@dataclass(frozen=True)
class Shelf:
    """A workspace's help centre of canaries."""

    world: World
    snapshot: Snapshot
    questions: list[str]
    mark: str

    def find(self, query: str, **more: Any) -> list[search.Hit]:
        with acting_for(self.world.tenant):
            return search.find(query, snapshot=self.snapshot, **{"language": "en", "limit": 10, **more})

    def passage_ids(self) -> list[int]:
        return list(self.snapshot.passage_ids)


def stock(world: World) -> Shelf:
    """The same slugs, titles and collections in every workspace; only the canaries differ."""
    name = world.tenant.slug
    sentences = [SENTENCE.format(name=name, n=n, word=f"{name}canary{n}x") for n in range(QUERIES)]
    with acting_for(world.tenant):
        for at in range(ARTICLES):
            article = Article.objects.create(
                brand=world.brand,
                slug=f"parcel-{at}",
                language="en",
                collection="parcels",
                title=f"Parcels {at}",
                body="\n\n".join(sentences[at::ARTICLES]),
                status=Article.Status.PUBLISHED,
            )
            indexing.cut_article(article)
        indexing.index_tenant()
        snapshot = take_snapshot()
    return Shelf(world, snapshot, sentences, f"{name}canary")


@pytest.fixture
def shelves(acme: World, globex: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Shelf, Shelf]]:
    with VectorIndex(tmp_path / "chroma") as index:
        monkeypatch.setattr(search, "_index", index)
        monkeypatch.setattr(search, "_indexed", {})
        yield stock(acme), stock(globex)


@pytest.fixture
def by_vectors_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LexicalIndex, "match", lambda *_a: [])
    monkeypatch.setattr(LexicalIndex, "match_elsewhere", lambda *_a: [])


def foreign(mine: Shelf, theirs: Shelf, hits: list[search.Hit]) -> list[search.Hit]:
    """What a prompt of one workspace would hold of the other."""
    return [hit for hit in hits if theirs.mark in hit.text or hit.passage_id not in mine.passage_ids()]


@pytest.mark.slow
@pytest.mark.reliability(5, "canaries")
def test_two_hundred_canaries_of_each_workspace_are_found_at_home_and_never_next_door(shelves: tuple[Shelf, Shelf]) -> None:
    for mine, theirs in (shelves, shelves[::-1]):
        at_home = 0
        for asked, own in zip(theirs.questions, mine.questions, strict=True):
            assert foreign(mine, theirs, mine.find(asked)) == []
            word = own.rstrip(".").rsplit(" ", 1)[-1]
            at_home += any(word in hit.text for hit in mine.find(own))
        assert at_home > QUERIES * 0.9


@pytest.mark.slow
@pytest.mark.reliability(5, "corrupt index")
def test_an_index_that_holds_the_other_workspaces_ids_gives_none_away(shelves: tuple[Shelf, Shelf], by_vectors_alone: None) -> None:
    mine, theirs = shelves
    model = search.embedder("builtin")
    asked = theirs.questions[0]
    mine.find(asked)
    vectors = search.vector_index().vectors(mine.world.tenant.pk, model.name)
    stolen = theirs.passage_ids()
    vectors.upsert(stolen, [list(model.embed_query(asked, "en"))] * len(stolen))
    assert {pk for pk, _near in vectors.query(model.embed_query(asked, "en"), 20)} <= set(stolen)
    assert foreign(mine, theirs, mine.find(asked)) == []
    # Not even when the release was tampered with as well: the rows themselves are asked for inside the workspace.
    mine.snapshot.passage_ids = [*mine.snapshot.passage_ids, *stolen]
    assert [hit for hit in mine.find(asked) if theirs.mark in hit.text] == []


@pytest.mark.slow
@pytest.mark.reliability(5, "collections", "corrupt index")
def test_two_workspaces_in_one_collection_still_get_their_own_only(
    shelves: tuple[Shelf, Shelf], by_vectors_alone: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "collection_name", lambda *_a: "collided")
    search._indexed.clear()
    for mine, theirs in (shelves, shelves[::-1]):
        for asked in theirs.questions[:20]:
            assert foreign(mine, theirs, mine.find(asked)) == []


HOSTILE: list[Any] = [
    "en' OR 1=1 --",
    '{"$ne": ""}',
    {"$ne": ""},
    {"$or": [{"language": "en"}, {"language": {"$ne": "en"}}]},
    ["en", "de"],
    "",
    "*",
    "en\x00",
    "../2",
    None,
]


@pytest.mark.slow
@pytest.mark.reliability(5, "hostile filters")
def test_hostile_filters_open_no_other_workspace(shelves: tuple[Shelf, Shelf]) -> None:
    mine, theirs = shelves
    asked = theirs.questions[3]
    for value in HOSTILE:
        for fields in ({"language": value}, {"brand_id": theirs.world.brand.pk, "language": "en"}):
            try:
                hits = mine.find(asked, **fields)
            except (TypeError, ValueError, AttributeError):
                continue
            assert foreign(mine, theirs, hits) == []
        assert foreign(mine, theirs, mine.find(f"{asked} {value}")) == []
    assert mine.find(mine.questions[0], brand_id=theirs.world.brand.pk) == []


@pytest.mark.reliability(5, "hostile filters")
def test_no_word_of_a_customer_becomes_a_filter_of_the_index() -> None:
    """The index is asked by vector alone: there is no metadata filter that a value could widen."""
    assert "where" not in inspect.getsource(engine.TenantVectors)


@pytest.mark.reliability(5, "collections")
@given(st.tuples(st.text(max_size=12), st.text(max_size=12)), st.tuples(st.text(max_size=12), st.text(max_size=12)))
@example(("1", "2-builtin"), ("1-2", "builtin"))
@example(("7", "A b"), ("7", "a-b"))
@example(("7", "x" * 60 + "1"), ("7", "x" * 60 + "2"))
def test_two_pairs_never_share_a_collection(one: tuple[str, str], other: tuple[str, str]) -> None:
    if "\x00" in "".join((*one, *other)):
        return
    assert (collection_name(*one) == collection_name(*other)) == (one == other)


@pytest.mark.reliability(5, "canaries")
def test_an_agent_of_one_brand_never_reads_another_brands_articles(acme: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with VectorIndex(tmp_path / "chroma") as index, acting_for(acme.tenant):
        monkeypatch.setattr(search, "_index", index)
        other = Brand.objects.create(key="other", name="Other", languages=["en"])
        for brand in (acme.brand, other):
            Article.objects.create(
                brand=brand,
                slug="parcels",
                language="en",
                collection="parcels",
                title="Parcels",
                body=f"Parcels of {brand.name} are returned within {40 + brand.pk} days.",
                status=Article.Status.PUBLISHED,
            )
        for article in Article.objects.all():
            indexing.cut_article(article)
        indexing.index_tenant()
        snapshot = take_snapshot()
        for brand in (acme.brand, other):
            hits = search.find("Within how many days are parcels returned?", snapshot=snapshot, language="en", brand_id=brand.pk)
            assert {Article.objects.get(pk=hit.article_id).brand_id for hit in hits} == {brand.pk}
        assert Passage.objects.count() == 2
