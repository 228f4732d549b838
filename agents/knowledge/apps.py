"""What the agent knows: articles, passages, index, search."""

from django.apps import AppConfig


class KnowledgeConfig(AppConfig):
    """Articles in, cited passages out."""

    name = "agents.knowledge"
    label = "knowledge"

    def ready(self) -> None:
        """Name the jobs of this app."""
        from supportdesk.core.jobs import register

        register("knowledge.index", "agents.knowledge.indexing.index_tenant")
