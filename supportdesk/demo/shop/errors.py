"""How the shop says no."""

from __future__ import annotations

from collections.abc import Mapping


class Refusal(Exception):
    """A request the shop will not carry out: an HTTP status, a stable code and one sentence, sometimes headers."""

    def __init__(self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}

    def as_json(self) -> dict[str, dict[str, str]]:
        return error_json(self.code, self.message)


def error_json(code: str, message: str) -> dict[str, dict[str, str]]:
    return {"error": {"code": code, "message": message}}


def not_found(what: str) -> Refusal:
    return Refusal(404, "not_found", f"There is no {what}.")


def invalid(message: str) -> Refusal:
    return Refusal(422, "invalid", message)
