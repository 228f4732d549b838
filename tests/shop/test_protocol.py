import http.client

import pytest

from .conftest import TOKEN, ShopProcess, error_code

REFUND = b'{"amount":1,"currency":"EUR","reason":"r"}'


def request(line: str, *headers: str, body: bytes = b"") -> bytes:
    return "\r\n".join([f"{line} HTTP/1.1", "Host: shop", f"Authorization: Bearer {TOKEN}", *headers, "", ""]).encode() + body


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", f"bearer {TOKEN}", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN])
def test_nothing_is_told_without_the_token(shop: ShopProcess, given: str) -> None:
    response = shop.get("/v1/orders/N-20377", Authorization=given)
    assert (response.status_code, error_code(response)) == (401, "unauthorized")
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/v1/faults"), ("DELETE", "/v1/faults"), ("POST", "/v1/reset"), ("GET", "/v1/ledger")]
)
def test_the_controls_need_the_token_too(shop: ShopProcess, method: str, path: str) -> None:
    shop.refund("N-20377", 1).raise_for_status()
    assert shop.client.request(method, path, headers={b"Authorization": b"Bearer \xfc"}).status_code == 401
    assert len(shop.entries()) == 1


def test_one_connection_serves_many_requests_also_after_refusals(shop: ShopProcess) -> None:
    host, _, port = shop.url.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": "keep"}
    statuses, sockets = [], set()
    for method, path, body in [
        ("GET", "/v1/orders/N-20377", None),
        ("POST", "/v1/orders/N-20377/refunds", b"{"),
        ("POST", "/v1/nothing", b"x" * 5000),
        ("DELETE", "/v1/orders/N-20377", b"{}"),
        ("GET", "/v1/ledger", b"a body nobody reads"),
        ("HEAD", "/v1/orders/N-20377", None),
        ("POST", "/v1/orders/N-20377/refunds", REFUND),
    ]:
        connection.request(method, path, body, headers)
        sockets.add(connection.sock)
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)
    connection.close()
    assert statuses == [200, 400, 404, 405, 200, 200, 201]
    assert len(sockets) == 1


def test_requests_sent_in_a_row_are_answered_in_order(shop: ShopProcess) -> None:
    sent = request("GET /v1/orders/N-20377") + request("GET /v1/orders/N-1") + request("GET /healthz", "Connection: close")
    answered = shop.raw(sent)
    assert [answered.find(mark) >= 0 for mark in (b"200 OK", b"404 Not Found", b'{"status":"ok"}')] == [True] * 3
    assert answered.index(b"N-20377") < answered.index(b"not_found") < answered.index(b'{"status":"ok"}')


def test_head_is_get_without_the_body(shop: ShopProcess) -> None:
    head = shop.client.head("/v1/orders/N-20377")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["Content-Length"]) == len(shop.get("/v1/orders/N-20377").content)


def test_a_method_that_is_not_there_is_told_what_is(shop: ShopProcess) -> None:
    response = shop.client.patch("/v1/faults")
    assert (response.status_code, error_code(response), response.headers["Allow"]) == (405, "method_not_allowed", "GET, PUT, DELETE")


@pytest.mark.parametrize("size", [64 * 1024 + 1, 900_000])
def test_a_body_over_64_kilobytes_is_refused(shop: ShopProcess, size: int) -> None:
    body = b'{"reason":"' + b"x" * (size - 13) + b'"}'
    response = shop.client.post("/v1/orders/N-20520/cancel", content=body, headers={"Idempotency-Key": "big"})
    assert (response.status_code, error_code(response)) == (413, "too_large")
    assert response.headers["Connection"] == "close"
    assert shop.order("N-20520")["status"] == "paid"


def test_a_body_of_exactly_64_kilobytes_is_read(shop: ShopProcess) -> None:
    body = REFUND + b" " * (64 * 1024 - len(REFUND))
    assert shop.client.post("/v1/orders/N-20377/refunds", content=body, headers={"Idempotency-Key": "k"}).status_code == 201


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (["Transfer-Encoding: chunked"], b"411"),
        (["Transfer-Encoding: chunked", f"Content-Length: {len(REFUND)}"], b"411"),
        (["Content-Length: -1"], b"400"),
        (["Content-Length: 1e3"], b"400"),
        (["Content-Length: +42"], b"400"),
        (["Content-Length: 42", "Content-Length: 43"], b"400"),
    ],
)
def test_a_body_whose_end_is_unclear_closes_the_connection(shop: ShopProcess, headers: list[str], status: bytes) -> None:
    answered = shop.raw(request("POST /v1/orders/N-20377/refunds", "Idempotency-Key: k", *headers))
    assert answered.startswith(b"HTTP/1.1 " + status)
    assert b"Connection: close" in answered
    assert shop.entries() == []


def test_a_body_that_breaks_off_has_no_effect(shop: ShopProcess) -> None:
    host, _, port = shop.url.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    connection.connect()
    assert connection.sock
    connection.sock.sendall(request("POST /v1/orders/N-20377/refunds", "Idempotency-Key: k", "Content-Length: 500", body=REFUND))
    connection.close()
    assert shop.get("/healthz").status_code == 200
    assert shop.entries() == []


def test_a_client_that_asks_first_is_told_to_go_on(shop: ShopProcess) -> None:
    headers = ("Idempotency-Key: k", "Expect: 100-continue", f"Content-Length: {len(REFUND)}", "Connection: close")
    answered = shop.raw(request("POST /v1/orders/N-20377/refunds", *headers, body=REFUND))
    assert answered.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created")


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET /healthz HTTP/9.9\r\n\r\n",
        b"BREW /v1/orders HTTP/1.1\r\n\r\n",
        b"GET " + b"/" * 70_000 + b" HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused_in_json(shop: ShopProcess, sent: bytes) -> None:
    head, _, body = shop.raw(sent).partition(b"\r\n\r\n")
    assert head.split()[1] in {b"400", b"414", b"501", b"505"}
    assert b'"code":"bad_request"' in body
