"""The document is held against what the shop really answers."""

import ast
import re
import sys
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from .conftest import SERVER, ShopProcess
from .test_other_acts import ADDRESS

FORMATS = jsonschema.FormatChecker(["date"])


@pytest.fixture
def document(shop: ShopProcess) -> Any:
    return shop.client.get("/openapi.json", headers={"Authorization": ""}).raise_for_status().json()


def check(document: dict[str, Any], template: str, response: httpx.Response) -> None:
    """The answer's status is documented for the operation and its body fits the schema, no key more or less."""
    operation = document["paths"][template][response.request.method.lower()]
    described = operation["responses"][str(response.status_code)]["content"]["application/json"]["schema"]
    schema = described | {"components": document["components"]}
    jsonschema.Draft202012Validator(schema, format_checker=FORMATS).validate(response.json())


def test_the_schemas_are_schemas(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_path_of_the_code_is_documented_and_no_other(document: dict[str, Any]) -> None:
    source = ast.parse((SERVER.parent / "api.py").read_text())
    calls = [node for node in ast.walk(source) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Route"]
    routed = {tuple(argument.value for argument in call.args[:2] if isinstance(argument, ast.Constant)) for call in calls}
    documented = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert routed == documented
    assert len(routed) == 18


def test_every_parameter_of_a_path_is_described(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            given = [parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "path"]
            assert given == re.findall(r"{(\w+)}", path)


def test_every_answer_fits_its_schema(shop: ShopProcess, document: dict[str, Any]) -> None:
    order, cancel, move = "/v1/orders/{number}", "/v1/orders/{number}/cancel", "/v1/orders/{number}/address"
    refund, end, operation = "/v1/orders/{number}/refunds", "/v1/subscriptions/{id}/cancel", "/v1/operations/{idempotency_key}"
    reason = {"reason": "r"}
    for template, response in [
        ("/healthz", shop.get("/healthz")),
        ("/v1/customers", shop.get("/v1/customers?email=ida@mail.example")),
        ("/v1/customers", shop.get("/v1/customers")),
        ("/v1/customers/{id}", shop.get("/v1/customers/C-1010")),
        ("/v1/customers/{id}", shop.get("/v1/customers/C-1")),
        *(("/v1/customers/{id}/orders", shop.get(f"/v1/customers/C-{number}/orders")) for number in range(1001, 1015)),
        *(("/v1/customers/{id}/subscriptions", shop.get(f"/v1/customers/C-{number}/subscriptions")) for number in (1001, 1010)),
        (order, shop.get("/v1/orders/N-20500")),
        (order, shop.get("/v1/orders/N-20500?x=1")),
        (order, shop.get("/v1/orders/N-20500", Authorization="no")),
        (order, shop.get("/v1/orders/N-20500", X_Fault="500")),
        (order, shop.get("/v1/orders/N-20500", X_Fault="429")),
        (refund, shop.refund("N-20377", 1, key="done")),
        (refund, shop.refund("N-20377", 2, key="done")),
        (refund, shop.refund("N-20377", 99999, key="refused")),
        (refund, shop.refund("N-1", 1)),
        (refund, shop.client.post("/v1/orders/N-20377/refunds", content=b"{", headers={"Idempotency-Key": "k"})),
        (refund, shop.client.post("/v1/orders/N-20377/refunds", content=b"x" * 70_000)),
        (move, shop.post("/v1/orders/N-20520/address", ADDRESS, key="moved")),
        (cancel, shop.post("/v1/orders/N-20520/cancel", reason, key="cancelled")),
        (cancel, shop.post("/v1/orders/N-20520/cancel", reason)),
        (move, shop.post("/v1/orders/N-20520/address", ADDRESS)),
        (end, shop.post("/v1/subscriptions/S-301/cancel", reason, key="ended")),
        (end, shop.post("/v1/subscriptions/S-301/cancel", reason)),
        *((operation, shop.get(f"/v1/operations/{key}")) for key in ("done", "refused", "moved", "cancelled", "ended", "never")),
        ("/v1/ledger", shop.get("/v1/ledger")),
        ("/v1/ledger", shop.get("/v1/ledger?after=x")),
        ("/v1/faults", shop.client.put("/v1/faults", json={"mode": "slow=20", "count": 3, "path": "/v1/orders", "method": "POST"})),
        ("/v1/faults", shop.client.put("/v1/faults", json={"mode": "fast"})),
        ("/v1/faults", shop.get("/v1/faults")),
        ("/v1/faults", shop.client.delete("/v1/faults")),
        ("/v1/reset", shop.client.post("/v1/reset")),
        ("/v1/reset", shop.client.post("/v1/reset", json={"x": 1})),
    ]:
        check(document, template, response)


def test_the_page_for_people_tells_every_path(shop: ShopProcess, document: dict[str, Any]) -> None:
    response = shop.client.get("/docs", headers={"Authorization": ""})
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    for path in document["paths"]:
        assert path in response.text
    assert "<script" not in response.text


def test_the_shop_needs_nothing_but_the_standard_library() -> None:
    for file in Path(SERVER).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                assert {alias.name.split(".")[0] for alias in node.names} <= sys.stdlib_module_names, file
            elif isinstance(node, ast.ImportFrom) and not node.level:
                assert (node.module or "").split(".")[0] in sys.stdlib_module_names, file
