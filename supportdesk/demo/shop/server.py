"""The demo shop as a process: `python supportdesk/demo/shop/server.py --port 8970 --db shop.sqlite3 --token TOKEN`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

if not __package__:
    # Started by path: the folder itself is the package, so that nothing of SupportDesk is imported on the way to it.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    __package__ = "shop"

from .api import Answer, Request, Shop
from .errors import Refusal
from .store import ForeignFile, Store

MAX_BODY = 64 * 1024
MAX_DRAINED = 1024 * 1024


class Unframed(Exception):
    """A body whose end cannot be known or is too far away: the connection closes after the refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class Handler(BaseHTTPRequestHandler):
    """HTTP/1.1 with keep-alive: reads one whole request, lets the Shop answer, writes the answer in one piece."""

    server: ShopServer
    protocol_version = "HTTP/1.1"
    timeout = 60
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_GET

    def handle_expect_100(self) -> bool:
        is_welcome = super().handle_expect_100()
        self.wfile.flush()
        return is_welcome

    def _serve(self) -> None:
        try:
            # HEAD is a GET whose body stays behind.
            method = "GET" if self.command == "HEAD" else self.command
            answer = self.server.shop.answer(Request(method, self.path, self.headers, self._read_body()))
        except Unframed as unframed:
            self.close_connection = True
            answer = Answer.json(unframed.refusal.as_json(), status=unframed.refusal.status)
        except (ConnectionError, TimeoutError):
            self.close_connection = True
            return
        except Exception:
            traceback.print_exc()
            answer = Answer.json({"error": {"code": "internal", "message": "Something broke."}}, status=500)
        if answer is None:
            self.close_connection = True
            self.log_request("closed")
        else:
            self._write(answer)

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") is not None:
            raise Unframed(Refusal(411, "length_required", "Send a Content-Length, not chunks."))
        lengths = self.headers.get_all("Content-Length", ["0"])
        if len(lengths) > 1 or not (lengths[0].isascii() and lengths[0].isdigit() and len(lengths[0]) < 16):
            raise Unframed(Refusal(400, "bad_length", "Content-Length must be one integer, 0 or more."))
        length = int(lengths[0])
        if length > MAX_BODY:
            # A client that is still sending would miss the refusal, so a moderate excess is read and dropped.
            self.rfile.read(min(length, MAX_DRAINED))
            raise Unframed(Refusal(413, "too_large", f"A body has at most {MAX_BODY} bytes."))
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionResetError("the body ended early")
        return body

    def _write(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no request at all, in JSON like everything else."""
        self.close_connection = True
        self.request_version = self.protocol_version  # a line nobody understood counts as HTTP/0.9, which has no headers
        self._write(Answer.json({"error": {"code": "bad_request", "message": message or "This is not a valid request."}}, status=int(code)))

    def version_string(self) -> str:
        return "demo-shop"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        # Without the query: it holds an e-mail address.
        path = getattr(self, "path", "").partition("?")[0]
        self.log_message("%s %s %s", self.command, path, int(code) if isinstance(code, int) else code)

    def log_message(self, format: str, *args: Any) -> None:
        if self.server.is_verbose:
            super().log_message(format, *args)


class ShopServer(ThreadingHTTPServer):
    """One thread per connection; none of them holds up the end."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], shop: Shop, *, is_verbose: bool) -> None:
        super().__init__(address, Handler)
        self.shop = shop
        self.is_verbose = is_verbose

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The demo shop: customers, orders, refunds and a ledger behind a small HTTP API.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=8970, help="port to listen on, 0 picks a free one (default %(default)s)")
    parser.add_argument("--db", type=Path, default=Path("shop.sqlite3"), help="SQLite file, made and seeded when new (default %(default)s)")
    parser.add_argument("--token", default=os.environ.get("SHOP_TOKEN"), help="bearer token of the API (default: SHOP_TOKEN)")
    parser.add_argument("--verbose", action="store_true", help="one line per request on stderr")
    arguments = parser.parse_args()
    if not arguments.token:
        parser.error("a token is needed: --token or SHOP_TOKEN")
    return arguments


def main() -> None:
    arguments = parse_arguments()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, _end)
    os.umask(0o077)
    try:
        store = Store(arguments.db)
    except ForeignFile as error:
        sys.exit(f"{arguments.db}: {error}")
    try:
        with ShopServer((arguments.host, arguments.port), Shop(store, arguments.token), is_verbose=arguments.verbose) as server:
            sys.stdout.write(f"shop on http://{arguments.host}:{server.server_port}\n")
            sys.stdout.flush()
            server.serve_forever()
    finally:
        store.close()


def _end(signum: int, frame: FrameType | None) -> NoReturn:
    sys.exit(0)


if __name__ == "__main__":
    main()
