"""Search: lexical and vector hits fused, above a relevance floor, each re-checked in SQL before it may enter a prompt."""

import logging
import threading
import time
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from django.conf import settings

from agents.knowledge.engine import fuse
from agents.knowledge.engine.embedder import Embedder, embedder_from
from agents.knowledge.engine.index import VectorIndex
from agents.knowledge.engine.lexical import Document, LexicalIndex
from agents.knowledge.engine.text import without_contacts
from agents.knowledge.models import Article, Passage, PassageVector, Snapshot
from supportdesk.core.tenancy import acting_tenant

log = logging.getLogger("supportdesk.knowledge")
AWAY_SECONDS = 5.0


@dataclass(frozen=True)
class Hit:
    """One passage that may be cited; `confidence` 0..1."""

    passage_id: int
    article_id: int
    slug: str
    title: str
    heading: str
    text: str
    language: str
    confidence: float
    is_foreign: bool


_lock = threading.Lock()
_lexical: dict[tuple[int, int], LexicalIndex] = {}
# By (tenant, embedder): the passages this process put into the index, or found no vector for.
_indexed: dict[tuple[int, str], set[int]] = {}
_index: VectorIndex | None = None
_away_until = 0.0


@lru_cache(maxsize=4)
def embedder(spec: str) -> Embedder:
    """The embedder of a setting, loaded once per process."""
    return embedder_from(spec)


def vector_index() -> VectorIndex:
    """The process's Chroma: embedded under an exclusive lock, or the server at CHROMA_URL.

    Raises:
        IndexLocked: when another process holds the folder.
    """
    global _index
    with _lock:
        if _index is None:
            _index = VectorIndex(url=settings.CHROMA_URL) if settings.CHROMA_URL else VectorIndex(settings.CHROMA_PATH)
        return _index


def find(
    query: str, *, snapshot: Snapshot, language: str, limit: int = 5, embedder_spec: str = "", brand_id: int | None = None
) -> list[Hit]:
    """The passages of the snapshot likely to answer, best first; none under the floor. Hits in other languages only when none fits."""
    tenant_id, allowed = acting_tenant().pk, set(snapshot.passage_ids)
    lexical = _lexical_index(tenant_id, snapshot)
    vectors = _near(query, tenant_id, language, embedder_spec or settings.EMBEDDER, allowed)
    words = [*lexical.match(query, language, 20), *lexical.match_elsewhere(query, language, 10)]
    candidates = {hit.id for hit in words} | {pk for pk, _similarity in vectors}
    rows = _admitted(candidates & allowed, brand_id)
    fused = fuse.fuse(
        words,
        vectors,
        languages={pk: row.language for pk, row in rows.items()},
        language=language,
        calibration=fuse.calibration_for(embedder(embedder_spec or settings.EMBEDDER).name),
        limit=limit,
    )
    return [_hit(rows[hit.id], hit) for hit in fused]


def _admitted(ids: set[int], brand_id: int | None) -> dict[int, Passage]:
    """The SQL re-check: the tenant's own, published, public; the brand's. An index that lies cannot get past it."""
    rows = Passage.objects.filter(pk__in=ids, article__status=Article.Status.PUBLISHED, article__audience=Article.Audience.PUBLIC)
    if brand_id is not None:
        rows = rows.filter(article__brand_id=brand_id)
    return {row.pk: row for row in rows.select_related("article")}


def _hit(row: Passage, hit: fuse.FusedHit) -> Hit:
    article = row.article
    return Hit(row.pk, article.pk, article.slug, article.title, row.heading, row.text, row.language, round(hit.confidence, 3), hit.foreign)


def _lexical_index(tenant_id: int, snapshot: Snapshot) -> LexicalIndex:
    """The snapshot's word index; a snapshot never changes, so it is built once per process."""
    key = (tenant_id, snapshot.pk)
    with _lock:
        if key in _lexical:
            return _lexical[key]
    rows = Passage.objects.filter(pk__in=snapshot.passage_ids).select_related("article").order_by("id")
    built = LexicalIndex(Document(row.pk, row.article.title, row.heading, row.text, row.language) for row in rows)
    with _lock:
        while len(_lexical) >= 32:
            _lexical.pop(next(iter(_lexical)))
        _lexical[key] = built
    return built


def _near(query: str, tenant_id: int, language: str, spec: str, allowed: set[int]) -> list[tuple[int, float]]:
    """Vector neighbours; an index that is missing or broken is refilled from SQL, and at worst search goes on by words alone."""
    global _away_until
    if time.monotonic() < _away_until:
        return []
    model = embedder(spec)
    try:
        vectors = vector_index().vectors(tenant_id, model.name)
        if not allowed <= _indexed.get((tenant_id, model.name), set()) or not vectors.count():
            fill(tenant_id, model)
        return vectors.query(model.embed_query(without_contacts(query), language), 60)
    except Exception:
        log.exception("the vector index does not answer; searching by words alone")
        # A server that is away may take its time to say so: not every customer waits for that.
        _away_until = time.monotonic() + AWAY_SECONDS if settings.CHROMA_URL else 0.0
        return []


def fill(tenant_id: int, model: Embedder) -> int:
    """Put every current passage's vector from SQL into the index, drop what is no passage any more; returns how many there are."""
    stored = dict(PassageVector.objects.filter(embedder=model.name).values_list("content_hash", "vector"))
    rows = list(Passage.objects.values_list("id", "content_hash", "language"))
    ready = [(pk, np.frombuffer(stored[hashed], dtype=np.float32), spoken) for pk, hashed, spoken in rows if hashed in stored]
    collection = vector_index().vectors(tenant_id, model.name)
    stale = collection.ids() - {pk for pk, _vector, _spoken in ready}
    collection.delete(sorted(stale))
    if ready:
        ids, vectors, spoken = zip(*ready, strict=True)
        collection.upsert(ids, np.stack(vectors), [{"language": language} for language in spoken])
    _indexed[(tenant_id, model.name)] = {pk for pk, _hash, _language in rows}
    return len(ready)
