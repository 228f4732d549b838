import pytest

from .conftest import ShopProcess, error_code

ADDRESS = {"name": "Sofía Benavent", "line1": "Calle Nueva 1", "line2": None, "city": "Alicante", "postcode": "03001", "country": "ES"}


def cancel(shop: ShopProcess, number: str):
    return shop.post(f"/v1/orders/{number}/cancel", {"reason": "ordered twice"})


def test_a_paid_order_is_cancelled_and_paid_back(shop: ShopProcess) -> None:
    response = cancel(shop, "N-20520")
    assert response.status_code == 200
    assert response.json() == {"reference": "CN-2204", "order": "N-20520", "refunded_amount": 6400, "currency": "EUR"}
    order = shop.order("N-20520")
    assert (order["status"], order["refunded"], order["version"]) == ("cancelled", 6400, 2)


def test_an_unpaid_order_is_cancelled_without_money(shop: ShopProcess) -> None:
    assert cancel(shop, "N-20540").json()["refunded_amount"] == 0
    assert shop.order("N-20540")["status"] == "cancelled"


def test_a_partly_refunded_order_is_cancelled_for_the_rest(shop: ShopProcess) -> None:
    shop.refund("N-20520", 400).raise_for_status()
    assert cancel(shop, "N-20520").json()["refunded_amount"] == 6000


@pytest.mark.parametrize("number", ["N-20541", "N-20500", "N-20377", "N-20542", "N-20543"])
def test_an_order_packed_or_further_stays(shop: ShopProcess, number: str) -> None:
    before = shop.order(number)
    response = cancel(shop, number)
    assert (response.status_code, error_code(response)) == (409, "not_cancellable")
    assert shop.order(number) == before


@pytest.mark.parametrize("number", ["N-20540", "N-20520", "N-20541"])
def test_an_order_still_in_the_house_goes_to_another_address(shop: ShopProcess, number: str) -> None:
    response = shop.post(f"/v1/orders/{number}/address", ADDRESS)
    assert response.status_code == 200
    assert response.json() == {"reference": "AD-3310", "order": number, "shipping_address": ADDRESS}
    order = shop.order(number)
    assert (order["shipping_address"], order["version"]) == (ADDRESS, 2)
    assert shop.get(f"/v1/customers/{order['customer_id']}").json()["address"] != ADDRESS


@pytest.mark.parametrize("number", ["N-20500", "N-20377", "N-20542", "N-20543"])
def test_an_order_that_left_keeps_its_address(shop: ShopProcess, number: str) -> None:
    response = shop.post(f"/v1/orders/{number}/address", ADDRESS)
    assert (response.status_code, error_code(response)) == (409, "address_locked")


def test_the_second_line_of_an_address_may_be_left_out(shop: ShopProcess) -> None:
    short = {name: value for name, value in ADDRESS.items() if name != "line2"}
    assert shop.post("/v1/orders/N-20520/address", short).json()["shipping_address"] == ADDRESS


def test_a_subscription_ends_when_its_period_does(shop: ShopProcess) -> None:
    [before] = shop.get("/v1/customers/C-1001/subscriptions").json()["subscriptions"]
    response = shop.post("/v1/subscriptions/S-301/cancel", {"reason": "not needed"})
    assert response.status_code == 200
    assert response.json() == {"reference": "SC-1107", "subscription": "S-301", "status": "cancelled", "ends_at": before["next_at"]}
    [after] = shop.get("/v1/customers/C-1001/subscriptions").json()["subscriptions"]
    assert (after["status"], after["next_at"]) == ("cancelled", None)


def test_a_subscription_is_cancelled_once(shop: ShopProcess) -> None:
    response = shop.post("/v1/subscriptions/S-305/cancel", {"reason": "not needed"})
    assert (response.status_code, error_code(response)) == (409, "already_cancelled")


@pytest.mark.parametrize("path", ["/v1/orders/N-1/cancel", "/v1/subscriptions/S-1/cancel"])
def test_what_does_not_exist_cannot_be_cancelled(shop: ShopProcess, path: str) -> None:
    response = shop.post(path, {"reason": "not needed"})
    assert (response.status_code, error_code(response)) == (404, "not_found")
