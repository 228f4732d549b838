"""The workspace's own Django admin: for its people alone. Platform operators have another site."""

import hashlib
from typing import Any

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from unfold.sites import UnfoldAdminSite

from supportdesk.core.shared import forget_foreign


class WorkspaceSite(UnfoldAdminSite):  # type: ignore[misc]
    """Opens for staff who work in a workspace; what they see there is the workspace's."""

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether somebody may be here at all: the staff flag, and a place to work."""
        return bool(super().has_permission(request)) and getattr(request, "membership", None) is not None

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one door to sign in by, with all its guards."""
        wanted = request.GET.get(REDIRECT_FIELD_NAME, "")
        is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
        return redirect_to_login(wanted if is_ours else reverse("admin:index"))

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Pages by name, looked for anew each time: what is kept by user would outlive a lowered role and a change of workspace."""
        asked = f"{request.user.pk}_{request.GET.get('s', '').lower()}"
        forget_foreign(f"unfold_search_{hashlib.sha256(asked.encode()).hexdigest()}")
        found: HttpResponse = super().search(request, extra_context)
        return found
