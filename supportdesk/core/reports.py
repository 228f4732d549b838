"""What an error tells beyond the log: Django's debug page and its mail to administrators, without anybody's secrets."""

import types
from collections.abc import ItemsView
from typing import Any

from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

from supportdesk.core.logs import redacted

HIDDEN = SafeExceptionReporterFilter.cleansed_substitute


class Discreet(SafeExceptionReporterFilter):
    """No value of a form, a cookie or a local variable is told; names and kinds are enough to find the fault."""

    def is_active(self, request: HttpRequest | None) -> bool:
        """Always, with DEBUG too."""
        return True

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        """The names of what was sent."""
        return dict.fromkeys(request.POST, HIDDEN) if request is not None else {}

    def get_safe_cookies(self, request: Any) -> dict[str, Any]:
        """The names of the cookies."""
        return dict.fromkeys(getattr(request, "COOKIES", {}), HIDDEN)

    def get_safe_request_meta(self, request: Any) -> dict[str, Any]:
        """Headers without logins and cookies."""
        told = super().get_safe_request_meta(request)
        return {name: HIDDEN if name in ("HTTP_COOKIE", "HTTP_AUTHORIZATION", "QUERY_STRING") else value for name, value in told.items()}

    def get_traceback_frame_variables(self, request: Any, tb_frame: types.FrameType) -> ItemsView[str, Any]:
        """The names and kinds of local variables."""
        return {name: f"<{type(value).__name__}>" for name, value in tb_frame.f_locals.items()}.items()


class Reporter(ExceptionReporter):
    """Django's report of an error, redacted as the log is."""

    def get_traceback_html(self) -> SafeString:
        """The debug page."""
        # Escaped already; blotting out adds no markup.
        return mark_safe(redacted(super().get_traceback_html()))  # noqa: S308

    def get_traceback_text(self) -> SafeString:
        """The text of the mail."""
        return mark_safe(redacted(super().get_traceback_text()))  # noqa: S308
