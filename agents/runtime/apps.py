"""The turn: models, middleware, runner, trace."""

from django.apps import AppConfig


class RuntimeConfig(AppConfig):
    """One attempt at one turn, recorded step by step."""

    name = "agents.runtime"
    label = "runtime"

    def ready(self) -> None:
        """Name the jobs of this app."""
        from supportdesk.core.jobs import register

        register("runtime.start_run", "agents.runtime.turns.start_run", on_dead="agents.runtime.turns.gave_up", max_attempts=3)
