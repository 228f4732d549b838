"""Case 1 and 8: every address × everybody × {an own row, one of a queue out of sight, another workspace's, none}."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib import admin
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import clear_url_caches, path

from supportdesk.core.models import Role, Tenant
from supportdesk.core.permissions import PERMISSIONS, allowed, may
from supportdesk.core.tenancy import acting_for
from supportdesk.urls import urlpatterns
from tests.factories import World
from tests.reliability.report import figure
from tests.surface.addresses import FORMS, FREE, OPEN, PERSONAL, Address, addresses, admin_model, filled, is_about_a_row, is_by_table
from tests.surface.callers import Answer, Caller, programs, strangers, teammates, tried
from tests.surface.furniture import Furniture, everything_of, far_away, furnish, keep_and_hold, look_alike
from tickets.models import Queue, Ticket

ALL = addresses()


@dataclass
class Stage:
    """Acme with everybody, a case of Acme's that only leads see, and Globex with rows of every kind under numbers of its own."""

    ours: Furniture
    hidden: Furniture
    theirs: Furniture
    mates: list[Caller]
    programs: list[Caller]
    strangers: list[Caller]

    @property
    def everybody(self) -> list[Caller]:
        return [*self.mates, *self.programs, *self.strangers]


@pytest.fixture
def stage(acme: World, globex: World) -> Stage:
    Tenant.objects.filter(pk=globex.tenant.pk).update(last_ticket_number=700_500)
    Tenant.objects.filter(pk=acme.tenant.pk).update(last_ticket_number=300_100)
    ours, hidden = furnish(acme), look_alike(acme, "hidden-")
    far_away()
    theirs = furnish(globex)
    with acting_for(acme.tenant):
        Ticket.objects.filter(pk=hidden.ticket.pk).update(queue=Queue.objects.get(key="secret"))
        hidden.rows = keep_and_hold(acme, hidden)
    mates = teammates(acme)
    acting = [each.member for each in mates if each.member]
    return Stage(ours, hidden, theirs, mates, programs(acme, *acting), strangers(acme, ours.token))


def permission_of(address: Address, method: str) -> str:
    """The one permission of the table an address asks for; empty where it asks for none."""
    if is_by_table(address):
        page: Any = admin.site._registry[admin_model(address)]
        return str(page.see if method == "GET" else page.edit)
    view = address.view
    handler = getattr(getattr(view, "view_class", None) or getattr(view, "cls", None), method.lower(), None)
    found = getattr(view, "permission", "") or getattr(handler, "permission", "")
    return str(found)


def methods_of(address: Address) -> Iterator[str]:
    """The methods an address answers, as far as can be told: both for a page, those it has for an operation."""
    owner = getattr(address.view, "view_class", None) or getattr(address.view, "cls", None)
    for method in ("GET", "POST", "PATCH"):
        if (owner is None and method != "PATCH") or hasattr(owner, method.lower()):
            yield method


def unknown(found: list[Address]) -> list[str]:
    """Those that are neither open for a reason, nor under a permission of the table, nor a page of the admin's own."""
    return [
        address.name
        for address in found
        if address.name not in OPEN
        and address.area != "admin"
        # The operators' site has a rule of its own, which no role of a workspace opens.
        and not (address.area == "operator" and getattr(address.view, "is_for_operators", False))
        and not all(permission_of(address, method) in PERMISSIONS for method in methods_of(address))
    ]


def test_every_address_is_known():
    assert not unknown(ALL), f"list them in tests/surface/addresses.py or give them a permission: {unknown(ALL)}"
    assert set(OPEN) <= {address.name for address in ALL}, "an open address that is no more"
    assert set(FREE) <= {address.name for address in ALL}


@pytest.mark.reliability(1, "pages")
def test_an_address_nobody_listed_fails_the_build(stage: Stage):
    """Shown to fail: a view without a permission, and a place nobody can fill."""

    def planted(request: Any, thing: int) -> Any:
        raise AssertionError

    address = Address("console:planted", "console/planted/<int:thing>/", ("thing",), planted)
    assert unknown([*ALL, address]) == ["console:planted"]
    with pytest.raises(LookupError, match="thing"):
        filled(address, stage.theirs)


@pytest.mark.reliability(1, "pages")
def test_a_page_that_forgets_whose_a_row_is_is_found(stage: Stage):
    """Shown to fail: a view that looks past the walls answers for another workspace's ticket, and the walk sees it."""

    @allowed("ticket.see")
    def planted(request: Any, number: int) -> HttpResponse:
        return HttpResponse(str(get_object_or_404(Ticket._base_manager, number=number)))

    with _planted("console/planted/<int:number>/", planted) as address:
        _asked, said = compared(stage, address, stage.mates[:1], stage.theirs)
    assert said
    assert "console:planted" in said[0]


