"""Case 2 and 8: every field a body can have, found by introspection, with another workspace's ids in it; and fields nobody offers."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.forms import ModelChoiceField
from django.urls import reverse
from rest_framework import serializers

from supportdesk.chat.frames import FIELDS
from supportdesk.core.admin_base import ByTable
from supportdesk.core.models import Role
from supportdesk.core.tenancy import acting_for
from tests.admin.pages import form_data, url
from tests.api.calls import OPERATIONS, Named, documented
from tests.api.worlds import Caller as Program
from tests.api.worlds import new_key
from tests.factories import World
from tests.reliability.report import figure
from tests.surface.addresses import NUMBER, addresses, filled
from tests.surface.callers import browser
from tests.surface.furniture import Furniture, everything_of, furnish

# Fields that hold no id: words, choices, amounts, hashes of what was shown, names of one's own.
PLAIN = {"body", "client_id", "kind", "then", "note", "priority", "shown", "amount", "name", "line1", "line2", "city", "postcode"} | {
    *("country", "region", "reason", "other", "say", "available", "subject", "external_id", "vouch", "email", "digits", "hash", "yes"),
    *("language", "arguments", "token", "position", "text", "username", "password", "keys", "scopes", "days", "environment", "hours"),
    *("code", "identity", "handoff"),
}
# Fields that name a row, and how another workspace's is named there.
NAMING: dict[str, Any] = {
    "queue": lambda made: made.world.queue.pk,
    "to": lambda made: made.world.owner.pk,
    "membership": lambda made: made.world.owner.pk,
    "assignee": lambda made: made.world.owner.pk,
    "customer": lambda made: {"id": made.customer.pk},
    "call": lambda made: str(made.call.pk),
}
# The same name may be another spelling in the API.
API_NAMING = {**NAMING, "queue": lambda made: "theirs-alone"}


@pytest.fixture
def ours(acme: World) -> Furniture:
    return furnish(acme)


@pytest.fixture
def theirs(globex: World) -> Furniture:
    made = furnish(globex)
    globex.queue.__class__.objects.model._base_manager.filter(pk=globex.queue.pk).update(key="theirs-alone")
    return made


def forms() -> Iterator[tuple[str, str]]:
    """Every field of every form of the console."""
    for address in addresses():
        for name in getattr(address.view, "takes", ()):
            yield address.name, name


def bodies() -> Iterator[tuple[str, str, type[serializers.Serializer[Any]]]]:
    """Every field of every body of the API, by the document it publishes."""
    for _method, _path, operation in documented():
        if operation["operationId"] in OPERATIONS and "requestBody" in operation:
            yield operation["operationId"], operation["requestBody"]["content"]["application/json"]["schema"], operation


def _properties(schema: dict[str, Any]) -> list[str]:
    from tests.api.calls import document

    if "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    found = list(schema.get("properties", {}))
    for part in schema.get("allOf", ()):
        found += _properties(part)
    return found


BODIES = [(name, field) for name, schema, _operation in bodies() for field in _properties(schema)]


@pytest.mark.reliability(2, "console forms", "api bodies")
def test_every_field_is_known_to_hold_an_id_or_not():
    known = PLAIN | set(NAMING)
    unknown = {field for _name, field in (*forms(), *BODIES)} | {field for fields in FIELDS.values() for field in fields}
    assert unknown <= known, f"say in tests/surface/test_bodies.py what these hold: {sorted(unknown - known)}"


def test_every_form_of_the_console_says_what_it_takes():
    """`takes` below `allowed`: a field nobody asked for is refused there."""
    writing = [each for each in addresses() if each.area == "console" and getattr(each.view, "permission", "")]
    silent = []
    for address in writing:
        if hasattr(address.view, "takes"):
            continue
        response = _answers_post(address)
        if response:
            silent.append(address.name)
    assert not silent, f"@takes(...) is missing: {silent}"


def _answers_post(address: Any) -> bool:
    """Whether the view's decorators let a POST through, seen from its source: `require_GET` and `require_safe` do not."""
    import inspect

    source = inspect.getsource(inspect.unwrap(address.view))
    return "require_GET" not in source and "require_safe" not in source


