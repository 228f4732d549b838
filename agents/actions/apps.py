"""What the agent may do: tools, connectors, gateway, ledger, executor."""

from django.apps import AppConfig


class ActionsConfig(AppConfig):
    """The only way from a wish to an effect."""

    name = "agents.actions"
    label = "actions"

    def ready(self) -> None:
        """Name the jobs of this app."""
        from supportdesk.core.jobs import register

        register("actions.execute", "agents.actions.executor.execute", on_dead="agents.actions.executor.gave_up", max_attempts=4)
        register("actions.expire_approval", "agents.actions.approvals.expire")
        register("actions.reconcile", "agents.actions.executor.reconcile", on_dead="agents.actions.executor.gave_up", max_attempts=4)
