"""The second floor: what the agent is told and what it may do."""

from django.apps import AppConfig


class PoliciesConfig(AppConfig):
    """Prompts, policies, rules, limits; their frozen versions; and the pure decision."""

    name = "policies"
    verbose_name = "Policies"