@contextmanager
def _planted(route: str, view: Any) -> Iterator[Address]:
    """One more address while the block runs."""
    urlpatterns.insert(0, path(route, view))
    clear_url_caches()
    try:
        yield Address("console:planted", route, ("number",), view)
    finally:
        urlpatterns.pop(0)
        clear_url_caches()


def test_every_place_can_be_filled(stage: Stage):
    for address in ALL:
        assert filled(address, stage.theirs).startswith("/")
        assert filled(address, None).startswith("/")


# Pages that only show, whichever way they are asked; a list takes its filters and actions by POST, and each action asks for its own right.
LOOKED_AT = ("_changelist", "_history")
ROWS = [address for address in ALL if is_about_a_row(address)]
AREAS = {"pages": [each for each in ROWS if each.area not in ("api", "admin")], "api": [each for each in ROWS if each.area == "api"]}
ADMIN = [each for each in ROWS if each.area == "admin"]


def compared(stage: Stage, address: Address, callers: list[Caller], other: Furniture) -> tuple[int, list[str]]:
    """How often an address was asked about the other's row and about none, and where the two answers differ."""
    asked = 0
    said: list[str] = []
    foreign, missing = filled(address, other), filled(address, None)
    if foreign == missing:
        return 0, []
    names = {part for path in (foreign, missing) for part in path.strip("/").split("/") if any(char.isdigit() for char in part)} - {"v1"}
    for caller in callers:
        for method in methods_of(address):
            answers = [tried(caller, method, path, *sorted(names, key=len, reverse=True)) for path in (foreign, missing)]
            asked += 1
            if answers[0] != answers[1] or answers[0].status < 300:
                said.append(f"{caller.name}: {method} {address.name}: {answers[0].status}, for none {answers[1].status}")
    return asked, said


@pytest.mark.reliability(1, "pages", "files")
def test_another_workspaces_row_is_told_like_none_on_pages(stage: Stage):
    _nothing_of_theirs(stage, AREAS["pages"], stage.everybody, "pages")


@pytest.mark.reliability(1, "api")
def test_another_workspaces_row_is_told_like_none_in_the_api(stage: Stage):
    _nothing_of_theirs(stage, AREAS["api"], stage.everybody, "api")


@pytest.mark.reliability(1, "admin")
def test_another_workspaces_row_is_told_like_none_to_an_owner_in_the_admin(stage: Stage):
    _nothing_of_theirs(stage, ADMIN, [each for each in stage.mates if each.name == Role.OWNER], "admin")


@pytest.mark.slow
@pytest.mark.reliability(1, "admin")
def test_another_workspaces_row_is_told_like_none_to_everybody_in_the_admin(stage: Stage):
    _nothing_of_theirs(stage, ADMIN, stage.everybody, "admin, everybody")


def _nothing_of_theirs(stage: Stage, walked: list[Address], callers: list[Caller], name: str) -> None:
    before = everything_of(stage.theirs.world)
    total = 0
    said: list[str] = []
    for address in walked:
        asked, differ = compared(stage, address, callers, stage.theirs)
        total, said = total + asked, said + differ
    figure(f"foreign rows asked for, {name}", total)
    figure(f"addresses walked, {name}", len(walked))
    assert not said, "\n".join(said)
    assert everything_of(stage.theirs.world) == before


@pytest.mark.reliability(1, "pages", "api")
def test_a_row_of_a_queue_out_of_sight_is_told_like_none(stage: Stage):
    """For those who see their own queues only; leads and editors see it."""
    blind = [each for each in (*stage.mates, *stage.programs) if each.member and not may(each.member, "ticket.see_all")]
    assert {each.member.role for each in blind if each.member} == {Role.VIEWER, Role.RESPONDER}
    total = 0
    said: list[str] = []
    for area in AREAS.values():
        for address in area:
            # People of the workspace lie in no queue.
            if address.name in PERSONAL or {"member_id", "invitation_id"} & set(address.places):
                continue
            asked, differ = compared(stage, address, blind, stage.hidden)
            total, said = total + asked, said + differ
    figure("rows out of sight asked for", total)
    assert not said, "\n".join(said)
    leads = [each for each in stage.mates if each.member and may(each.member, "ticket.see_all")]
    page = next(each for each in ALL if each.name == "console:ticket")
    assert {tried(each, "GET", filled(page, stage.hidden)).status for each in leads} == {200}


