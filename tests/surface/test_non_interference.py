"""Case 6: whatever one workspace reads stays the same, to the byte, when another one fills up with rows that look just like it."""

import pytest

from supportdesk.core.models import Role, Tenant
from tests.factories import World
from tests.reliability.report import figure
from tests.surface.addresses import FRESH, OPEN, addresses, filled
from tests.surface.callers import MOMENTS, Answer, Caller, by_header, difference, programs, teammates, tried
from tests.surface.furniture import Furniture, furnish, look_alike

FEW, MANY = 6, 50
SEARCHES = {
    "console:queue": ["?tab=all&q=Ida", "?tab=all&queue=general", "?tab=all&status=resolved", "?tab=all&q=N-20418"],
    "console:palette": ["?q=Ida", "?q=3", "?q=general"],
    "api:tickets": ["?order=number&page_size=1", "?queue=general"],
    "api:customers": ["?q=ida"],
    "api:approvals": ["?status=decided"],
    "help:home": ["?q=return", "?in=Returns"],
    "admin:search": ["?s=queue"],
}


def _reads(stage: Furniture, callers: list[Caller]) -> dict[str, Answer]:
    found = {}
    for caller in callers:
        for address in addresses():
            if address.name in FRESH | {"health", "demo:mailbox", "admin:view_on_site"} or address.name.startswith("admin:admin/"):
                continue
            # Who may open Django admin reads it, too; the others are led away from it.
            if address.area == "admin" and address.name not in OPEN and caller.name == Role.RESPONDER:
                continue
            is_api = address.area == "api"
            if address.name not in OPEN and is_api is not caller.is_program:
                continue
            for query in ["", *SEARCHES.get(address.name, ())]:
                answer = tried(caller, "GET", filled(address, stage) + query)
                found[f"{caller.name}: {address.name}{query}"] = Answer(answer.status, answer.location, MOMENTS.sub(b"~", answer.body))
    return found


def _filled(acme: World, globex: World, many: int, *roles: str) -> tuple[dict[str, Answer], dict[str, Answer]]:
    ours = furnish(acme)
    furnish(globex)
    mates = [each for each in teammates(acme) if each.name in roles]
    callers = [
        *mates,
        *programs(acme, *[each.member for each in mates if each.member]),
        Caller("a customer", by_header(f"Chat {ours.token}")),
    ]
    _reads(ours, callers)
    before = _reads(ours, callers)
    for number in range(many):
        look_alike(globex, f"{number}-")
    Tenant.objects.filter(pk=globex.tenant.pk).update(name=acme.tenant.name)
    return before, _reads(ours, callers)


def _compare(acme: World, globex: World, many: int, *roles: str) -> None:
    before, after = _filled(acme, globex, many, *roles)
    told = [name for name in before if before[name] != after[name]]
    figure(f"pages read before and after {many} look-alike rows", len(before))
    assert len([each for each in before.values() if each.status == 200]) > 30
    assert not told, "\n".join(f"{name}: {difference(before[name], after[name])}" for name in told)


@pytest.mark.reliability(6, "non-interference")
def test_a_few_rows_of_another_workspace_change_nothing_we_read(acme: World, globex: World):
    _compare(acme, globex, FEW, Role.RESPONDER)


@pytest.mark.slow
@pytest.mark.reliability(6, "non-interference")
def test_fifty_rows_of_everything_of_another_workspace_change_nothing_we_read(acme: World, globex: World):
    _compare(acme, globex, MANY, *Role)
