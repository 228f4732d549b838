"""Request bodies: JSON as RFC 8259 has it, of a depth a person could have meant."""

import codecs
import json
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

DEEPEST = 32


class StrictJSON(BaseParser):
    """UTF-8, no NaN, no name twice in one object, at most 32 levels."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """The body as Python values.

        Raises:
            ParseError: for anything else.
            RequestDataTooBig: for more than the settings allow.
        """
        raw = stream.read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
        if len(raw) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise RequestDataTooBig
        try:
            text = codecs.decode(raw, "utf-8")
            found = json.loads(text, parse_constant=_refuse, object_pairs_hook=_once)
        except (ValueError, RecursionError):
            raise ParseError("The body is not JSON.") from None
        if _depth(found) > DEEPEST:
            raise ParseError(f"The body is nested deeper than {DEEPEST} levels.")
        return found


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _depth(value: Any, level: int = 0) -> int:
    if level > DEEPEST or not isinstance(value, dict | list):
        return level
    inner = value.values() if isinstance(value, dict) else value
    return max((_depth(each, level + 1) for each in inner), default=level + 1)
