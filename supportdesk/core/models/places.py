"""Where work happens: brands and environments."""

from django.db import models

from supportdesk.core.tenancy import TenantModel


class Environment(models.TextChoices):
    """Live work, or a test that never reaches a live system."""

    LIVE = "live", "Live"
    TEST = "test", "Test"


class Brand(TenantModel):
    """A program of a tenant: its channels, help centre and tone; the name its agent answers under."""

    key = models.SlugField()
    name = models.CharField(max_length=80)
    agent_name = models.CharField(max_length=40, default="Alder")
    help_url = models.CharField(max_length=200, blank=True)
    languages = models.JSONField(default=list, help_text="Language codes the brand writes in, first one first.")
    reply_minutes = models.PositiveSmallIntegerField(default=20, help_text="What customers are told a teammate usually needs.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="brand_key_once")]

    def __str__(self) -> str:
        return self.name
