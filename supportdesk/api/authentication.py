"""Who calls: the bearer of a key, and nobody else. A console session authenticates nothing here."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from supportdesk.core.keys import Principal, principal_of


class BearerKey(BaseAuthentication):
    """`Authorization: Bearer sd_…`; every other header is the same 401."""

    def authenticate(self, request: Request) -> tuple[Any, Principal]:
        """The teammate's user (or nobody) and the principal.

        Raises:
            AuthenticationFailed: no key, or one that opens nothing.
        """
        scheme, _space, text = request.headers.get("Authorization", "").partition(" ")
        principal = principal_of(text.strip()) if scheme.lower() == "bearer" else None
        if principal is None:
            raise AuthenticationFailed
        return (principal.member.user if principal.member else AnonymousUser()), principal

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return 'Bearer realm="api"'
