"""The live queue: what it holds, in which order, page by page, and what it says when it holds nothing."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from supportdesk.console.lists import Filters, page_of
from supportdesk.core.events import AI
from supportdesk.core.models import Membership, Role
from tests.console.conftest import Desk
from tests.console.worlds import HTMX, escalated
from tests.factories import World, make_member, make_switch, make_ticket
from tickets import verbs
from tickets.models import Customer, Queue, Ticket


def subjects(client: Client, **query: str) -> list[str]:
    """The subjects a list shows, in order."""
    page = client.get("/console/", query).content.decode()
    return re.findall(r'data-preview="[^"]*"[^>]*>([^<]*)</a>', page)


def test_tabs_hold_mine_unassigned_and_all(at_acme: World, bob: Membership, desk: Desk) -> None:
    make_ticket(at_acme, "The AI has it")
    escalated(at_acme, "Nobody has it")
    verbs.take_over(ticket_id=escalated(at_acme, "Bob has it").pk, by=bob)
    client = desk(bob)
    assert subjects(client) == ["Bob has it"]
    assert subjects(client, tab="unassigned") == ["Nobody has it"]
    assert set(subjects(client, tab="all")) == {"The AI has it", "Nobody has it", "Bob has it"}
    counts = re.findall(r'data-count="(mine|unassigned|all)">(\d+)<', client.get("/console/").content.decode())
    assert dict(counts) == {"mine": "1", "unassigned": "1", "all": "3"}


def test_somebody_who_answers_nobody_begins_with_all(at_acme: World, desk: Desk) -> None:
    make_ticket(at_acme, "Anything")
    editor = make_member(at_acme.tenant, Role.POLICY_EDITOR)
    assert subjects(desk(editor)) == ["Anything"]


def test_resolved_tickets_have_their_own_list(at_acme: World, desk: Desk) -> None:
    verbs.resolve(ticket_id=escalated(at_acme, "Old case").pk, by=AI)
    client = desk(at_acme.owner)
    assert subjects(client, tab="all") == []
    assert subjects(client, tab="all", status="resolved") == ["Old case"]


@pytest.mark.parametrize("words", ["tent pole", "marchetti", "#1", "1"])
def test_search_finds_by_subject_customer_and_number_also_resolved_ones(at_acme: World, desk: Desk, words: str) -> None:
    ticket = make_ticket(at_acme, "My tent pole snapped")
    Customer.objects.filter(pk=ticket.customer_id).update(name="Ida Marchetti")
    make_ticket(at_acme, "Something else")
    verbs.resolve(ticket_id=ticket.pk, by=AI)
    assert subjects(desk(at_acme.owner), q=words) == ["My tent pole snapped"]


def test_the_longest_wait_comes_first_within_a_priority(at_acme: World) -> None:
    now = timezone.now()
    for minutes, priority in ((5, 2), (50, 2), (1, 4)):
        ticket = escalated(at_acme, f"{priority} since {minutes}")
        Ticket.objects.filter(pk=ticket.pk).update(waiting_since=now - timedelta(minutes=minutes), priority=priority)
    done = escalated(at_acme, "2 answered")
    Ticket.objects.filter(pk=done.pk).update(waiting_since=None)
    urgent = page_of(at_acme.owner, Filters(tab="all")).tickets
    assert [ticket.subject for ticket in urgent] == ["4 since 1", "2 since 50", "2 since 5", "2 answered"]
    waiting = page_of(at_acme.owner, Filters(tab="all", sort="waiting")).tickets
    assert [ticket.subject for ticket in waiting] == ["2 since 50", "2 since 5", "4 since 1", "2 answered"]


@pytest.mark.parametrize("sort", ["urgent", "waiting", "newest"])
def test_pages_show_each_ticket_once_while_new_ones_come(at_acme: World, sort: str) -> None:
    made = {make_ticket(at_acme, f"t{n}").pk for n in range(65)}
    filters, seen, after = Filters(tab="all", sort=sort), [], ""
    for _ in range(10):
        page = page_of(at_acme.owner, filters, after)
        seen += [ticket.pk for ticket in page.tickets]
        make_ticket(at_acme, "newer")
        after = page.next
        if not after:
            break
    assert len(seen) == len(set(seen))
    assert made <= set(seen)


@pytest.mark.parametrize("after", ["", "x", "1~2", "2~2026-01-01~3", "9" * 400, "2~not a date~1", "\x00~\x00~\x00"])
def test_a_broken_place_begins_at_the_first_page(at_acme: World, desk: Desk, after: str) -> None:
    make_ticket(at_acme, "Still here")
    assert subjects(desk(at_acme.owner), tab="all", after=after) == ["Still here"]


def test_the_number_of_queries_does_not_grow_with_the_list(
    at_acme: World, bob: Membership, desk: Desk, django_assert_max_num_queries
) -> None:
    client = desk(bob)
    counted = []
    for n in (10, 50):
        for each in range(n):
            ticket = escalated(at_acme, f"ticket {each}")
            if each % 3 == 0:
                verbs.take_over(ticket_id=ticket.pk, by=bob)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get("/console/", {"tab": "all"}).status_code == 200
        counted.append(len(queries))
    assert counted[0] == counted[1] <= 20


def test_htmx_gets_the_list_alone_and_caches_are_told(at_acme: World, desk: Desk) -> None:
    client = desk(at_acme.owner)
    whole, part = client.get("/console/"), client.get("/console/", HTTP_HX_TARGET="list", **HTMX)
    assert "<html" in whole.content.decode()
    assert "<html" not in part.content.decode()
    assert {"HX-Request", "HX-Target"} <= set(part["Vary"].split(", "))
    assert "no-store" in part["Cache-Control"]


def test_rows_come_by_id_with_counts_and_say_when_they_left_the_list(at_acme: World, bob: Membership, desk: Desk) -> None:
    stays, leaves = escalated(at_acme, "Stays"), escalated(at_acme, "Leaves")
    verbs.take_over(ticket_id=leaves.pk, by=bob)
    page = desk(bob).get("/console/rows/", {"ids": f"{stays.pk},{leaves.pk},junk,999", "tab": "unassigned"}).content.decode()
    assert re.findall(r'class="ticket unread( left)?" id="ticket-(\d+)"', page) == [("", str(stays.pk)), (" left", str(leaves.pk))]
    assert '<output data-now="unassigned">1</output>' in page
    assert '<output data-now="mine">1</output>' in page


def test_an_empty_list_is_good_news_and_names_the_next_step(at_acme: World, bob: Membership, desk: Desk) -> None:
    assert "Every ticket that needs a person has one." in desk(bob).get("/console/").content.decode()
    escalated(at_acme)
    page = desk(bob).get("/console/").content.decode()
    assert "Nothing waits for you" in page
    assert "1 ticket has no assignee" in page
    assert "Show Unassigned" in page


def test_no_match_says_what_was_searched_and_offers_to_clear(at_acme: World, desk: Desk) -> None:
    make_ticket(at_acme)
    page = desk(at_acme.owner).get("/console/", {"q": "<b>N-2041"}).content.decode()
    assert "No ticket matches “&lt;b&gt;N-2041”" in page
    assert "Searched all 1 ticket you may see" in page
    assert ">Clear</a>" in page


def test_a_switched_off_agent_is_said_in_rail_and_list(at_acme: World, desk: Desk) -> None:
    assert "Alder is answering" in desk(at_acme.owner).get("/console/").content.decode()
    make_switch(at_acme.tenant)
    page = desk(at_acme.owner).get("/console/").content.decode()
    assert page.count("Alder is switched off") == 2


def test_a_row_says_why_a_person_is_needed(at_acme: World, desk: Desk) -> None:
    escalated(at_acme, reason="legal_or_safety")
    page = desk(at_acme.owner).get("/console/", {"tab": "all"}).content.decode()
    assert "Legal or safety" in page
    assert "Urgent" in page


def test_a_queue_filter_holds_only_that_queue(at_acme: World, desk: Desk) -> None:
    other = Queue.objects.create(key="other", name="Other")
    moved = make_ticket(at_acme, "Moved")
    Ticket.objects.filter(pk=moved.pk).update(queue=other)
    make_ticket(at_acme, "Here")
    assert subjects(desk(at_acme.owner), tab="all", queue="other") == ["Moved"]
    assert subjects(desk(at_acme.owner), tab="all", queue="no-such-queue") == []
    assert subjects(desk(at_acme.owner), tab="all", handler="human") == []


def test_one_ticket_can_be_open_beside_the_list(at_acme: World, desk: Desk) -> None:
    ticket = make_ticket(at_acme, "Beside the list")
    page = desk(at_acme.owner).get("/console/", {"tab": "all", "open": ticket.number}).content.decode()
    assert 'id="thread"' in page
    assert 'aria-current="true">Beside the list' in page
    assert 'id="thread"' not in desk(at_acme.owner).get("/console/", {"tab": "all", "open": "99"}).content.decode()


def test_text_of_customers_is_shown_as_text(at_acme: World, desk: Desk) -> None:
    ticket = make_ticket(at_acme, "<script>alert(1)</script> help")
    Customer.objects.filter(pk=ticket.customer_id).update(name="<img src=x>")
    for page in ("/console/?tab=all", f"/console/tickets/{ticket.number}/"):
        html = desk(at_acme.owner).get(page).content.decode()
        assert "<script>alert" not in html
        assert "<img" not in html
