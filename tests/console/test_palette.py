"""The palette offers what this ticket allows, places, and tickets that are found."""

from django.test import Client

from supportdesk.core.models import Membership, Role
from tests.console.conftest import Desk
from tests.factories import World, join_team, make_member, make_ticket
from tickets import verbs


def options(client: Client, **query: object) -> str:
    """What the palette lists."""
    return client.get("/console/palette/", query).content.decode()


def test_acts_follow_the_state_of_the_ticket(at_acme: World, bob: Membership, desk: Desk) -> None:
    ticket, client = make_ticket(at_acme), desk(bob)
    before = options(client, ticket=ticket.number)
    assert 'data-press="take-over"' in before
    assert 'data-press="reply"' not in before
    verbs.take_over(ticket_id=ticket.pk, by=bob)
    after = options(client, ticket=ticket.number)
    assert 'data-press="take-over"' not in after
    assert 'data-press="hand-back"' in after


def test_a_reader_is_offered_no_acts(at_acme: World, desk: Desk) -> None:
    viewer = make_member(at_acme.tenant, Role.VIEWER, name="Vera View")
    join_team(viewer, at_acme.team)
    assert "data-press" not in options(desk(viewer), ticket=make_ticket(at_acme).number)


def test_tickets_are_found_and_everything_else_says_so(at_acme: World, desk: Desk) -> None:
    ticket, client = make_ticket(at_acme, "A stove that leaks"), desk(at_acme.owner)
    assert f"#{ticket.number} A stove that leaks" in options(client, q="stove")
    assert "Nothing matches “zzz”" in options(client, q="zzz")
