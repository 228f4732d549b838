"""Who may do what: every operation of the document asks for exactly the permission that was agreed, and for a teammate where one acts."""

import pytest
from django.urls import get_resolver

from supportdesk.api.views.base import ApiView
from supportdesk.core.permissions import PERMISSIONS
from tests.api.calls import OPERATIONS, Named, documented
from tests.api.worlds import Caller, Rows, new_key
from tests.factories import World

PUBLIC = {"document", "docs", "nothing_here"}


def test_the_document_and_the_table_list_the_same_operations():
    told = {
        operation["operationId"]: (method, operation["x-permission"], operation["x-as-teammate"])
        for method, _path, operation in documented()
    }
    assert told == {name: (each.method, each.permission, each.as_teammate) for name, each in OPERATIONS.items()}


def test_every_address_under_api_is_an_operation_of_the_document_or_known_to_be_public():
    (api,) = [each for each in get_resolver().url_patterns if str(each.pattern) == "api/"]
    undocumented = {pattern.name for pattern in api.url_patterns if not issubclass(getattr(pattern.callback, "cls", object), ApiView)}
    assert undocumented == PUBLIC
    methods = {
        (pattern.name, method)
        for pattern in api.url_patterns
        if pattern.name not in PUBLIC
        for method in ("get", "post", "patch", "put", "delete")
        if hasattr(pattern.callback.cls, method)
    }
    assert len(methods) == len(OPERATIONS)


def test_every_operation_says_what_it_does_and_how_it_refuses():
    for _method, _path, operation in documented():
        assert operation["summary"], operation["operationId"]
        assert len(operation["description"]) > 30, operation["operationId"]
        refusals = {code for code, said in operation["responses"].items() if "application/problem+json" in said["content"]}
        assert {"401", "403", "429", "500"} <= refusals, operation["operationId"]
        assert operation["security"] == [{"key": []}], operation["operationId"]


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_one_scope_opens_an_operation_and_all_the_others_do_not(acme: World, rows: Rows, name: str):
    operation, member = OPERATIONS[name], acme.owner
    path = f"/api/v1/{operation.path(Named.of(rows))}"
    others = [scope for scope in PERMISSIONS if scope != operation.permission]
    refused = Caller(new_key(acme, *others, member=member)).ask(operation.method, path, operation.body)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert operation.permission in refused.json()["detail"]
    allowed = Caller(new_key(acme, operation.permission, member=member)).ask(operation.method, path, operation.body)
    assert allowed.status_code in (200, 201, 202, 409, 422), allowed.content
    alone = Caller(new_key(acme, operation.permission)).ask(operation.method, path, operation.body)
    assert (alone.status_code == 403) is operation.as_teammate, alone.content


def test_a_scope_the_table_does_not_have_opens_nothing(acme: World):
    assert Caller(new_key(acme, "everything", "*")).get("tickets").status_code == 403
