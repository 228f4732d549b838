from concurrent.futures import ThreadPoolExecutor

import pytest

from .conftest import ShopProcess, error_code

REPLAYED = "Idempotent-Replayed"


def test_the_same_key_gets_the_same_answer_and_one_effect(shop: ShopProcess) -> None:
    first, second = (shop.refund("N-20377", 1000, key="once") for _ in range(2))
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert (first.headers.get(REPLAYED), second.headers.get(REPLAYED)) == (None, "true")
    assert shop.order("N-20377")["refunded"] == 1000
    assert len(shop.entries()) == 1


def test_the_order_of_the_keys_in_the_body_does_not_matter(shop: ShopProcess) -> None:
    shop.post("/v1/orders/N-20377/refunds", {"amount": 1, "currency": "EUR", "reason": "r"}, key="k").raise_for_status()
    again = shop.post("/v1/orders/N-20377/refunds", {"reason": "r", "currency": "EUR", "amount": 1}, key="k")
    assert (again.status_code, again.headers[REPLAYED]) == (201, "true")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/orders/N-20377/refunds", {"amount": 1001, "currency": "EUR", "reason": "too small"}),
        ("/v1/orders/N-20377/refunds", {"amount": 1000, "currency": "EUR", "reason": "too big"}),
        ("/v1/orders/N-20418/refunds", {"amount": 1000, "currency": "EUR", "reason": "too small"}),
        ("/v1/orders/N-20520/cancel", {"reason": "too small"}),
    ],
)
def test_the_same_key_with_another_request_is_refused(shop: ShopProcess, path: str, body: dict) -> None:
    shop.refund("N-20377", 1000, key="once").raise_for_status()
    response = shop.post(path, body, key="once")
    assert (response.status_code, error_code(response)) == (422, "idempotency_mismatch")
    assert [entry["amount"] for entry in shop.entries()] == [1000]


def test_twenty_at_once_with_one_key_have_one_effect(shop: ShopProcess) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: shop.refund("N-20377", 100, key="race"), range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum(REPLAYED in answer.headers for answer in answers) == 19
    assert shop.order("N-20377")["refunded"] == 100
    assert len(shop.entries()) == 1


def test_a_refusal_is_an_outcome_too(shop: ShopProcess) -> None:
    refused = shop.refund("N-20377", 6401, key="greedy")
    again = shop.refund("N-20377", 6401, key="greedy")
    assert (refused.status_code, again.status_code, again.headers[REPLAYED]) == (409, 409, "true")
    assert again.content == refused.content
    operation = shop.get("/v1/operations/greedy").json()
    assert (operation["status"], operation["body"]) == (409, refused.json())


def test_a_body_that_is_not_valid_does_not_use_up_its_key(shop: ShopProcess) -> None:
    assert shop.refund("N-20377", -1, key="second-try").status_code == 422
    assert shop.get("/v1/operations/second-try").status_code == 404
    assert shop.refund("N-20377", 1, key="second-try").status_code == 201


def test_the_outcome_of_a_key_can_be_asked_for(shop: ShopProcess) -> None:
    refund = shop.refund("N-20377", 1000, key="a/b?c%20d").json()
    operation = shop.get("/v1/operations/a%2Fb%3Fc%2520d").json()
    assert operation == {"key": "a/b?c%20d", "status": 201, "body": refund, "at": refund["created_at"]}


@pytest.mark.parametrize(
    "path", ["orders/N-20377/refunds", "orders/N-20520/cancel", "orders/N-20520/address", "subscriptions/S-301/cancel"]
)
def test_every_act_needs_a_key(shop: ShopProcess, path: str) -> None:
    bodies = {
        "refunds": {"amount": 1, "currency": "EUR", "reason": "r"},
        "cancel": {"reason": "r"},
        "address": {"name": "n", "line1": "l", "city": "c", "postcode": "p", "country": "ES"},
    }
    response = shop.client.post(f"/v1/{path}", json=bodies[path.rsplit("/", 1)[1]])
    assert (response.status_code, error_code(response)) == (400, "idempotency_key_required")
    assert shop.entries() == []


@pytest.mark.parametrize("key", ["x" * 256, "two words", "\u00e9"])
def test_a_key_is_short_visible_ascii(shop: ShopProcess, key: str) -> None:
    headers = {b"Idempotency-Key": key.encode()}
    response = shop.client.post("/v1/orders/N-20377/refunds", json={"amount": 1, "currency": "EUR", "reason": "r"}, headers=headers)
    assert (response.status_code, error_code(response)) == (400, "bad_idempotency_key")


def test_two_keys_at_once_are_refused(shop: ShopProcess) -> None:
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    response = shop.client.post("/v1/orders/N-20377/refunds", json={"amount": 1, "currency": "EUR", "reason": "r"}, headers=headers)
    assert (response.status_code, error_code(response)) == (400, "repeated_header")
