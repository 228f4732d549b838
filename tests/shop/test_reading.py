from .conftest import ShopProcess, error_code


def test_a_customer_is_found_by_address_in_any_case(shop: ShopProcess) -> None:
    [ida] = shop.get("/v1/customers?email=IDA@Mail.example").json()["customers"]
    assert shop.get(f"/v1/customers/{ida['id']}").json() == ida
    assert set(ida) == {"id", "name", "email", "phone", "language", "since", "address"}
    assert set(ida["address"]) == {"name", "line1", "line2", "city", "postcode", "country"}


def test_an_unknown_address_finds_nobody(shop: ShopProcess) -> None:
    for stranger in ("nobody@mail.example", "ida", "%25", "ida@mail.example%00"):
        assert shop.get(f"/v1/customers?email={stranger}").json() == {"customers": []}


def test_the_address_is_needed_and_nothing_else_is_understood(shop: ShopProcess) -> None:
    for query in ("", "?email=", "?name=Ida", "?email=a@b.example&email=c@d.example", "?email=ida@mail.example&limit=1"):
        response = shop.get(f"/v1/customers{query}")
        assert (response.status_code, error_code(response)) == (422, "invalid"), query


def test_orders_come_newest_first(shop: ShopProcess) -> None:
    orders = shop.get("/v1/customers/C-1001/orders").json()["orders"]
    placed = [order["placed_at"] for order in orders]
    assert placed == sorted(placed, reverse=True)
    assert orders[0]["number"] == "N-20500"
    assert {order["customer_id"] for order in orders} == {"C-1001"}


def test_an_order_in_a_list_is_the_order_itself(shop: ShopProcess) -> None:
    for order in shop.get("/v1/customers/C-1001/orders").json()["orders"]:
        assert shop.order(order["number"]) == order


def test_subscriptions_are_listed(shop: ShopProcess) -> None:
    [subscription] = shop.get("/v1/customers/C-1001/subscriptions").json()["subscriptions"]
    assert (subscription["id"], subscription["status"], subscription["amount"]) == ("S-301", "active", 1200)
    assert shop.get("/v1/customers/C-1009/subscriptions").json() == {"subscriptions": []}


def test_what_does_not_exist_is_not_found(shop: ShopProcess) -> None:
    for path in ("customers/C-1", "customers/C-1/orders", "customers/C-1/subscriptions", "orders/N-1", "operations/never", "nothing"):
        response = shop.get(f"/v1/{path}")
        assert (response.status_code, error_code(response)) == (404, "not_found"), path


def test_an_order_number_is_matched_whole(shop: ShopProcess) -> None:
    for number in ("n-20377", "N-20377%20", "N-2037_", "N-20377'--", "%00", "%FF", "..%2Forders"):
        assert shop.get(f"/v1/orders/{number}").status_code == 404, number


def test_the_shop_says_that_it_is_up_without_a_token(shop: ShopProcess) -> None:
    response = shop.client.get("/healthz", headers={"Authorization": ""})
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_reset_brings_back_the_first_day(shop: ShopProcess) -> None:
    before = shop.get("/v1/customers/C-1001/orders").json()["orders"]
    shop.refund("N-20377", 6400, key="k").raise_for_status()
    shop.client.put("/v1/faults", json={"mode": "500"}).raise_for_status()
    assert shop.client.post("/v1/reset", json={}).json() == {"status": "reset"}
    after = shop.get("/v1/customers/C-1001/orders").json()["orders"]
    assert [(order["number"], order["refunded"], order["version"]) for order in after] == [
        (order["number"], order["refunded"], order["version"]) for order in before
    ]
    assert shop.entries() == []
    assert shop.get("/v1/operations/k").status_code == 404
    assert shop.refund("N-20377", 100, key="k").json()["reference"] == "RF-5518"
