"""Articles people write, the passages they are cut into, and the vectors that let an index be thrown away."""

from django.db import models
from django.utils import timezone
from simple_history.models import HistoricalRecords

from supportdesk.core.models import Brand
from supportdesk.core.tenancy import TenantModel


class Article(TenantModel):
    """One page of the help centre in one language; the same slug links its translations."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"

    class Audience(models.TextChoices):
        PUBLIC = "public", "Customers"
        INTERNAL = "internal", "Teammates only"

    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, related_name="articles")
    slug = models.SlugField(max_length=120)
    language = models.CharField(max_length=8)
    collection = models.CharField(max_length=80)
    title = models.CharField(max_length=160)
    summary = models.CharField(max_length=300, blank=True)
    body = models.TextField(help_text="Markdown.")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    audience = models.CharField(max_length=10, choices=Audience.choices, default=Audience.PUBLIC)
    updated_at = models.DateTimeField(default=timezone.now)
    history = HistoricalRecords()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["brand", "slug", "language"], name="article_once")]

    def __str__(self) -> str:
        return self.title


class Passage(TenantModel):
    """A piece of an article that can be found and cited; replaced, never changed."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="passages")
    ordinal = models.PositiveSmallIntegerField()
    heading = models.CharField(max_length=200, blank=True)
    text = models.TextField()
    language = models.CharField(max_length=8)
    content_hash = models.CharField(max_length=64)
    is_current = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["tenant", "is_current"], name="passage_current")]

    def __str__(self) -> str:
        return f"{self.article} · {self.ordinal}"


class PassageVector(TenantModel):
    """The embedding of one text by one embedder: float32 bytes, so that Chroma can be rebuilt without embedding again."""

    content_hash = models.CharField(max_length=64)
    embedder = models.CharField(max_length=80)
    vector = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "content_hash", "embedder"], name="vector_once")]

    def __str__(self) -> str:
        return f"{self.embedder} of {self.content_hash[:8]}"


class Snapshot(TenantModel):
    """A manifest of passages: what a release knows."""

    number = models.PositiveIntegerField()
    passage_ids = models.JSONField()
    hash = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "number"], name="snapshot_number_once")]

    def __str__(self) -> str:
        return f"knowledge {self.number}"
