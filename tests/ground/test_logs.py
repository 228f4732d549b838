"""Reliability 7: logs say what happened, never who said what."""

import io
import logging
import time

import pytest

from supportdesk.core.logs import Redact, redacted


@pytest.mark.parametrize(
    ("said", "secret"),
    [
        ("Authorization: Bearer sk-123456789", "sk-123456789"),
        ("{'Authorization': 'Bearer abcdef123'}", "abcdef123"),
        ("authorization=Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("SHOP_TOKEN=abcdef123", "abcdef123"),
        ('{"api_key": "sk-1"}', "sk-1"),
        ("{'x-api-key': 'abcdef'}", "abcdef"),
        ("password=hunter2", "hunter2"),
        ("Password: 'a b'", "'a"),
        ("client_secret = s3cr3ts", "s3cr3ts"),
        ("Cookie: sessionid=abcdef123", "abcdef123"),
        ("postgres://desk:secretpw@db.example/desk", "secretpw"),
        ("Your code is 123 456.", "123 456"),
        ("code: 123456", "123456"),
        ("mail to ida.marchetti+shop@mail.example failed", "ida.marchetti"),
        ("bearer abc.def.ghi-jkl", "abc.def"),
    ],
)
def test_what_looks_like_a_secret_or_an_address_is_blotted_out(said: str, secret: str):
    assert secret not in redacted(said)


HARMLESS = [
    "job 12 (knowledge.index) failed, attempt 2",
    "order N-20377 code R-4",
    "run 5 of ticket 1044 replied",
    "http 404 after 123456 ms",
    "the token is wrong",
]


@pytest.mark.parametrize("said", HARMLESS)
def test_what_is_no_secret_stays_readable(said: str):
    assert redacted(said) == said


def test_arguments_and_tracebacks_are_blotted_out_too():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(Redact())
    log = logging.Logger("test")
    log.addHandler(handler)
    try:
        raise RuntimeError("the shop refused token=abcdef123 of ida@mail.example")
    except RuntimeError:
        log.exception("call for %s failed with %s", "ida@mail.example", {"token": "abcdef123"})
    said = stream.getvalue()
    assert "Traceback" in said
    assert "[email]" in said
    assert "abcdef123" not in said
    assert "ida@" not in said


LONG = ["a-", "a", "token-", "token ", "a@", "ghp_", "://a:", "code 12"]


@pytest.mark.parametrize("piece", LONG)
def test_no_path_a_stranger_asks_for_keeps_the_process_busy(piece: str):
    record = logging.LogRecord("django.request", logging.WARNING, __file__, 1, "Not Found: /%s", (piece * 20_000,), None)
    began = time.perf_counter()
    Redact().filter(record)
    redacted(piece * (20_000 // len(piece)))
    # Took minutes where a pattern began anew at every character.
    assert time.perf_counter() - began < 1


def test_a_long_message_is_cut_and_a_name_in_front_of_a_secret_may_be_long():
    record = logging.LogRecord("django.request", logging.WARNING, __file__, 1, f"{'x' * 100}_TOKEN=abcdef123 {'y ' * 10_000}", (), None)
    Redact().filter(record)
    assert "_TOKEN=[redacted] y" in str(record.msg)
    assert len(str(record.msg)) < 9_000
