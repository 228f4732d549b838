"""Reliability 48 and 60: what the one outbound door lets through, and what it says when no answer comes."""

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pytest_django import Settings

from supportdesk.core import safe_http
from supportdesk.core.safe_http import NoAnswer, NotSent, Refused, checked_address, request


@dataclass
class Shop:
    """A small server on a free port, and what reached it."""

    port: int = 0
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture
def shop(settings: Settings) -> Iterator[Shop]:
    found = Shop()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found.seen.append((self.command, self.path, dict(self.headers), body))
            match self.path:
                case "/redirect":
                    self.answer(302, b"", Location=found.url("/secret"))
                case "/lost":
                    self.connection.shutdown(socket.SHUT_RDWR)
                case "/half":
                    self.answer(200, b"only this", length=500)
                    self.connection.shutdown(socket.SHUT_RDWR)
                case "/slow":
                    time.sleep(1)
                case "/large":
                    self.answer(200, b"x" * (safe_http.MAX_ANSWER_BYTES + 1))
                case "/dripping":
                    self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                    for number in range(30):
                        time.sleep(0.1)
                        self.wfile.write(b"X-%d: 1\r\n" % number)
                case "/packed":
                    self.answer(200, gzip.compress(b"x" * 1000), **{"Content-Encoding": "gzip"})
                case "/trickle":
                    self.answer(200, b"", length=100)
                    for _ in range(30):
                        time.sleep(0.1)
                        self.wfile.write(b".")
                case _:
                    self.answer(200, b'{"ok": true}')

        do_POST = do_GET

        def answer(self, status: int, body: bytes, length: int | None = None, **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body) if length is None else length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    found.port = server.server_port
    settings.OUTBOUND_PRIVATE_HOSTS = [f"127.0.0.1:{found.port}"]
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_answer_comes_back_whole(shop: Shop):
    answer = request("POST", shop.url("/v1/refunds"), headers={"Idempotency-Key": "k-1"}, json={"amount": 6400})
    assert (answer.status, answer.json()) == (200, {"ok": True})
    method, path, headers, body = shop.seen[0]
    assert (method, path, body) == ("POST", "/v1/refunds", b'{"amount":6400}')
    assert headers["Idempotency-Key"] == "k-1"
    assert headers["Host"] == f"127.0.0.1:{shop.port}"


def test_this_machine_is_refused_unless_it_is_listed(shop: Shop, settings: Settings):
    settings.OUTBOUND_PRIVATE_HOSTS = ["127.0.0.1:1", f"localhost:{shop.port}"]
    with pytest.raises(Refused):
        request("GET", shop.url())
    assert shop.seen == []


INSIDE = [
    *("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "127.0.0.1.", "LOCALHOST"),
    *("10.0.0.8", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "2852039166", "192.0.0.1", "198.18.0.1"),
    *("224.0.0.1", "240.0.0.1", "255.255.255.255", "0.0.0.1"),
    *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:169.254.169.254]", "[::127.0.0.1]"),
    *("[::ffff:0:127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]"),
    *("[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]"),
]


@pytest.mark.parametrize("host", INSIDE)
def test_no_spelling_of_an_inside_address_gets_through(host: str):
    with pytest.raises((Refused, NotSent)):
        checked_address(f"http://{host}/latest/meta-data/")


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.215.14", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_the_public_internet_is_let_through(address: str):
    host = f"[{address}]" if ":" in address else address
    assert checked_address(f"https://{host}/v1")[1] == address


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://8.8.8.8/", "file:///etc/passwd", "gopher://8.8.8.8", "//8.8.8.8/", "8.8.8.8", "", "http://", "http:///x", "javascript:1"),
        *("http://user@8.8.8.8/", "http://user:pw@8.8.8.8/", "http://8.8.8.8@127.0.0.1/", "http://[::1", "http://8.8.8.8:99999/"),
    ],
)
def test_only_plain_web_addresses_without_logins_are_allowed(url: str):
    with pytest.raises(Refused):
        checked_address(url)


