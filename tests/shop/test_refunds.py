from concurrent.futures import ThreadPoolExecutor

import pytest

from .conftest import ShopProcess, error_code


def test_a_refund_goes_back_to_the_card(shop: ShopProcess) -> None:
    response = shop.refund("N-20377", 6400)
    refund = response.json()
    assert response.status_code == 201
    created_at = refund.pop("created_at")
    assert created_at.endswith("Z")
    assert refund == {
        "reference": "RF-5518",
        "order": "N-20377",
        "amount": 6400,
        "currency": "EUR",
        "to": "Card ending 4402",
        "arrives": "3 to 5 working days",
    }
    order = shop.order("N-20377")
    assert (order["refunded"], order["status"], order["version"]) == (6400, "delivered", 2)


def test_parts_add_up_to_the_whole_and_no_further(shop: ShopProcess) -> None:
    assert [shop.refund("N-20418", amount).status_code for amount in (18900, 15999, 2, 1, 1)] == [201, 201, 409, 201, 409]
    assert shop.order("N-20418")["refunded"] == 34900


def test_more_than_was_captured_is_refused(shop: ShopProcess) -> None:
    response = shop.refund("N-20377", 6401)
    assert (response.status_code, error_code(response)) == (409, "exceeds_captured")
    assert shop.order("N-20377")["refunded"] == 0
    assert shop.entries() == []


@pytest.mark.parametrize("number", ["N-20540", "N-20542", "N-20543"])
def test_an_order_without_money_left_pays_nothing(shop: ShopProcess, number: str) -> None:
    assert error_code(shop.refund(number, 1)) == "exceeds_captured"


def test_another_currency_is_refused(shop: ShopProcess) -> None:
    response = shop.refund("N-20377", 100, "GBP")
    assert (response.status_code, error_code(response)) == (422, "currency_mismatch")


@pytest.mark.parametrize(
    ("number", "amount", "currency"), [("N-20460", 26800, "JPY"), ("N-20471", 113750, "KWD"), ("N-20391", 12900, "GBP")]
)
def test_minor_units_are_those_of_the_currency(shop: ShopProcess, number: str, amount: int, currency: str) -> None:
    assert shop.order(number)["total"] == amount
    assert shop.refund(number, amount, currency).json()["amount"] == amount


def test_an_unknown_order_is_not_found(shop: ShopProcess) -> None:
    response = shop.refund("N-99999", 100)
    assert (response.status_code, error_code(response)) == (404, "not_found")


def test_twenty_racing_refunds_never_pay_more_than_was_captured(shop: ShopProcess) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: shop.refund("N-20377", 1000), range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] * 6 + [409] * 14
    assert shop.order("N-20377")["refunded"] == 6000
    assert [entry["amount"] for entry in shop.entries()] == [1000] * 6
    assert len({answer.json()["reference"] for answer in answers if answer.status_code == 201}) == 6


def test_refund_and_cancel_racing_pay_back_the_captured_sum_once(shop: ShopProcess) -> None:
    def act(turn: int) -> int:
        if turn % 2:
            return shop.refund("N-20520", 700).status_code
        return shop.post("/v1/orders/N-20520/cancel", {"reason": "changed my mind"}).status_code

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(act, range(20)))
    assert shop.order("N-20520")["refunded"] == 6400
    assert sum(entry["amount"] for entry in shop.entries()) == 6400
    assert [entry["kind"] for entry in shop.entries()].count("cancel") == 1
