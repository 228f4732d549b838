"""The one way through which a request enters: key, workspace, permission, politeness, once; then the operation."""

from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from supportdesk.api.fields import Input
from supportdesk.api.idempotency import once
from supportdesk.core.keys import Principal
from supportdesk.core.models import Membership
from supportdesk.core.tenancy import acting_for, one_reading


class ApiView(APIView):
    """One resource. Everything, the rendering included, happens inside the key's workspace, which is entered here and nowhere else."""

    http_method_names = ("get", "head", "post", "patch")
    subject = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer, whatever happens."""
        self.args, self.kwargs, self.headers = args, kwargs, self.default_response_headers
        asked = self.request = self.initialize_request(request, *args, **kwargs)
        with ExitStack() as self.scope:
            try:
                self.initial(asked, *args, **kwargs)
                asks_outside = getattr(self.handler(), "asks_outside", False)
                return self._finished(asked, once(asked, lambda: self._answered(asked), asks_outside=asks_outside))
            except Exception as error:
                return self._finished(asked, self.handle_exception(error))

    def perform_authentication(self, request: Request) -> None:
        """Find the principal and work for their tenant from here on."""
        super().perform_authentication(request)
        if isinstance(request.auth, Principal):
            self.scope.enter_context(acting_for(request.auth.tenant))

    def handler(self) -> Callable[..., HttpResponse]:
        """What carries out the request's method, or says that nothing does."""
        method = (self.request.method or "").lower()
        found = getattr(self, method, None) if method in self.http_method_names else None
        return found or self.http_method_not_allowed

    def _answered(self, request: Request) -> HttpResponse:
        handler = self.handler()
        is_reading = request.method in ("GET", "HEAD") and not getattr(handler, "asks_outside", False)
        try:
            with one_reading() if is_reading else nullcontext():
                return self._finished(request, handler(request, *self.args, **self.kwargs))
        except Exception as error:
            return self._finished(request, self.handle_exception(error))

    def _finished(self, request: Request, response: HttpResponse) -> HttpResponse:
        done: HttpResponse = self.finalize_response(request, cast(Response, response), *self.args, **self.kwargs)
        done["Cache-Control"] = "no-store"
        if isinstance(done, Response) and not done.is_rendered:
            done.render()
        return done

    @property
    def principal(self) -> Principal:
        """Who asks."""
        principal = self.request.auth
        assert isinstance(principal, Principal)  # noqa: S101
        return principal

    @property
    def teammate(self) -> Membership:
        """The teammate the key acts as, for operations that need one."""
        member = self.principal.member
        assert member is not None  # noqa: S101
        return member

    def taken(self, serializer: type[Input]) -> dict[str, Any]:
        """The body, checked.

        Raises:
            ValidationError: naming each field that is not right.
        """
        return _checked(serializer(data=self.request.data))

    def asked(self, serializer: type[Input]) -> dict[str, Any]:
        """The query string, checked; each parameter stands once.

        Raises:
            ValidationError: naming each parameter that is not right.
        """
        return _checked(serializer(data=Input.single(self.request.query_params)))


def _checked(serializer: Input) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    found: dict[str, Any] = serializer.validated_data
    return found
