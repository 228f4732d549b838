"""Behaviour, released like software."""

from django.apps import AppConfig


class ReleasesConfig(AppConfig):
    """Immutable bundles of prompt, policy, tools, model chain and knowledge; and the labels they hold."""

    name = "agents.releases"
    label = "releases"
