"""Every address the URL configuration knows, and what fills its places: rows of a furnished workspace, or nobody's.

An address whose place nobody fills, and an open address nobody listed, fail the build: see test_walk.py.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.urls import URLPattern, URLResolver, get_resolver

from supportdesk.core.admin_base import ByTable
from tests.surface.furniture import Furniture

# A number, an id and names no workspace has.
NUMBER, ID, CALL, NAME = 987_654, 987_654_321, "00000000-0000-4000-8000-000000000000", "nobodys"


@dataclass(frozen=True)
class Address:
    """One pattern: its name, its text with the places in it, and what answers."""

    name: str
    route: str
    places: tuple[str, ...]
    view: Any

    @property
    def area(self) -> str:
        """The surface it belongs to."""
        return self.name.partition(":")[0] if ":" in self.name else "root"


def addresses() -> list[Address]:
    """All of them."""
    return list(_within(get_resolver(), "", ""))


def _within(resolver: URLResolver, before: str, space: str) -> Iterator[Address]:
    for each in resolver.url_patterns:
        route = before + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from _within(each, route, f"{space}{each.namespace}:" if each.namespace else space)
        elif isinstance(each, URLPattern):
            # simple-history numbers its places instead of naming them.
            route = route.replace("([^/]+)", "<object_id>", 1).replace("([^/]+)", "<version_id>", 1)
            places = tuple(re.findall(r"<(?:\w+:)?(\w+)>", route))
            yield Address(f"{space}{each.name or route}", route, places, each.callback)


# Who may come without signing in, and why.
OPEN: dict[str, str] = {
    "home": "leads on",
    "health": "says only whether the database answers",
    "console:sign_in": "where people sign in",
    "console:sign_out": "ends a session, if there is one",
    "console:sign_in_code": "the second half of signing in",
    "console:forgotten": "asks for a link by mail, with the same answer for all",
    "console:set_password": "opens with a link's token in the session",
    "console:new_password": "opens with a link's token",
    "account_login": "the name django-allauth leads to; the same page",
    "account_inactive": "the name django-allauth leads to; the same page",
    "mfa_authenticate": "the name django-allauth leads to; the same page",
    "chat:signed": "asks for what the host site signed",
    "chat:leave": "ends the session whose token it is shown",
    "chat:page": "customers' page; opens nothing",
    "chat:session": "a new anonymous session",
    "chat:thread": "asks for the session's token itself",
    "help:home": "the public help centre",
    "help:article": "the public help centre",
    "api:document": "the API's description",
    "api:docs": "the API's description",
    "api:nothing_here": "404",
    "demo:tour": "the demo, which production refuses",
    "demo:mailbox": "the demo, which production refuses",
    "admin:login": "where people sign in",
    "admin:logout": "ends a session, if there is one",
}

# What stands in each place: a furnished row's, and nobody's.
Filled = Callable[[Furniture], Any]
PLACES: dict[str, tuple[Filled, Any]] = {
    "number": (lambda made: made.ticket.number, NUMBER),
    "run_id": (lambda made: made.run.pk, ID),
    "approval_id": (lambda made: made.approval.pk, ID),
    "public_id": (lambda made: made.file.public_id, "0" * 32),
    "call": (lambda made: made.call.pk, CALL),
    "api:run/id": (lambda made: made.run.pk, ID),
    "api:customer/id": (lambda made: made.customer.pk, ID),
    "api:approval/id": (lambda made: made.approval.pk, ID),
    "api:approve/id": (lambda made: made.approval.pk, ID),
    "api:reject/id": (lambda made: made.approval.pk, ID),
    "api:edit/id": (lambda made: made.approval.pk, ID),
    "tenant": (lambda made: made.world.tenant.slug, NAME),
    "channel": (lambda made: made.world.channel.key, NAME),
    "brand": (lambda made: made.world.brand.key, NAME),
    "language": (lambda made: "en", "xx"),
    "slug": (lambda made: made.article.slug, NAME),
    "session_id": (lambda made: made.browser.pk, ID),
    "key_id": (lambda made: made.own_key.pk, ID),
    "token": (lambda made: "t" * 43, NAME),
}
# Rows of one person: to everybody else, of whatever role, they are not there.
PERSONAL = {"console:end_session", "console:rotate_key", "console:revoke_key"}
# Addresses with places that name no row of a workspace.
FREE = {
    "admin:app_list": {"app_label": "tickets"},
    "api:nothing_here": {"path": "v2"},
    "admin:admin/(?P<url>.*)$": {"url": "nothing/here/"},
}


# A page that makes something new each time it is asked.
FRESH = {"console:second_factor"}
# Forms that name a row: without one they would be told that it is not there.
FORMS: dict[str, Callable[[Furniture, Any], dict[str, Any]]] = {
    "console:switch_workspace": lambda made, member: {"membership": member.pk if member else 0},
    "console:rotate_key": lambda made, member: {"hours": 1},
    "console:route": lambda made, member: {"queue": made.ticket.queue_id, "priority": 3},
}


def is_about_a_row(address: Address) -> bool:
    """Whether the address names a row of a workspace."""
    return bool(address.places) and address.name not in FREE and address.name not in OPEN


def filled(address: Address, made: Furniture | None) -> str:
    """The address with this workspace's rows in its places, or with nobody's.

    Raises:
        LookupError: for a place nobody knows how to fill.
    """
    text = address.route.replace("^", "").replace("$", "")
    for place in address.places:
        text = re.sub(rf"<(?:\w+:)?{place}>|\(\?P<{place}>[^)]*\)", str(_value(address, place, made)), text)
    return "/" + text.replace("\\Z", "")


def _value(address: Address, place: str, made: Furniture | None) -> Any:
    if address.name in FREE:
        return FREE[address.name][place]
    if address.area == "admin":
        return _admin_value(address, place, made)
    for key in (f"{address.name}/{place}", place):
        if key in PLACES:
            real, nobodys = PLACES[key]
            return real(made) if made else nobodys
    raise LookupError(f"tests/surface/addresses.py: what stands in <{place}> of {address.name}?")


def admin_model(address: Address) -> Any:
    """The kind of row an admin address is about, or None."""
    for model in admin.site._registry:
        if address.route.startswith(f"admin/{model._meta.app_label}/{model._meta.model_name}/"):
            return model
    return None


def is_by_table(address: Address) -> bool:
    """Whether the permission table rules this admin address."""
    model = admin_model(address)
    return model is not None and isinstance(admin.site._registry[model], ByTable)


def _admin_value(address: Address, place: str, made: Furniture | None) -> Any:
    model = admin_model(address)
    if place == "object_id":
        is_uuid = model is not None and model._meta.pk.get_internal_type() == "UUIDField"
        return made.rows[model].pk if made and model in made.rows else CALL if is_uuid else ID
    if place == "version_id":
        return made.rows[model.history.model].pk if made else ID
    if place == "content_type_id":
        return ContentType.objects.get_for_model(type(made.ticket) if made else ContentType).pk
    raise LookupError(f"tests/surface/addresses.py: what stands in <{place}> of {address.name}?")
