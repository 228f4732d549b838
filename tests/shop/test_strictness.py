import json

import pytest

from .conftest import ShopProcess, error_code

REFUND = {"amount": 100, "currency": "EUR", "reason": "too small"}
ADDRESS = {"name": "A", "line1": "B", "line2": "C", "city": "D", "postcode": "E", "country": "ES"}


def send(shop: ShopProcess, path: str, raw: bytes):
    return shop.client.post(path, content=raw, headers={"Idempotency-Key": "strict"})


@pytest.mark.parametrize("amount", [0, -1, 1.0, 64.5, "100", True, None, [], 10**12 + 1, 10**400])
def test_an_amount_is_a_positive_integer(shop: ShopProcess, amount: object) -> None:
    response = shop.post("/v1/orders/N-20377/refunds", REFUND | {"amount": amount})
    assert (response.status_code, error_code(response)) == (422, "invalid")
    assert shop.entries() == []


@pytest.mark.parametrize("currency", ["eur", "EURO", "", "€", 978, None, "EUR\n", "GBP "])
def test_a_currency_is_three_capitals(shop: ShopProcess, currency: object) -> None:
    response = shop.post("/v1/orders/N-20377/refunds", REFUND | {"currency": currency})
    assert (response.status_code, error_code(response)) == (422, "invalid")


@pytest.mark.parametrize("reason", ["", "   ", None, 1, {}, "x" * 1001, "a\u0000b", "\ud800"])
def test_a_reason_is_some_text(shop: ShopProcess, reason: object) -> None:
    raw = json.dumps({"reason": reason}).encode()
    response = send(shop, "/v1/orders/N-20520/cancel", raw)
    assert (response.status_code, error_code(response)) == (422, "invalid")
    assert shop.order("N-20520")["status"] == "paid"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/orders/N-20377/refunds", REFUND),
        ("/v1/orders/N-20520/cancel", {"reason": "r"}),
        ("/v1/orders/N-20520/address", ADDRESS),
        ("/v1/subscriptions/S-301/cancel", {"reason": "r"}),
    ],
)
def test_no_key_may_be_missing_or_extra(shop: ShopProcess, path: str, body: dict) -> None:
    assert error_code(shop.post(path, body | {"note": "x"})) == "invalid"
    for name in set(body) - {"line2"}:
        response = shop.post(path, {other: value for other, value in body.items() if other != name})
        assert (response.status_code, error_code(response)) == (422, "invalid"), name
    assert shop.entries() == []


@pytest.mark.parametrize(
    "part",
    [
        {"name": ""},
        {"name": 5},
        {"line1": "x" * 121},
        {"line2": ""},
        {"line2": 2},
        {"city": "a\nb"},
        {"postcode": "x" * 17},
        {"country": "es"},
        {"country": "ESP"},
        {"country": "España"},
    ],
)
def test_an_address_is_lines_of_text_and_a_country_code(shop: ShopProcess, part: dict) -> None:
    response = shop.post("/v1/orders/N-20520/address", ADDRESS | part)
    assert (response.status_code, error_code(response)) == (422, "invalid")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"1",
        b'"text"',
        b"\xff\xfe",
        b"amount=1",
        b'{"amount": NaN, "currency": "EUR", "reason": "r"}',
        b'{"amount": 1, "amount": 2, "currency": "EUR", "reason": "r"}',
        b'{"amount": ' + b"9" * 5000 + b', "currency": "EUR", "reason": "r"}',
        b"[" * 60_000,
        b'{"a":' * 12_000,
    ],
    ids=lambda raw: repr(raw[:24]),
)
def test_a_body_that_is_no_json_object_is_refused(shop: ShopProcess, raw: bytes) -> None:
    response = send(shop, "/v1/orders/N-20377/refunds", raw)
    assert (response.status_code, error_code(response)) == (400, "bad_json")
    assert shop.entries() == []


def test_text_in_any_script_comes_back_as_it_was(shop: ShopProcess) -> None:
    address = ADDRESS | {"name": "كريم حداد 🏕", "city": "Malmö", "line1": "Straße 'x'; DROP TABLE orders;--"}
    assert shop.post("/v1/orders/N-20520/address", address).json()["shipping_address"] == address
    assert shop.order("N-20520")["shipping_address"] == address


def test_unknown_query_parameters_are_refused_on_acts_too(shop: ShopProcess) -> None:
    assert error_code(shop.post("/v1/orders/N-20377/refunds?dry_run=true", REFUND)) == "invalid"
    assert shop.entries() == []


def test_reset_takes_no_wishes(shop: ShopProcess) -> None:
    assert error_code(shop.client.post("/v1/reset", json={"orders": 5})) == "invalid"
