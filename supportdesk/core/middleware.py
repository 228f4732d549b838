"""Every signed-in request works for one workspace; customers' pages speak the browser's language, teammates' pages English."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware
from django.shortcuts import redirect
from django.utils import translation

from supportdesk.core.models import Membership
from supportdesk.core.suspension import Suspended
from supportdesk.core.tenancy import acting_for


class BrowserRules:
    """What browsers may do with our pages beyond the content security policy of all of them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Give the admin its own policy, and no page a camera, a place or a wallet."""
        response = self.get_response(request)
        response.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
        if request.path_info.startswith("/admin/"):
            response._csp_config = settings.ADMIN_CONTENT_SECURITY_POLICY  # type: ignore[attr-defined]
        return response


class CustomerLanguageMiddleware(LocaleMiddleware):
    """Django's own, on customers' pages only: the console and admin are not translated, and half a translation is worse than none."""

    def process_request(self, request: HttpRequest) -> None:
        """Activate the browser's language for customers, English for teammates."""
        if request.path_info.startswith(("/chat/", "/help/")):
            super().process_request(request)
            return
        translation.activate("en")
        request.LANGUAGE_CODE = translation.get_language() or "en"


class MembershipMiddleware:
    """Puts `request.membership` in place and acts for its tenant while the view runs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Run the rest of the request inside the tenant, if there is one."""
        member = membership_of(request.user.pk, request.session.get("membership")) if request.user.is_authenticated else None
        request.membership = member  # type: ignore[attr-defined]
        if member is None:
            return self.get_response(request)
        with acting_for(member.tenant):
            response = self.get_response(request)
            # A template rendered later would query outside the tenant.
            if hasattr(response, "render") and not getattr(response, "is_rendered", True):
                response.render()
            return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """What met a suspension half-way did nothing; the next look finds no workspace."""
        return redirect("console:sign_in") if isinstance(error, Suspended) else None


def membership_of(user_id: int, chosen: int | None = None) -> Membership | None:
    """The user's active membership: the chosen one if it is theirs, else the oldest."""
    mine = Membership.objects.select_related("tenant", "user").filter(
        user_id=user_id, is_active=True, user__is_active=True, tenant__is_active=True
    )
    named = mine.filter(pk=chosen).first() if chosen else None
    return named or mine.order_by("id").first()
