"""May this key do this? Every operation names one permission of the table; one that names none is refused."""

from typing import Any

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from supportdesk.core.keys import Principal


class ByScope(BasePermission):
    """The key's scopes hold the operation's permission, the teammate's role does too, and a teammate's act has its teammate."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the operation may run.

        Raises:
            PermissionDenied: with the reason, which tells only what the key itself is.
        """
        principal, handler = request.auth, view.handler()
        permission: str = getattr(handler, "permission", "")
        if not isinstance(principal, Principal):
            return False
        if handler == view.http_method_not_allowed:
            return True
        if not permission:
            return False
        demand(principal, permission)
        if handler.as_teammate:
            demand_teammate(principal)
        return True


def demand(principal: Principal, permission: str) -> None:
    """Refuse a principal that may not.

    Raises:
        PermissionDenied: it may not.
    """
    if not principal.may(permission):
        raise PermissionDenied(f"This key may not do this: it lacks “{permission}”.")


def demand_teammate(principal: Principal) -> None:
    """Refuse a principal that acts as nobody.

    Raises:
        PermissionDenied: it does.
    """
    if principal.member is None:
        raise PermissionDenied("Only a key that acts as a teammate may do this.")
