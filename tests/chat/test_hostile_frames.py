"""Reliability 15: whatever a socket is sent, before and after the hello, it closes with a fixed code and tells nothing of the inside."""

import asyncio
import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import Client
from hypothesis import HealthCheck, example, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from supportdesk.asgi import application
from supportdesk.chat import consumers
from supportdesk.chat.frames import FIELDS, TOLD
from supportdesk.core import tail
from supportdesk.core.sockets import is_same_origin
from supportdesk.core.tenancy import acting_for
from tests.chat.sockets import browser
from tests.factories import make_session, make_world

pytestmark = [pytest.mark.django_db(transaction=True)]

CODES = {consumers.BAD, consumers.UNKNOWN_SESSION, consumers.NO_HELLO, consumers.TOO_MANY}
REFUSALS = {"bad_frame", "refused", "unacceptable", "wrong_code", "not_yours", "stale", "somebody_else"}
INSIDE = (
    "Traceback",
    "Error",
    "Exception",
    "supportdesk",
    "tickets.",
    "django",
    "sqlite",
    "psycopg",
    "SELECT",
    "secret_hash",
    "object at",
)

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from([*FIELDS, "base", "ready", "changed", "resume", "renewed", "websocket.close", "news", "presence", "__class__"])
KNOWN = sorted({field for fields in FIELDS.values() for field in fields} | {"language", "ticket_id", "tenant"})


@st.composite
def frames(draw: st.DrawFn) -> str | bytes:
    """A frame as the schema has it, bent; or nothing like it."""
    shape = draw(st.sampled_from(["bent", "bent", "bent", "any", "noise", "binary", "deep"]))
    if shape == "binary":
        return draw(st.binary(min_size=1, max_size=60))
    if shape == "noise":
        return draw(st.text(min_size=1, max_size=60).filter(lambda text: not any(0xD800 <= ord(char) <= 0xDFFF for char in text)))
    if shape == "deep":
        return draw(st.sampled_from(["[", '{"a":', '[{"type":'])) * draw(st.sampled_from([10, 5_000, 200_000]))
    if shape == "any":
        return json.dumps(draw(ANY))
    name = draw(NAMES)
    frame: dict[str, Any] = {"type": name}
    for field, kind in FIELDS.get(name, {}).items():
        value = {str: draw(st.text(max_size=30)), int: draw(st.integers(-5, 9)), bool: draw(st.booleans())}[kind]
        frame[field] = draw(ANY) if draw(st.booleans()) else value
    frame |= draw(st.dictionaries(st.sampled_from(KNOWN), ANY, max_size=2))
    return json.dumps(frame)


def visitor() -> str:
    world = make_world("acme")
    with acting_for(world.tenant):
        return make_session(world)[1]


async def answers(line: WebsocketCommunicator) -> tuple[list[str], int | None]:
    """Everything the server says until it closes or falls silent, and the code it closed with."""
    said: list[str] = []
    while True:
        if await line.receive_nothing(0.25):
            return said, None
        output = await line.receive_output(1)
        if output["type"] == "websocket.close":
            return said, int(output["code"])
        said.append(output["text"])


async def put(line: WebsocketCommunicator, frame: str | bytes) -> None:
    await (line.send_to(bytes_data=frame) if isinstance(frame, bytes) else line.send_to(text_data=frame))


async def talk(sent: list[str | bytes], token: str) -> tuple[list[str], int | None]:
    async with browser() as page:
        try:
            if token:
                await page.hello(token)
            for frame in sent:
                await put(page.line, frame)
            return await answers(page.line)
        finally:
            if tail._task is not None:
                tail._task.cancel()
                await asyncio.gather(tail._task, return_exceptions=True)
                tail._task = None


def judge(said: list[str], code: int | None) -> None:
    """Only frames of the list, refusals of known kinds, nothing of the inside, and a fixed code."""
    assert code is None or code in CODES, code
    for text in said:
        frame = json.loads(text)
        assert set(frame) - {"type"} <= set(TOLD[frame["type"]]), frame
        assert not [word for word in INSIDE if word in text], text
        if frame["type"] == "refused":
            assert frame["code"] in REFUSALS, frame


