"""Articles, for the people who write them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from agents.knowledge.indexing import articles_changed
from agents.knowledge.models import Article, Snapshot
from supportdesk.core.admin import HistoryAdmin, ReadOnlyAdmin, shown


@admin.register(Article)
class ArticleAdmin(HistoryAdmin):
    """One page of the help centre in one language; publishing it asks for the index to follow, once."""

    see = "knowledge.see"
    edit = "knowledge.edit"
    list_display = ("title", "language", "collection", "shown_status", "shown_audience", "updated_at")
    list_filter = ("status", "language", "collection", "audience")
    search_fields = ("title", "slug", "summary")
    ordering = ("collection", "title", "language")
    prepopulated_fields = {"slug": ("title",)}
    fieldsets = (
        (None, {"fields": ("title", "summary", "body")}),
        ("Where it stands", {"fields": (("brand", "language"), ("collection", "slug"), ("status", "audience"))}),
    )

    @shown("Status", ordering="status", label={"Published": "success", "Draft": "warning"})
    def shown_status(self, article: Article) -> str:
        """Draft or published."""
        return article.get_status_display()

    @shown("Audience", ordering="audience")
    def shown_audience(self, article: Article) -> str:
        """Who may read it."""
        return article.get_audience_display()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Store the article; one that is or was published is indexed again."""
        obj.updated_at = timezone.now()
        super().save_model(request, obj, form, change)
        if Article.Status.PUBLISHED in (obj.status, form.initial.get("status")):
            articles_changed()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Take the article away, and out of the index."""
        super().delete_model(request, obj)
        articles_changed()

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """Take the articles away, and out of the index."""
        super().delete_queryset(request, queryset)
        articles_changed()


@admin.register(Snapshot)
class SnapshotAdmin(ReadOnlyAdmin):
    """Manifests of what releases know."""

    see = "release.see"
    list_display = ("__str__", "created_at", "size")
    fields = (("number", "created_at"), "size", "hash")
    readonly_fields = ("size",)
    ordering = ("-number",)

    @shown("Passages")
    def size(self, snapshot: Snapshot) -> int:
        """How many passages it holds."""
        return len(snapshot.passage_ids)