@pytest.mark.reliability(8, "roles")
@pytest.mark.parametrize("area", ["console", "root", "api"])
def test_the_permission_table_decides_at_every_address(stage: Stage, area: str):
    """Own rows: who has the permission is answered, who lacks it is refused with 403, strangers with 401 or the sign-in page."""
    total = 0
    said: list[str] = []
    for address in (each for each in ALL if each.area == area and each.name not in OPEN):
        path = filled(address, stage.ours)
        for method in methods_of(address):
            permission = permission_of(address, method)
            for caller in stage.everybody:
                form = FORMS.get(address.name, _no_form)(stage.ours, caller.member) if method == "POST" else None
                answer = tried(caller, method, path, body=form)
                if answer.status == 405:
                    continue
                total += 1
                expected = _expected(caller, address, method, permission)
                if not expected(answer):
                    said.append(f"{caller.name}: {method} {address.name} ({permission}): {answer.status} {answer.body[:80]!r}")
    figure(f"rows of the permission matrix, {area}", total)
    assert not said, "\n".join(said)


def _no_form(made: Furniture, member: Any) -> dict[str, Any]:
    return {}


def _expected(caller: Caller, address: Address, method: str, permission: str) -> Any:
    handler = getattr(getattr(address.view, "view_class", None) or getattr(address.view, "cls", None), method.lower(), None)
    if address.area == "api":
        if not caller.is_program or caller.is_over:
            return lambda answer: answer.status == 401
        needs_teammate = getattr(handler, "as_teammate", False)
        may_ask = may(caller.member, permission) if caller.member else not needs_teammate
    else:
        if caller.member is None or caller.is_program or caller.is_over:
            return lambda answer: answer.status == 302 and "/sign-in/" in answer.location
        may_ask = may(caller.member, permission)
    if address.name in PERSONAL:
        return lambda answer: answer.status == (404 if may_ask else 403)
    if may_ask:
        return lambda answer: answer.status not in (401, 403, 404) and not _leads_to_sign_in(answer)
    return lambda answer: answer.status == 403


def _leads_to_sign_in(answer: Answer) -> bool:
    return answer.status == 302 and "/sign-in/" in answer.location


@pytest.mark.reliability(8, "roles")
def test_the_operators_site_is_not_there_for_anybody_of_a_workspace(stage: Stage):
    total = 0
    said: list[str] = []
    for address in (each for each in ALL if each.area == "operator"):
        for method in methods_of(address):
            for caller in stage.everybody:
                answer = tried(caller, method, filled(address, stage.ours))
                total += answer.status != 405
                if answer.status not in (404, 405) and not _leads_to_sign_in(answer):
                    said.append(f"{caller.name}: {method} {address.name}: {answer.status}")
    figure("operators' pages tried by others", total)
    assert total > 100
    assert not said, "\n".join(said)


@pytest.mark.reliability(8, "roles")
def test_the_permission_table_decides_on_every_admin_page(stage: Stage):
    _decided(stage, [each for each in stage.mates if each.name in (Role.RESPONDER, Role.OWNER)], "admin, two roles")


@pytest.mark.slow
@pytest.mark.reliability(8, "roles")
def test_the_permission_table_decides_on_every_admin_page_for_every_role(stage: Stage):
    _decided(stage, stage.mates, "admin")


def _decided(stage: Stage, mates: list[Caller], name: str) -> None:
    total = 0
    said: list[str] = []
    for address in (each for each in ALL if is_by_table(each) and not each.name.startswith("admin:admin/")):
        page: Any = admin.site._registry[admin_model(address)]
        for caller in mates:
            for method in ("GET", "POST"):
                permission = page.see if method == "GET" or address.name.endswith(LOOKED_AT) else page.edit
                if address.name.endswith(("_add", "_delete")):
                    permission = page.edit
                may_ask = bool(permission) and may(caller.member, permission)
                status = tried(caller, method, filled(address, stage.ours)).status
                total += 1
                # What nobody may do by a form (delete a teammate, change a frozen version) is refused to all: a page may be stricter.
                fits = status in (200, 302, 403) if may_ask else status == 403
                if address.name.endswith("_changelist") and may_ask and method == "GET":
                    fits = status == 200
                if not fits:
                    said.append(f"{caller.name}: {method} {address.name}: {status}")
    figure(f"rows of the permission matrix, {name}", total)
    assert not said, "\n".join(said)


@pytest.mark.reliability(1, "admin")
def test_strangers_and_those_without_the_staff_flag_see_nothing_of_the_admin(stage: Stage):
    for caller in stage.strangers:
        for address in (each for each in ALL if each.area == "admin" and each.name not in OPEN):
            answer = tried(caller, "GET", filled(address, stage.ours))
            assert answer.status in (302, 404), (caller.name, address.name, answer.status)
            assert answer.status == 404 or "sign-in" in answer.location or "login" in answer.location, (address.name, answer.location)
