"""The demo workspace."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """An invented outdoor-equipment shop: people, articles, rules, and the page that shows mailed codes."""

    name = "supportdesk.demo"
    label = "demo"
