"""From articles to passages to vectors to the index; each later stage can be thrown away and made again from the one before."""

from django.conf import settings
from django.db import transaction

from agents.knowledge.engine.embedder import Embedder, embedder_from, passage_text
from agents.knowledge.engine.passages import cut
from agents.knowledge.models import Article, Passage, PassageVector
from supportdesk.core.events import SYSTEM_ACTOR, record
from supportdesk.core.jobs import enqueue


def index_tenant() -> None:
    """Job: bring passages and vectors of the acting tenant up to date with its published articles."""
    changed = sum(cut_article(article) for article in Article.objects.all())
    embed_missing(embedder_from(settings.EMBEDDER))
    if changed:
        with transaction.atomic():
            record("knowledge.indexed", by=SYSTEM_ACTOR, changed={"articles": changed})


def cut_article(article: Article) -> bool:
    """Replace the article's passages where its content changed; unpublished articles have none. Returns whether anything changed."""
    pieces = cut(article.title, article.body, article.language) if article.status == Article.Status.PUBLISHED else []
    with transaction.atomic():
        current = {passage.content_hash: passage for passage in Passage.objects.filter(article=article, is_current=True)}
        wanted = {piece.content_hash: piece for piece in pieces}
        gone = [passage.pk for hashed, passage in current.items() if hashed not in wanted]
        Passage.objects.filter(pk__in=gone).update(is_current=False)
        fresh = [piece for hashed, piece in wanted.items() if hashed not in current]
        Passage.objects.bulk_create(
            Passage(
                tenant_id=article.tenant_id,
                article=article,
                ordinal=piece.ordinal,
                heading=piece.heading[:200],
                text=piece.text,
                language=piece.language,
                content_hash=piece.content_hash,
            )
            for piece in fresh
        )
    return bool(gone or fresh)


def embed_missing(embedder: Embedder) -> int:
    """Embed current passages that have no vector of this embedder yet; returns how many."""
    known = set(PassageVector.objects.filter(embedder=embedder.name).values_list("content_hash", flat=True))
    missing = {
        passage.content_hash: passage
        for passage in Passage.objects.filter(is_current=True).select_related("article")
        if passage.content_hash not in known
    }
    if not missing:
        return 0
    rows = list(missing.values())
    vectors = embedder.embed_documents(
        [passage_text(row.article.title, row.heading, row.text) for row in rows], [row.language for row in rows]
    )
    with transaction.atomic():
        PassageVector.objects.bulk_create(
            [
                PassageVector(tenant_id=row.tenant_id, content_hash=row.content_hash, embedder=embedder.name, vector=vector.tobytes())
                for row, vector in zip(rows, vectors, strict=True)
            ],
            ignore_conflicts=True,
        )
    return len(rows)


def articles_changed() -> None:
    """Ask for indexing once, however many articles changed."""
    enqueue("knowledge.index", dedupe="tenant")