@pytest.mark.reliability(2, "console forms")
def test_a_foreign_id_in_a_form_writes_nothing(ours: Furniture, theirs: Furniture):
    client = browser(ours.world.owner)
    before, swept = (everything_of(ours.world), everything_of(theirs.world)), 0
    for address in addresses():
        for name in getattr(address.view, "takes", ()):
            if name not in NAMING:
                continue
            answers = []
            for value in (NAMING[name](theirs), 987_654_321):
                usual = {"priority": 3} if address.name == "console:route" else {}
                answers.append(client.post(filled(address, ours), {**usual, name: value}, headers={"hx-request": "true"}))
            swept += 1
            assert answers[0].status_code == answers[1].status_code >= 400, (address.name, name, answers[0].status_code)
    figure("foreign ids in forms", swept)
    assert (everything_of(ours.world), everything_of(theirs.world)) == before


@pytest.mark.reliability(2, "api bodies")
def test_a_foreign_id_in_a_body_writes_nothing(ours: Furniture, theirs: Furniture):
    alice = Program(new_key(ours.world, member=ours.world.owner))
    named = Named(ours.ticket.number, ours.customer.pk, ours.approval.pk, ours.run.pk, str(ours.call.pk))
    before, swept = (everything_of(ours.world), everything_of(theirs.world)), 0
    for name, field in BODIES:
        if field not in API_NAMING:
            continue
        operation = OPERATIONS[name]
        foreign, missing = API_NAMING[field](theirs), _nobodys(API_NAMING[field](theirs))
        usual = operation.body if isinstance(operation.body, dict) else {}
        answers = [alice.ask(operation.method, operation.path(named), {**usual, field: value}) for value in (foreign, missing)]
        swept += 1
        assert answers[0].status_code == answers[1].status_code >= 400, (name, field, answers[0].content)
        assert answers[0].content == answers[1].content, (name, field)
    figure("foreign ids in API bodies", swept)
    after = everything_of(ours.world), everything_of(theirs.world)
    for kind in ("core.ApiKey", "core.IdempotentRequest"):
        before[0].pop(kind, None), after[0].pop(kind, None)
    assert after == before


def _nobodys(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _nobodys(each) for name, each in value.items()}
    return "nobodys" if isinstance(value, str) else 987_654_321


@pytest.mark.reliability(2, "admin forms")
def test_a_foreign_id_in_an_admin_form_writes_nothing(ours: Furniture, theirs: Furniture):
    """Every choice of a row on every page for adding and changing, inlines included, one at a time."""
    client = browser(ours.world.owner)
    before, swept = (everything_of(ours.world), everything_of(theirs.world)), 0
    for model, page in admin.site._registry.items():
        if not isinstance(page, ByTable):
            continue
        for where in (url(model, "add"), url(model, "change", ours.rows[model].pk)):
            with acting_for(ours.world.tenant):
                shown = client.get(where)
                if shown.status_code != 200 or "adminform" not in shown.context:
                    continue
                found = _forms_of(shown)
                usual = form_data(shown)
            for form in found:
                for name, field in form.fields.items():
                    if not isinstance(field, ModelChoiceField) or field.queryset is None:
                        continue
                    foreign = theirs.rows.get(field.queryset.model)
                    if foreign is None:
                        continue
                    prefixed = form.add_prefix(name).replace("__prefix__", "0")
                    if "__prefix__" in form.add_prefix(name):
                        usual = {**usual, f"{form.prefix.rpartition('-')[0]}-TOTAL_FORMS": 1}
                    answer = client.post(where, {**{k: v for k, v in usual.items() if v is not None}, prefixed: foreign.pk})
                    swept += 1
                    assert answer.status_code != 302, (model, prefixed)
    figure("foreign ids in admin forms", swept)
    assert swept > 10
    assert (everything_of(ours.world), everything_of(theirs.world)) == before


def _forms_of(shown: Any) -> list[Any]:
    found = [shown.context["adminform"].form]
    for each in shown.context["inline_admin_formsets"]:
        found += each.formset.forms or [each.formset.empty_form]
    return found


