"""How people come in: invitations, single sign-on, second factors, sessions."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """How people come in: invitations, single sign-on, second factors, sessions."""

    name = "supportdesk.accounts"
