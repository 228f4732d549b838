"""What django-allauth asks of us: nobody signs up, where the pages are, how secrets are sealed, who the client is."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from supportdesk.accounts.second_factor import sealed_place
from supportdesk.accounts.sign_on import USE_SIGN_ON, is_password_closed
from supportdesk.core.clients import client_address
from supportdesk.core.middleware import membership_of
from supportdesk.core.sealing import seal, unseal

BACKEND = "django.contrib.auth.backends.ModelBackend"
STAY = "stay"
NO_WORKSPACE = "This account belongs to no workspace. Ask an administrator to add you."


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-in ends in a session of somebody who works somewhere."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never: people come by invitation."""
        return False

    def pre_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse | None:
        """Whoever works nowhere is turned away, however they proved who they are."""
        if not user.is_active or (membership_of(user.pk) is None and not user.is_superuser):
            messages.error(request, NO_WORKSPACE)
            return redirect("console:sign_in")
        if "sociallogin" not in (kwargs.get("signal_kwargs") or {}) and is_password_closed(user):
            messages.error(request, USE_SIGN_ON)
            return redirect("console:sign_in")
        return None

    def login(self, request: HttpRequest, user: Any) -> None:
        """Begin the session, for this browser run only unless asked to stay."""
        user.backend = getattr(user, "backend", BACKEND)
        stays = request.session.pop(STAY, True)
        super().login(request, user)
        if not stays:
            request.session.set_expiry(0)

    def get_client_ip(self, request: HttpRequest) -> str:
        """One notion of who the client is, for allauth and for axes."""
        return client_address(request)

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Our pages say what happened in their own words."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """None of allauth's mails leaves; ours are written where they are sent."""


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets of second factors are sealed to the user they belong to."""

    def encrypt(self, text: str) -> str:
        """Sealed for the user of `secrets_of`."""
        return seal(text, place=sealed_place())

    def decrypt(self, encrypted_text: str) -> str:
        """Opened for the user of `secrets_of`."""
        return unseal(encrypted_text, place=sealed_place())
