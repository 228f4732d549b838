from datetime import UTC, datetime

import pytest

from .conftest import ShopProcess

PEOPLE = {
    "ida": ("Ida Marchetti", "en"),
    "owen": ("Owen Pritchard", "en"),
    "bastian": ("Bastian Kroll", "de"),
    "sofia": ("Sofía Benavent", "es"),
    "karim": ("Karim Haddad", "ar"),
    "greta": ("Greta Lindholm", "en"),
    "yuki": ("Yuki Tanabe", "en"),
    "elin": ("Elin Varga", "en"),
    "rafael": ("Rafael Nunes", "en"),
    "claire": ("Claire Fontaine", "fr"),
}

ORDERS = [
    ("N-20377", "ida", "delivered", 6400, "EUR", 12, ["Ridge hiking boots, size 41"]),
    ("N-20418", "ida", "delivered", 34900, "EUR", 21, ["Skarn 2 tent body", "Skarn pole set"]),
    ("N-19877", "ida", "delivered", 21900, "EUR", 200, ["Vatn 400 sleeping bag"]),
    ("N-20500", "ida", "shipped", 15900, "EUR", None, ["Brisk shell jacket, M"]),
    ("N-20391", "owen", "delivered", 12900, "GBP", 5, ["Fjell 48 rucksack"]),
    ("N-20512", "bastian", "delivered", 3900, "EUR", 8, ["Hüftgurt / hip belt"]),
    ("N-20520", "sofia", "paid", 6400, "EUR", None, ["Ridge hiking boots, size 38"]),
    ("N-20533", "karim", "delivered", 15900, "EUR", 9, ["Brisk shell jacket, L"]),
]


def everything(shop: ShopProcess) -> list[dict]:
    emails = [*PEOPLE, "dana", "joost", "marta", "tom"]
    people = [shop.get(f"/v1/customers?email={name}@mail.example").json()["customers"][0] for name in emails]
    return [order for person in people for order in shop.get(f"/v1/customers/{person['id']}/orders").json()["orders"]]


@pytest.mark.parametrize("name", PEOPLE)
def test_the_known_people_are_customers(shop: ShopProcess, name: str) -> None:
    [customer] = shop.get(f"/v1/customers?email={name}@mail.example").json()["customers"]
    assert (customer["name"], customer["language"]) == PEOPLE[name]


@pytest.mark.parametrize("expected", ORDERS, ids=lambda row: row[0])
def test_the_known_orders_are_as_agreed(shop: ShopProcess, expected: tuple) -> None:
    number, name, status, total, currency, days, items = expected
    order = shop.order(number)
    assert shop.get(f"/v1/customers/{order['customer_id']}").json()["email"] == f"{name}@mail.example"
    assert (order["status"], order["total"], order["currency"], order["refunded"]) == (status, total, currency, 0)
    assert [item["name"] for item in order["items"]] == items
    if days is not None:
        assert (datetime.now(UTC) - datetime.fromisoformat(order["delivered_at"])).days == days


def test_idas_orders_were_paid_with_the_card_ending_4402(shop: ShopProcess) -> None:
    assert {shop.order(number)["payment"]["label"] for number in ("N-20377", "N-20418")} == {"Card ending 4402"}
    assert [item["unit_price"] for item in shop.order("N-20418")["items"]] == [16000, 18900]


def test_a_parcel_on_its_way_can_be_tracked(shop: ShopProcess) -> None:
    tracking = shop.order("N-20500")["tracking"]
    assert tracking["url"].endswith(tracking["number"])
    assert tracking["eta"] > datetime.now(UTC).date().isoformat()


def test_there_are_orders_in_every_state_and_currency(shop: ShopProcess) -> None:
    orders = everything(shop)
    assert {order["status"] for order in orders} == {"pending", "paid", "packed", "shipped", "delivered", "cancelled", "returned"}
    assert {order["currency"] for order in orders} == {"EUR", "GBP", "JPY", "KWD"}
    assert len(orders) >= 45
    states = {order["number"]: order["status"] for order in orders}
    assert [states[f"N-{number}"] for number in range(20540, 20544)] == ["pending", "packed", "cancelled", "returned"]


def test_the_money_of_every_order_adds_up(shop: ShopProcess) -> None:
    for order in everything(shop):
        assert order["total"] == sum(item["quantity"] * item["unit_price"] for item in order["items"]), order["number"]
        assert 0 <= order["refunded"] <= order["captured"] <= order["total"], order["number"]
        assert (order["captured"] == 0) == (order["status"] == "pending" or order["number"] == "N-20517"), order["number"]
    returned, partly = shop.order("N-20543"), shop.order("N-20544")
    assert returned["refunded"] == returned["captured"]
    assert 0 < partly["refunded"] < partly["captured"]


def test_the_dates_of_every_order_follow_each_other(shop: ShopProcess) -> None:
    now = datetime.now(UTC).isoformat()
    for order in everything(shop):
        known = [order[name] for name in ("placed_at", "shipped_at", "delivered_at") if order[name]]
        assert known == sorted(known), order["number"]
        assert known[-1] < now
        assert bool(order["delivered_at"]) == (order["status"] in {"delivered", "returned"}), order["number"]
        assert bool(order["tracking"]) == bool(order["shipped_at"]), order["number"]


def test_the_ledger_starts_empty(shop: ShopProcess) -> None:
    assert shop.entries() == []
