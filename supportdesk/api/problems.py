"""Every refusal in one shape: RFC 9457 problem+json. What a stranger may not see looks exactly like what is not there."""

import logging
import math
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from supportdesk.core.suspension import Suspended
from tickets.errors import Refusal, Unacceptable

log = logging.getLogger("supportdesk.api")
MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "The request is not right",
    401: "No valid key",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "No such format",
    409: "Not now",
    413: "Too large",
    415: "Unknown content type",
    422: "Cannot be done like this",
    429: "Too many requests",
    500: "Something went wrong",
}


class Renderer(JSONRenderer):
    """JSON under the problem's own media type."""

    media_type = MEDIA_TYPE


class Problem(exceptions.APIException):
    """A refusal of the API itself: status, stable code and a sentence."""

    def __init__(self, status: int, code: str, detail: str, *, retry_after: int | None = None) -> None:
        super().__init__(detail, code)
        self.status_code, self.code, self.retry_after = status, code, retry_after


def bad_field(name: str, detail: str) -> exceptions.ValidationError:
    """What a serializer would say about one field."""
    return exceptions.ValidationError({name: [detail]}, code="invalid")


def problem(status: int, code: str, detail: str, errors: list[dict[str, str]] | None = None) -> dict[str, Any]:
    """The body of a problem."""
    return {
        "type": f"urn:supportdesk:problem:{code}",
        "title": TITLES.get(status, "Refused"),
        "status": status,
        "detail": detail,
        "code": code,
        "errors": errors or [],
    }


def answer(error: Exception, context: dict[str, Any]) -> Response:
    """What an exception is to the caller; the unexpected is logged here and told as nothing but a 500."""
    response = _answer(error)
    # The answer is a problem whatever the caller asked for, so that it can always be read.
    if request := context.get("request"):
        request.accepted_renderer, request.accepted_media_type = Renderer(), MEDIA_TYPE
    response.content_type = MEDIA_TYPE
    return response


def _answer(error: Exception) -> Response:
    match error:
        case Problem():
            headers = {"Retry-After": str(error.retry_after)} if error.retry_after else None
            return Response(problem(error.status_code, error.code, str(error.detail)), error.status_code, headers=headers)
        case Unacceptable():
            return Response(problem(422, error.code, str(error)), 422)
        case Refusal():
            return Response(problem(409, error.code, str(error)), 409)
        case exceptions.ValidationError():
            return Response(problem(400, "invalid", "Some fields are not right.", list(_errors(error.get_full_details()))), 400)
        case exceptions.AuthenticationFailed() | exceptions.NotAuthenticated() | Suspended():
            said = problem(401, "no_valid_key", "Send a valid API key: Authorization: Bearer sd_…")
            return Response(said, 401, headers={"WWW-Authenticate": 'Bearer realm="api"'})
        case Http404() | exceptions.NotFound():
            return Response(problem(404, "not_found", "There is nothing here."), 404)
        case PermissionDenied() | exceptions.PermissionDenied():
            return Response(problem(403, "not_allowed", str(getattr(error, "detail", error)) or "Not allowed."), 403)
        case exceptions.Throttled():
            wait = max(1, math.ceil(getattr(error, "wait", None) or 1))
            said = problem(429, "too_many_requests", f"Too many requests with this key. Try again in {wait} s.")
            return Response(said, 429, headers={"Retry-After": str(wait)})
        case exceptions.APIException():
            return Response(problem(error.status_code, error.default_code, str(error.detail)), error.status_code)
        case RequestDataTooBig():
            return Response(problem(413, "too_large", "The request is too large."), 413)
        case SuspiciousOperation():
            return Response(problem(400, "parse_error", "The request cannot be read."), 400)
    log.error("unexpected in the API", exc_info=error)
    return Response(problem(500, "unexpected", "Something went wrong on our side. It was logged."), 500)


def _errors(details: Any, pointer: str = "") -> Iterator[dict[str, str]]:
    """Each field's sentence with a JSON pointer to it."""
    if isinstance(details, dict) and set(details) == {"message", "code"}:
        yield {"pointer": pointer, "detail": str(details["message"]), "code": str(details["code"])}
    elif isinstance(details, dict):
        for name, inner in details.items():
            token = str(name).replace("~", "~0").replace("/", "~1")
            yield from _errors(inner, pointer if name == "non_field_errors" else f"{pointer}/{token}")
    elif isinstance(details, list):
        # A list of sentences belongs to one field; a list of dicts of fields to its items.
        for place, inner in enumerate(details):
            is_sentence = isinstance(inner, dict) and set(inner) == {"message", "code"}
            yield from _errors(inner, pointer if is_sentence else f"{pointer}/{place}")
