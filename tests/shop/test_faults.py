import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from .conftest import TOKEN, ShopProcess, error_code

EFFECTLESS = {"500": 500, "429": 429, "error200": 200}


@pytest.mark.parametrize("fault", EFFECTLESS)
def test_a_failure_has_no_effect_and_its_key_can_be_used_again(shop: ShopProcess, fault: str) -> None:
    response = shop.refund("N-20377", 1000, key="k", fault=fault)
    assert response.status_code == EFFECTLESS[fault]
    assert error_code(response)
    assert shop.entries() == []
    assert shop.get("/v1/operations/k").status_code == 404
    assert shop.refund("N-20377", 1000, key="k").status_code == 201


def test_too_many_requests_says_when_to_come_back(shop: ShopProcess) -> None:
    assert shop.get("/v1/orders/N-20377", X_Fault="429").headers["Retry-After"] == "1"


def test_a_lost_answer_leaves_its_effect_behind(shop: ShopProcess) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        shop.refund("N-20377", 1000, key="k", fault="lost")
    assert shop.order("N-20377")["refunded"] == 1000
    recorded = shop.get("/v1/operations/k").json()
    again = shop.refund("N-20377", 1000, key="k")
    assert (again.status_code, again.json()) == (recorded["status"], recorded["body"])
    assert len(shop.entries()) == 1


def test_a_request_lost_on_the_way_has_no_effect(shop: ShopProcess) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        shop.refund("N-20377", 1000, key="k", fault="lost-before")
    assert shop.entries() == []
    assert shop.get("/v1/operations/k").status_code == 404


@pytest.mark.parametrize(("fault", "effects"), [("lost", 1), ("lost-before", 0)])
def test_a_lost_connection_closes_without_a_single_byte(shop: ShopProcess, fault: str, effects: int) -> None:
    body = b'{"amount":1,"currency":"EUR","reason":"r"}'
    head = (
        f"POST /v1/orders/N-20377/refunds HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Idempotency-Key: k\r\nX-Fault: {fault}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    assert shop.raw(head.encode() + body) == b""
    assert len(shop.entries()) == effects


def test_a_slow_answer_waits_and_its_effect_does_not(shop: ShopProcess) -> None:
    started = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(shop.refund, "N-20377", 1000, key="k", fault="slow=1500")
        while not shop.entries():
            assert time.monotonic() - started < 1.5
        assert not slow.done()
        assert shop.get("/v1/operations/k").json()["status"] == 201
        assert slow.result().status_code == 201
    assert time.monotonic() - started >= 1.5


def test_reads_fail_as_asked_too(shop: ShopProcess) -> None:
    for fault, status in EFFECTLESS.items():
        assert shop.get("/v1/orders/N-20377", X_Fault=fault).status_code == status
    for fault in ("lost", "lost-before"):
        with pytest.raises(httpx.RemoteProtocolError):
            shop.get("/v1/orders/N-20377", X_Fault=fault)
    assert shop.get("/v1/orders/N-20377", X_Fault="slow=1").status_code == 200


@pytest.mark.parametrize("fault", ["", "nonsense", "slow", "slow=", "slow=-1", "slow=1.5", "slow=60001", "501", "LOST", "lost,500"])
def test_a_fault_that_does_not_exist_is_refused(shop: ShopProcess, fault: str) -> None:
    response = shop.get("/v1/orders/N-20377", X_Fault=fault)
    assert (response.status_code, error_code(response)) == (422, "invalid")


def put(shop: ShopProcess, **fault: object) -> httpx.Response:
    return shop.client.put("/v1/faults", json=fault)


def test_a_standing_fault_hits_as_often_as_it_says(shop: ShopProcess) -> None:
    assert put(shop, mode="500", count=2).json() == {"fault": {"mode": "500", "count": 2, "path": None, "method": None}}
    assert [shop.get("/v1/orders/N-20377").status_code for _ in range(3)] == [500, 500, 200]
    assert shop.get("/v1/faults").json() == {"fault": None}


def test_a_standing_fault_without_a_count_stays_until_lifted(shop: ShopProcess) -> None:
    put(shop, mode="slow=0", count=None)
    put(shop, mode="429")
    assert [shop.get("/v1/ledger").status_code for _ in range(3)] == [429] * 3
    assert shop.client.delete("/v1/faults").json() == {"fault": None}
    assert shop.get("/v1/ledger").status_code == 200


def test_a_standing_fault_can_be_for_one_path_and_method(shop: ShopProcess) -> None:
    put(shop, mode="500", path="/v1/orders", method="POST")
    assert shop.get("/v1/orders/N-20377").status_code == 200
    assert shop.get("/v1/customers/C-1001").status_code == 200
    assert shop.post("/v1/subscriptions/S-301/cancel", {"reason": "r"}).status_code == 200
    assert shop.refund("N-20377", 1).status_code == 500


def test_a_racing_count_is_used_exactly(shop: ShopProcess) -> None:
    put(shop, mode="500", count=7)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: shop.get("/v1/orders/N-20377").status_code, range(20)))
    assert answers.count(500) == 7


def test_the_header_wins_over_the_standing_fault_and_leaves_it(shop: ShopProcess) -> None:
    put(shop, mode="500", count=1)
    assert shop.get("/v1/orders/N-20377", X_Fault="429").status_code == 429
    assert shop.get("/v1/orders/N-20377").status_code == 500


def test_the_way_out_of_a_fault_does_not_fail(shop: ShopProcess) -> None:
    put(shop, mode="lost-before")
    assert shop.get("/healthz").status_code == 200
    assert shop.get("/v1/faults").json()["fault"]["mode"] == "lost-before"
    assert shop.client.post("/v1/reset").status_code == 200
    assert shop.get("/v1/faults").json() == {"fault": None}


def test_a_fault_needs_the_token(shop: ShopProcess) -> None:
    assert shop.get("/v1/orders/N-20377", X_Fault="500", Authorization="Bearer wrong").status_code == 401


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"mode": 500},
        {"mode": "slow=99999"},
        {"mode": "500", "count": 0},
        {"mode": "500", "count": 1.0},
        {"mode": "500", "count": True},
        {"mode": "500", "path": "/healthz"},
        {"mode": "500", "path": 1},
        {"mode": "500", "method": "get"},
        {"mode": "500", "method": ["GET"]},
        {"mode": "500", "extra": 1},
    ],
)
def test_a_standing_fault_is_read_strictly(shop: ShopProcess, fault: dict) -> None:
    response = put(shop, **fault)
    assert (response.status_code, error_code(response)) == (422, "invalid")
    assert shop.get("/v1/faults").json() == {"fault": None}
