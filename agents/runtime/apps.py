"""The turn: models, middleware, runner, trace."""

from django.apps import AppConfig


class RuntimeConfig(AppConfig):
    """One attempt at one turn, recorded step by step."""

    name = "agents.runtime"
    label = "runtime"

    def ready(self) -> None:
        """Name the jobs of this app."""
        from agents.actions.authority import decided_by
        from supportdesk.core.jobs import register

        decided_by("agents.releases.services.policy_of")

        turns = "agents.runtime.turns"
        register("runtime.start_run", f"{turns}.start_run", on_dead=f"{turns}.gave_up", max_attempts=3, warm=f"{turns}.warm_up")
