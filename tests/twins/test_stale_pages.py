"""Somebody works in two workspaces, switches in one tab, and goes on in another tab that still shows the first."""

import re
from dataclasses import dataclass

import pytest
from django.test import Client
from django.urls import reverse

from supportdesk.core.models import Membership, Role
from supportdesk.core.same_page import ANYWHERE, FIELD
from supportdesk.core.tenancy import acting_for
from tests.factories import World, join_team, make_member, make_user, make_world
from tests.reliability.report import figure
from tests.surface.addresses import FORMS, OPEN, Address, addresses, filled, is_about_a_row
from tests.surface.callers import browser
from tests.surface.furniture import Furniture, everything_of, furnish
from tickets.models import Ticket

HTMX = {"HX-Request": "true"}


@dataclass(frozen=True)
class Both:
    """Two furnished workspaces with equal ticket numbers, and Wanda, who owns the first and only reads in the second."""

    ours: Furniture
    theirs: Furniture
    owner: Membership
    viewer: Membership
    client: Client

    def switch(self, member: Membership) -> None:
        """Work there from here on."""
        answer = self.client.post(reverse("console:switch_workspace"), {"membership": member.pk})
        assert answer.status_code == 302


@pytest.fixture
def both(acme: World) -> Both:
    globex = make_world("globex", owner="Charlie Chen")
    ours, theirs = furnish(acme), furnish(globex)
    wanda = make_user("Wanda Weiss")
    owner, viewer = make_member(acme.tenant, Role.OWNER, user=wanda), make_member(globex.tenant, Role.VIEWER, user=wanda)
    for world, member in ((acme, owner), (globex, viewer)):
        with acting_for(world.tenant):
            join_team(member, world.team)
    return Both(ours, theirs, owner, viewer, browser(owner))


def forms() -> list[Address]:
    """Every address of teammates that reads the session and may be posted to."""
    return [
        each
        for each in addresses()
        if each.area in ("console", "admin") and not getattr(each.view, "csrf_exempt", False) and each.name not in {*OPEN, *ANYWHERE}
    ]


@pytest.mark.reliability(7, "two workspaces")
def test_both_have_a_ticket_of_the_same_number(both: Both):
    assert both.ours.ticket.number == both.theirs.ticket.number
    assert both.ours.ticket.pk != both.theirs.ticket.pk


@pytest.mark.reliability(7, "two workspaces")
def test_a_form_opened_in_one_workspace_does_nothing_in_the_other(both: Both):
    both.switch(both.viewer)
    ours, theirs = everything_of(both.ours.world), everything_of(both.theirs.world)
    said = []
    for address in forms():
        body = FORMS[address.name](both.theirs, both.viewer) if address.name in FORMS else {}
        for how, form, headers in (
            ("field", {**body, FIELD: both.owner.pk}, {}),
            ("header", body, {"X-As-Member": str(both.owner.pk)}),
            ("nothing", body, {}),
            ("both", {**body, FIELD: [both.owner.pk, both.viewer.pk]}, {"X-As-Member": str(both.viewer.pk)}),
        ):
            answer = both.client.post(filled(address, both.theirs), form, headers=headers)
            if answer.status_code != 409:
                said.append(f"{address.name}, {how}: {answer.status_code}")
    figure("forms of stale pages refused", len(forms()))
    assert not said, "\n".join(said)
    assert (everything_of(both.ours.world), everything_of(both.theirs.world)) == (ours, theirs)


@pytest.mark.reliability(7, "two workspaces")
def test_a_stale_page_fetches_no_part_of_the_other_workspace(both: Both):
    """A fragment of the other ticket of that number would bring its own forms into the old page."""
    both.switch(both.viewer)
    place = reverse("console:ticket", args=[both.theirs.ticket.number])
    stale = both.client.get(place, headers={**HTMX, "X-As-Member": str(both.owner.pk)})
    assert stale.status_code == 409
    assert (stale["HX-Retarget"], stale["HX-Reswap"]) == ("body", "innerHTML")
    assert "You switched workspaces" in stale.content.decode()
    assert both.client.get(place, headers={**HTMX, "X-As-Member": str(both.viewer.pk)}).status_code == 200


@pytest.mark.reliability(7, "two workspaces")
def test_a_page_of_the_workspace_of_now_acts_there(both: Both):
    both.switch(both.viewer)
    both.switch(both.owner)
    number = both.ours.ticket.number
    assert both.client.post(reverse("console:take_over", args=[number]), {FIELD: both.owner.pk}).status_code in (200, 302)
    with acting_for(both.ours.world.tenant):
        assert Ticket.objects.get(number=number).assignee_id == both.owner.pk
    with acting_for(both.theirs.world.tenant):
        assert Ticket.objects.get(number=number).assignee_id is None


@pytest.mark.reliability(7, "two workspaces")
def test_every_form_of_every_page_says_whose_page_it_is(both: Both):
    pages = 0
    for address in addresses():
        if address.area not in ("console", "admin"):
            continue
        answer = both.client.get(filled(address, both.ours))
        if answer.status_code != 200 or answer.streaming or "html" not in answer.get("Content-Type", ""):
            continue
        html = answer.content.decode()
        pages += 1
        for form in re.findall(r"<form\b[^>]*method=\"post\".*?</form>", html, re.S | re.I):
            assert f'name="{FIELD}" value="{both.owner.pk}"' in form, f"{address.name}: {form[:200]}"
        for post in re.findall(r"<body[^>]*>", html):
            if "console" in post:
                assert f'"X-As-Member": "{both.owner.pk}"' in post, address.name
    assert pages > 40


@pytest.mark.slow
@pytest.mark.reliability(7, "two workspaces")
def test_rights_of_one_workspace_do_not_apply_in_the_other(both: Both):
    """Wanda, owner there and viewer here, gets what somebody gets who is a viewer and nothing else."""
    plain = make_member(both.theirs.world.tenant, Role.VIEWER, name="Vera Voss")
    with acting_for(both.theirs.world.tenant):
        join_team(plain, both.theirs.world.team)
    vera = browser(plain)
    said, asked = [], 0
    for back_and_forth in range(2):
        both.switch(both.owner)
        both.switch(both.viewer)
        for address in addresses():
            if address.area not in ("console", "admin", "root") or address.name in {*ANYWHERE, "console:prove"}:
                continue
            for made in (both.theirs, both.ours):
                # Numbers are equal in both: only what has an id of its own can be the other workspace's.
                if made is both.ours and ("number" in address.places or not is_about_a_row(address)):
                    continue
                path = filled(address, made)
                hers, plains = both.client.get(path), vera.get(path)
                asked += 1
                if (hers.status_code, hers.get("Location")) != (plains.status_code, plains.get("Location")):
                    said.append(f"GET {address.name} of {made.world.tenant.slug}: {hers.status_code}, a viewer {plains.status_code}")
                if back_and_forth:
                    continue
                body = FORMS[address.name](made, both.viewer) if address.name in FORMS else {}
                hers = both.client.post(path, {**body, FIELD: both.viewer.pk})
                plains = vera.post(path, {**body, FIELD: plain.pk})
                if hers.status_code != plains.status_code:
                    said.append(f"POST {address.name} of {made.world.tenant.slug}: {hers.status_code}, a viewer {plains.status_code}")
    figure("addresses asked by an owner of another workspace", asked)
    assert not said, "\n".join(said)
