"""People who sign in as they do: with a form, a password, and a code where one is asked for."""

import time
from typing import Any

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from django.test import Client, RequestFactory

from supportdesk.accounts import second_factor
from supportdesk.core.models import Membership, User
from supportdesk.core.stepup import PROOF_FIELD, PROOF_SECONDS, PROVED_AT
from tests.factories import PASSWORD

SIGN_IN, CODE, PROVE, PROFILE = "/console/sign-in/", "/console/sign-in/code/", "/console/prove/", "/console/profile/"


def code_of(secret: str, periods: int = 0) -> str:
    """What the authenticator app shows now, or some periods from now."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + periods)))


def sign_in(member: Membership, *, client: Client | None = None, password: str = PASSWORD, **more: Any) -> Client:
    """A browser that went through the form."""
    client = client or Client()
    client.post(SIGN_IN, {"username": member.user.email, "password": password, "stay": "1"}, **more)
    return client


def enrol(user: User) -> tuple[str, list[str]]:
    """Set up the user's second factor; its secret and the recovery codes."""
    request: Any = RequestFactory().post("/")
    request.session, request.user = Client().session, user
    secret = second_factor.pending_secret(request.session, user)
    codes = second_factor.enrol(request, user, code_of(secret))
    assert codes is not None
    return secret, codes


def forget_codes() -> None:
    """Let a code of the running half minute be entered again, and tries count from none."""
    cache.clear()


def let_proof_age(client: Client, seconds: float = PROOF_SECONDS + 1) -> None:
    """The session's last proof was so long ago."""
    session = client.session
    session[PROVED_AT] = time.time() - seconds
    session.save()


def proof(text: str = PASSWORD) -> dict[str, str]:
    """What the page that asks again posts."""
    return {PROOF_FIELD: text}
