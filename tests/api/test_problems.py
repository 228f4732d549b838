"""Every refusal is a problem: one shape, a stable code, and nothing of our insides."""

import json
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from supportdesk.api.views import tickets as views
from tests.api.worlds import Caller, Rows
from tickets.models import Ticket

FIELDS = {"type", "title", "status", "detail", "code", "errors"}
GOOD = {"customer": {"name": "Ida"}, "body": "Hello"}


def is_problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The body, once it is what RFC 9457 and the document say."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = json.loads(answer.content)
    assert set(body) == FIELDS
    assert (body["status"], body["code"], body["type"]) == (status, code, f"urn:supportdesk:problem:{code}")
    return body


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1", "/api/v1/", "/api/v2/tickets", "/api/v1/tickets/", "/api/v1/tickets/0", "/api/x%00y", "/api/a%0Ab"]
)
def test_unknown_paths_are_problems_for_strangers_and_callers_alike(shop: Caller, method: str, path: str):
    is_problem(shop.ask(method, path), 404, "not_found")
    is_problem(Client().generic(method, path), 404, "not_found")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"])
def test_other_methods_are_told_which_there_are(shop: Caller, method: str):
    answer = shop.ask(method, "tickets", {})
    is_problem(answer, 405, "method_not_allowed")
    assert answer["Allow"] == "GET, HEAD, POST"


def test_formats_we_do_not_speak(shop: Caller):
    is_problem(shop.get("tickets", accept="text/html"), 406, "not_acceptable")
    form = shop.client.post("/api/v1/tickets", {"body": "x"}, headers={"authorization": f"Bearer {shop.key}"})
    is_problem(form, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"body": NaN}',
        b'{"body": "a", "body": "b"}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 40 + b"1" + b"}" * 40,
        b"\x00",
    ],
)
def test_what_is_not_json_is_a_parse_error(shop: Caller, raw: bytes):
    headers = {"authorization": f"Bearer {shop.key}"}
    answer = shop.client.generic("POST", "/api/v1/tickets", raw, content_type="application/json", headers=headers)
    assert answer.status_code == 400
    assert json.loads(answer.content)["code"] in ("parse_error", "invalid")
    with_key = shop.client.generic(
        "POST", "/api/v1/tickets", raw, content_type="application/json", headers={**headers, "idempotency-key": "k"}
    )
    assert (with_key.status_code, with_key.content) == (400, answer.content)


def test_too_large_a_body_is_refused_before_it_is_read(shop: Caller):
    is_problem(shop.post("tickets", {**GOOD, "body": "x" * 3_000_000}), 413, "too_large")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ([], ""),
        ("text", ""),
        (None, "/customer"),
        ({**GOOD, "customer": 7}, "/customer"),
        ({**GOOD, "customer": {"email": "nobody"}}, "/customer/email"),
        ({**GOOD, "customer": {"id": 1, "name": "x"}}, "/customer"),
        ({**GOOD, "customer": {"id": "1"}}, "/customer/id"),
        ({**GOOD, "customer": {"id": True}}, "/customer/id"),
        ({**GOOD, "customer": {"id": 10**30}}, "/customer/id"),
        ({**GOOD, "customer": {"a/b~c": 1}}, "/customer/a~1b~0c"),
        ({**GOOD, "body": 7}, "/body"),
        ({**GOOD, "body": "x\x00y"}, "/body"),
        ({**GOOD, "body": "\ud800"}, "/body"),
        ({**GOOD, "body": "x" * 8001}, "/body"),
        ({**GOOD, "vouch": "yes"}, "/vouch"),
        ({**GOOD, "handler": "human"}, "/handler"),
        ({**GOOD, "subject": "x" * 161}, "/subject"),
    ],
)
def test_each_field_that_is_not_right_is_pointed_at(shop: Caller, body: Any, pointer: str):
    told = is_problem(shop.ask("POST", "tickets", {} if body is None else body), 400, "invalid")
    assert pointer in [each["pointer"] for each in told["errors"]]


def test_words_that_are_none_are_unacceptable(shop: Caller):
    is_problem(shop.post("tickets", {**GOOD, "body": "\x07"}), 422, "unacceptable")


@pytest.mark.parametrize(
    "query",
    [
        *("cursor=nonsense", "cursor=%00", "page_size=0", "page_size=101", "page_size=1e9", "page_size=%D9%A3", "order=secret"),
        *("status=all", "customer=-1", "customer=" + "9" * 40, "nothing=1", "status=open&status=open", "queue=%00", "environment=test"),
    ],
)
def test_a_query_that_is_not_right_is_never_a_list_of_everything(shop: Caller, query: str):
    assert shop.get(f"tickets?{query}").status_code == 400


def test_an_unexpected_error_tells_nothing_and_is_logged(
    shop: Caller, rows: Rows, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def broken(ticket: Ticket) -> None:
        raise RuntimeError("the secret is 42")

    monkeypatch.setattr(views, "level_of", broken)
    answer = shop.get(f"tickets/{rows.ticket.number}")
    is_problem(answer, 500, "unexpected")
    assert b"42" not in answer.content
    assert "the secret is 42" in caplog.text


def test_too_many_requests_are_asked_to_wait_and_others_are_not(settings: Settings, shop: Caller, alice: Caller):
    settings.API_RATE = 5
    cache.clear()
    statuses = [shop.get("tickets").status_code for _ in range(8)]
    assert statuses == [200] * 5 + [429] * 3
    answer = shop.get("tickets")
    is_problem(answer, 429, "too_many_requests")
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert alice.get("tickets").status_code == 200


def test_without_the_cache_nobody_is_kept_out(settings: Settings, shop: Caller, monkeypatch: pytest.MonkeyPatch):
    def down(*args: Any, **kwargs: Any) -> None:
        raise ConnectionError("no cache")

    settings.API_RATE = 0
    monkeypatch.setattr(cache, "add", down)
    assert shop.get("tickets").status_code == 200


def test_the_document_and_its_page_are_public_and_served_by_ourselves():
    document = Client().get("/api/v1/openapi.json")
    assert (document.status_code, document.json()["openapi"][:2]) == (200, "3.")
    page = Client().get("/api/v1/docs/")
    assert page.status_code == 200
    assert b"https://" not in page.content
    policy = page["Content-Security-Policy"]
    assert "unsafe-inline" not in next(part for part in policy.split(";") if "script-src" in part)
    assert "'unsafe-inline'" in next(part for part in policy.split(";") if "style-src" in part)
    assert "unsafe-inline" not in Client().get("/help/")["Content-Security-Policy"]


def test_head_answers_like_get_without_a_body(shop: Caller):
    answer = shop.ask("HEAD", "tickets")
    assert (answer.status_code, answer.content) == (200, b"")
