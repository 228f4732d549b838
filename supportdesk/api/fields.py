"""Fields that take what they say and nothing else: no number for a text, no name the operation does not know."""

import re
from typing import Any

from django.http import QueryDict
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from supportdesk.api.pagination import MOST, USUAL
from tickets.writing import MAX_BODY

WHOLE = re.compile(r"[0-9]{1,18}")


def _said(field: serializers.CharField, data: Any) -> str:
    """The string as it was sent, no longer than the document says: what is trimmed off afterwards counts."""
    if not isinstance(data, str):
        raise ValidationError("Send a text.", code="invalid")
    if field.max_length is not None and len(data) > field.max_length:
        raise ValidationError(f"Ensure this field has no more than {field.max_length} characters.", code="max_length")
    return data


class Text(serializers.CharField):
    """A JSON string."""

    def to_internal_value(self, data: Any) -> str:
        """The text.

        Raises:
            ValidationError: for anything but a string.
        """
        return super().to_internal_value(_said(self, data))


class Address(serializers.EmailField):
    """An email address, in small letters."""

    def to_internal_value(self, data: Any) -> str:
        """The address as identities hold it.

        Raises:
            ValidationError: for anything but a string.
        """
        return super().to_internal_value(_said(self, data)).lower()


class Whole(serializers.IntegerField):
    """A JSON number without a fraction."""

    def to_internal_value(self, data: Any) -> int:
        """The number.

        Raises:
            ValidationError: for anything but a number.
        """
        if isinstance(data, bool) or not (isinstance(data, int) or (isinstance(data, float) and data.is_integer())):
            raise ValidationError("Send a whole number.", code="invalid")
        return super().to_internal_value(int(data))


class QueryWhole(serializers.IntegerField):
    """A whole number in a query string."""

    def to_internal_value(self, data: Any) -> int:
        """The number.

        Raises:
            ValidationError: for anything but digits.
        """
        if not isinstance(data, str) or not WHOLE.fullmatch(data):
            raise ValidationError("Send a whole number.", code="invalid")
        return super().to_internal_value(data)


class YesNo(serializers.BooleanField):
    """JSON's true or false, not words that look like it."""

    def to_internal_value(self, data: Any) -> bool:
        """The answer.

        Raises:
            ValidationError: for anything but true or false.
        """
        if not isinstance(data, bool):
            raise ValidationError("Send true or false.", code="invalid")
        return data


class Choice(serializers.ChoiceField):
    """One of these words (or numbers), of the very same type."""

    def to_internal_value(self, data: Any) -> Any:
        """The choice.

        Raises:
            ValidationError: for anything else.
        """
        if isinstance(data, bool) or not isinstance(data, str | int) or data not in self.choices:
            raise ValidationError(f"Choose one of: {', '.join(map(str, self.choices))}.", code="invalid")
        return data


@extend_schema_field({"type": "object", "additionalProperties": {}})
class Mapping(serializers.DictField):
    """A JSON object with names of its own."""


class Input(serializers.Serializer[Any]):
    """What an operation takes; a name it does not know is refused, because a misspelt filter would silently show everything."""

    def to_internal_value(self, data: Any) -> Any:
        """The checked values.

        Raises:
            ValidationError: naming each field.
        """
        if not isinstance(data, dict):
            raise ValidationError({"non_field_errors": ["Send a JSON object."]}, code="invalid")
        if unknown := [name for name in data if name not in self.fields]:
            raise ValidationError({name: ["There is no such field."] for name in unknown}, code="unknown")
        return super().to_internal_value(data)

    @staticmethod
    def single(query: QueryDict) -> dict[str, Any]:
        """A query string as a dict.

        Raises:
            ValidationError: for a parameter that stands twice.
        """
        if twice := [name for name, values in query.lists() if len(values) > 1]:
            raise ValidationError({name: ["Send this once."] for name in twice}, code="invalid")
        return dict(query.items())


class Nothing(Input):
    """An empty object."""


class Paged(Input):
    """What every list understands."""

    cursor = Text(required=False, default="", max_length=400, help_text="`next_cursor` of the page before.")
    page_size = QueryWhole(required=False, default=USUAL, min_value=1, max_value=MOST)


def body_text(**kwargs: Any) -> Text:
    """The words of a message."""
    return Text(max_length=MAX_BODY, trim_whitespace=False, **kwargs)


def answer_page(name: str, item: type[serializers.Serializer[Any]]) -> type[serializers.Serializer[Any]]:
    """The serializer of a page of these items, under its own name in the document."""
    fields = {"items": item(many=True), "next_cursor": serializers.CharField(allow_null=True, help_text="Null on the last page.")}
    return type(name, (serializers.Serializer,), {"__doc__": "One page.", **fields})