@pytest.mark.slow
@pytest.mark.reliability(15, "before hello")
def test_before_the_hello_every_frame_but_a_hello_closes_without_a_word() -> None:
    visitor()

    @effort(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(frame=frames())
    @example(frame='{"event": "base"}')
    @example(frame=json.dumps({"type": "hello", "token": "\ud800.\x00", "position": 0}))
    @example(frame="x" * 1_000_000)
    @example(frame=b"\x00" * 1_000_000)
    def check(frame: str | bytes) -> None:
        said, code = async_to_sync(talk)([frame], "")
        assert said == []
        assert code in (consumers.BAD, consumers.UNKNOWN_SESSION)

    check()


@pytest.mark.slow
@pytest.mark.reliability(15, "after hello")
def test_after_the_hello_frames_are_done_refused_or_close_the_socket() -> None:
    token = visitor()

    @effort(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(sent=st.lists(frames(), min_size=1, max_size=5))
    @example(sent=["x" * 1_000_000] * 3)
    @example(sent=['{"event": "base"}'] * 3)
    @example(sent=[json.dumps({"type": "ask_code", "email": "a\x00@b.example"})])
    @example(sent=[json.dumps({"type": "send", "client_id": "a", "text": "\ud800"})])
    def check(sent: list[str | bytes]) -> None:
        judge(*async_to_sync(talk)(sent, token))

    check()


@pytest.mark.reliability(15, "after hello")
@pytest.mark.usefixtures("tail_ends")
async def test_ten_thousand_frames_at_once_are_read_no_further_than_the_limit() -> None:
    token = await database_sync_to_async(visitor)()
    async with browser() as page:
        await page.hello(token)
        for _ in range(10_000):
            await page.line.send_to(text_data='{"type": "typing"}')
        assert await page.closed() == consumers.TOO_MANY


def console(cookie: str = "", origin: bytes = b"http://testserver", host: bytes = b"") -> WebsocketCommunicator:
    headers = [(b"origin", origin)] if origin else []
    headers += [(b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode())] if cookie else []
    headers += [(b"host", host)] if host else []
    return WebsocketCommunicator(application, "/ws/console/", headers=headers)


def teammates_cookie() -> str:
    client = Client()
    client.force_login(make_world("acme").owner.user, backend="django.contrib.auth.backends.ModelBackend")
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@pytest.mark.slow
@pytest.mark.reliability(15, "console")
def test_the_teammates_socket_takes_one_frame_and_closes_on_all_others() -> None:
    cookie = teammates_cookie()

    async def run(frame: str | bytes) -> tuple[list[str], int | None]:
        line = console(cookie)
        accepted, _code = await line.connect(5)
        assert accepted
        try:
            await put(line, frame)
            return await answers(line)
        finally:
            await line.disconnect()
            if tail._task is not None:
                tail._task.cancel()
                await asyncio.gather(tail._task, return_exceptions=True)
                tail._task = None

    @effort(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(frame=frames() | st.builds(lambda position: json.dumps({"type": "resume", "position": position}), ANY))
    @example(frame='{"event": "base"}')
    @example(frame="x" * 1_000_000)
    @example(frame='{"type": "resume", "position": 99999999999999999999999999}')
    @example(frame='{"type": "resume", "position": 1e400}')
    @example(frame='{"type": "resume", "position": NaN}')
    def check(frame: str | bytes) -> None:
        said, code = async_to_sync(run)(frame)
        assert code in (None, 4400)
        for text in said:
            assert json.loads(text)["type"] in ("ready", "changed")
            assert not [word for word in INSIDE if word in text], text
        assert (code is None) == bool(said)

    check()


@pytest.mark.reliability(15, "console")
async def test_nobody_says_anything_to_the_teammates_socket_before_sign_in() -> None:
    for cookie in ("", "made-up", "\x00", "a" * 5_000):
        accepted, code = await console(cookie).connect(5)
        assert (accepted, code) == (False, 4401)


OWN = b"http://testserver"
ORIGINS = {
    "own": (OWN, True),
    "none": (b"", False),
    "null": (b"null", False),
    "another host": (b"https://evil.example", False),
    "another port": (b"http://testserver:8443", False),
    "a look-alike below": (b"http://testserver.evil.example", False),
    "a look-alike beside": (b"http://eviltestserver", False),
    "a sub-domain": (b"http://chat.testserver", False),
    "a user part": (b"http://testserver@evil.example", False),
    "another scheme": (b"ftp://testserver", False),
    "a file": (b"file://", False),
    "noise": (b"http://[", False),
    "two": (b"http://testserver http://evil.example", False),
}


@pytest.mark.reliability(15, "origins")
@pytest.mark.parametrize("place", ["/ws/chat/acme/web/", "/ws/console/"])
@pytest.mark.parametrize("case", ORIGINS)
@pytest.mark.usefixtures("tail_ends")
async def test_only_pages_of_the_very_same_address_open_a_socket(case: str, place: str) -> None:
    origin, is_own = ORIGINS[case]
    cookie = await database_sync_to_async(teammates_cookie)()
    headers = [(b"host", b"testserver"), (b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode())]
    line = WebsocketCommunicator(application, place, headers=headers + ([(b"origin", origin)] if origin else []))
    accepted, _code = await line.connect(5)
    await line.disconnect()
    assert accepted == is_own


@pytest.mark.reliability(15, "origins")
@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("https://desk.example", "desk.example", True),
        ("https://desk.example:443", "desk.example", True),
        ("http://desk.example", "desk.example:80", True),
        ("http://desk.example:8000", "desk.example:8000", True),
        ("http://desk.example:8001", "desk.example:8000", False),
        ("http://desk.example", "desk.example:8000", False),
        ("http://[::1]:8000", "[::1]:8000", True),
        ("", "desk.example", False),
        ("null", "desk.example", False),
        ("http://desk.example:x", "desk.example", False),
    ],
)
def test_an_origin_is_compared_with_its_port(origin: str, host: str, same: bool) -> None:
    assert is_same_origin(origin, host) == same