def test_a_name_with_one_inside_address_among_its_answers_is_refused(monkeypatch: pytest.MonkeyPatch):
    def answers(*_: Any, **__: Any) -> Any:
        return [(socket.AF_INET, 1, 6, "", (ip, 443)) for ip in ("93.184.215.14", "10.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", answers)
    with pytest.raises(Refused):
        checked_address("https://rebind.example/")


def test_what_was_checked_is_what_is_connected_to(shop: Shop, settings: Settings, monkeypatch: pytest.MonkeyPatch):
    """A name that answers otherwise the second time is not asked a second time."""
    settings.OUTBOUND_PRIVATE_HOSTS = [f"shop.example:{shop.port}"]
    asked: list[str] = []
    real = socket.getaddrinfo

    def flips(host: Any, *rest: Any, **more: Any) -> Any:
        if host == "shop.example":
            asked.append(host)
            assert len(asked) == 1
            host = "127.0.0.1"
        return real(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", flips)
    assert request("GET", f"http://shop.example:{shop.port}/v1").status == 200
    assert shop.seen[0][2]["Host"] == f"shop.example:{shop.port}"


def test_a_redirect_is_an_answer_not_an_order(shop: Shop):
    answer = request("GET", shop.url("/redirect"), headers={"Authorization": "Bearer secret"})
    assert answer.status == 302
    assert [path for _method, path, _headers, _body in shop.seen] == ["/redirect"]


@pytest.mark.parametrize("path", ["/lost", "/half", "/large"])
def test_a_lost_or_broken_answer_may_have_taken_effect(shop: Shop, path: str):
    with pytest.raises(NoAnswer) as caught:
        request("POST", shop.url(path), json={})
    assert not isinstance(caught.value, NotSent)
    assert len(shop.seen) == 1


def test_a_packed_answer_is_not_unpacked(shop: Shop):
    """A few kilobytes could unpack to gigabytes, in pieces larger than the whole answer may be."""
    with pytest.raises(NoAnswer, match="packed"):
        request("GET", shop.url("/packed"), headers={"accept-encoding": "gzip"})
    asked = {name.lower(): value for name, value in shop.seen[0][2].items()}
    assert asked["accept-encoding"] == "identity"


@pytest.mark.parametrize("path", ["/slow", "/trickle", "/dripping"])
def test_an_answer_that_takes_too_long_is_no_answer(shop: Shop, path: str):
    began = time.monotonic()
    with pytest.raises(NoAnswer):
        request("POST", shop.url(path), timeout=0.3)
    assert time.monotonic() - began < 1.5


def test_a_refused_connection_has_certainly_done_nothing(settings: Settings):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings.OUTBOUND_PRIVATE_HOSTS = [f"127.0.0.1:{port}"]
    with pytest.raises(NotSent):
        request("POST", f"http://127.0.0.1:{port}/", json={})


def test_a_name_that_does_not_resolve_has_certainly_done_nothing(monkeypatch: pytest.MonkeyPatch):
    def nobody(*_: Any, **__: Any) -> Any:
        raise socket.gaierror("no such host")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    with pytest.raises(NotSent):
        request("GET", "https://nowhere.example/")


def test_in_production_plain_http_is_refused(settings: Settings):
    settings.PRODUCTION = True
    with pytest.raises(Refused, match="Use https"):
        checked_address("http://8.8.8.8/")


def test_proxies_of_the_environment_are_not_used(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert request("GET", shop.url()).status == 200


@pytest.mark.parametrize("header", ["Bearer schl\u00fcssel\u4e2d", "Bearer a\r\nX-Evil: 1"])
def test_a_header_that_cannot_be_sent_has_certainly_done_nothing(shop: Shop, header: str):
    with pytest.raises(Refused):
        request("POST", shop.url(), headers={"Authorization": header}, json={})
    assert shop.seen == []
