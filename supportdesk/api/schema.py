"""How operations name themselves, their permission and their problems; the OpenAPI document is read from exactly this."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from supportdesk.api.fields import Input
from supportdesk.api.problems import TITLES
from supportdesk.core.permissions import PERMISSIONS

M = TypeVar("M", bound=Callable[..., Any])

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x7e]+$"},
    OpenApiParameter.HEADER,
    description="Your own name for this request. Sent again with the same body within 24 hours, the first answer is repeated.",
)
NUMBER = OpenApiParameter(
    "number", {"type": "integer", "minimum": 1, "maximum": 999_999_999}, OpenApiParameter.PATH, description="The ticket's number."
)
ID = OpenApiParameter("id", {"type": "integer", "minimum": 1, "maximum": 10**18 - 1}, OpenApiParameter.PATH)
CALL = OpenApiParameter("call", {"type": "string", "format": "uuid"}, OpenApiParameter.PATH, description="The call that was shown.")


class FieldErrorOut(serializers.Serializer[Any]):
    """One field that is not right."""

    pointer = serializers.CharField(help_text="JSON pointer into the body, or the parameter's name after a slash.")
    detail = serializers.CharField()
    code = serializers.CharField()


class ProblemOut(serializers.Serializer[Any]):
    """A refusal, as RFC 9457 has it."""

    type = serializers.CharField(help_text="urn:supportdesk:problem:<code>")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="A sentence for people.")
    code = serializers.CharField(help_text="Stable, for programs.")
    errors = FieldErrorOut(many=True)  # type: ignore[assignment]


class Schema(AutoSchema):
    """Spectacular's, with one tag for each subject, plain names, and bodies that say what they refuse."""

    def get_tags(self) -> list[str]:
        """The view's subject."""
        return [getattr(self.view, "subject", "api")]

    def _get_serializer_name(self, serializer: Any, direction: str, bypass_extensions: bool = False) -> str:
        # What is taken and what is answered are classes of their own already.
        name = str(super()._get_serializer_name(serializer, direction, bypass_extensions))
        return name.removesuffix("Request").removeprefix("Patched").removesuffix("Out")

    def _map_serializer(self, serializer: Any, direction: str, bypass_extensions: bool = False) -> Any:
        mapped = super()._map_serializer(serializer, direction, bypass_extensions)  # type: ignore[no-untyped-call]
        return {**mapped, "additionalProperties": False} if isinstance(serializer, Input) else mapped


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the key is sent."""

    target_class = "supportdesk.api.authentication.BearerKey"
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """A bearer token in the Authorization header."""
        return {"type": "http", "scheme": "bearer", "description": "An API key: sd_live_… or sd_test_…"}


def example(name: str, body: dict[str, Any]) -> OpenApiExample:
    """A request body as somebody would send it."""
    return OpenApiExample(name, body, request_only=True)


def operation(
    name: str,
    *,
    permission: str,
    summary: str,
    answers: Any,
    takes: Any = None,
    status: int = 200,
    parameters: Sequence[Any] = (),
    problems: Sequence[int] = (),
    as_teammate: bool = False,
    asks_outside: bool = False,
    examples: Sequence[OpenApiExample] = (),
) -> Callable[[M], M]:
    """Make a method an operation of the API: its stable id, the one permission it asks for, and what it takes and answers.

    `problems` adds to those every operation has. An operation `as_teammate` needs a key that acts as one. One that `asks_outside`
    waits for a connected system, so it runs in no transaction of ours, and must be harmless when it is carried out twice.
    """
    assert permission in PERMISSIONS, permission  # noqa: S101

    def around(method: M) -> M:
        is_write = method.__name__ in ("post", "patch")
        refusals = {401, 403, 406, 429, 500, *problems, *((400, 409, 413, 415, 422) if is_write else ())}
        needs = f"Needs `{permission}`" + (", with a key that acts as a teammate." if as_teammate else ".")
        method.permission, method.as_teammate, method.asks_outside = permission, as_teammate, asks_outside  # type: ignore[attr-defined]
        said = OpenApiResponse
        extend_schema(
            operation_id=name,
            summary=summary,
            description=f"{' '.join((method.__doc__ or '').split())}\n\n{needs}",
            request={"application/json": takes} if takes else None,
            parameters=[*parameters, *([IDEMPOTENCY_KEY] if is_write else [])],
            responses={
                status: said(answers, description="Done." if is_write else "What was asked for."),
                **{(code, "application/problem+json"): said(ProblemOut, description=TITLES[code]) for code in sorted(refusals)},
            },
            examples=list(examples),
            extensions={"x-permission": permission, "x-as-teammate": as_teammate},
        )(method)
        return method

    return around