@pytest.mark.reliability(2, "bulk")
def test_a_mixed_list_of_rows_is_acted_on_whole_or_not_at_all(ours: Furniture, theirs: Furniture):
    client = browser(ours.world.owner)
    before, swept = (everything_of(ours.world), everything_of(theirs.world)), 0
    for model, page in admin.site._registry.items():
        if not isinstance(page, ByTable):
            continue
        request = client.get(url(model, "changelist")).wsgi_request
        for action in page.get_actions(request):
            data = {"action": action, ACTION_CHECKBOX_NAME: [str(ours.rows[model].pk), str(theirs.rows[model].pk)], "post": "yes"}
            answer = client.post(url(model, "changelist"), data, follow=True)
            swept += 1
            assert "Nothing was done" in answer.content.decode(), (model, action)
    figure("mixed lists", swept)
    assert swept > 5
    assert (everything_of(ours.world), everything_of(theirs.world)) == before


def _columns() -> list[str]:
    """Every column name there is: what somebody would try to set from outside."""
    found = {field.name for model in apps.get_models() for field in model._meta.concrete_fields}
    found |= {field.attname for model in apps.get_models() for field in model._meta.concrete_fields}
    return sorted(found | {"is_staff", "is_superuser", "approved_by", "limit", "author_type", "role", "tenant", "tenant_id"})


@pytest.mark.reliability(8, "hidden fields")
def test_a_field_an_operation_does_not_know_is_refused(ours: Furniture):
    alice = Program(new_key(ours.world, member=ours.world.owner))
    named = Named(ours.ticket.number, ours.customer.pk, ours.approval.pk, ours.run.pk, str(ours.call.pk))
    swept = 0
    for name, schema, _operation in bodies():
        operation = OPERATIONS[name]
        hidden = [each for each in _columns() if each not in _properties(schema)]
        usual = operation.body if isinstance(operation.body, dict) else {}
        answer = alice.ask(operation.method, operation.path(named), {**usual, **dict.fromkeys(hidden, 1)})
        told = {each["pointer"].strip("/") for each in json.loads(answer.content)["errors"]}
        assert answer.status_code == 400, name
        assert set(hidden) <= told, (name, set(hidden) - told)
        swept += len(hidden)
    figure("hidden fields sent to the API", swept)


@pytest.mark.slow
@pytest.mark.reliability(8, "hidden fields")
def test_a_field_a_form_does_not_know_is_refused(ours: Furniture):
    client = browser(ours.world.owner)
    swept = 0
    for address in addresses():
        known = getattr(address.view, "takes", None)
        if known is None:
            continue
        before = everything_of(ours.world)
        for hidden in _columns():
            if hidden in known:
                continue
            answer = client.post(filled(address, ours), {hidden: "1"})
            assert answer.status_code == 400, (address.name, hidden)
            swept += 1
        assert everything_of(ours.world) == before, address.name
    figure("hidden fields sent to the console", swept)


@pytest.mark.reliability(8, "hidden fields")
def test_a_column_an_admin_form_does_not_offer_is_refused(ours: Furniture):
    client = browser(ours.world.owner)
    swept = 0
    for model, page in admin.site._registry.items():
        if not isinstance(page, ByTable):
            continue
        for where in (url(model, "add"), url(model, "change", ours.rows[model].pk)):
            shown = client.get(where)
            if shown.status_code != 200 or not shown.context.get("show_save", True) or "adminform" not in shown.context:
                continue
            if shown.context["adminform"].readonly_fields and not shown.context["adminform"].form.fields:
                continue
            usual = {name: value for name, value in form_data(shown).items() if value is not None}
            offered = set(shown.context["adminform"].form.fields)
            for column in {each.name for each in model._meta.concrete_fields} - offered:
                answer = client.post(where, {**usual, column: "1"})
                assert answer.status_code == 400, (model, column, answer.status_code)
                swept += 1
    figure("hidden columns sent to the admin", swept)
    assert swept > 50


def test_the_role_that_is_swept_is_the_strongest(ours: Furniture):
    """What the owner cannot do by a foreign id, nobody of the workspace can."""
    assert ours.world.owner.role == Role.OWNER
    assert reverse("console:ticket", args=[NUMBER])
