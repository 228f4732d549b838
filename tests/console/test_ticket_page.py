"""One ticket: its thread in order, cards as teammates read them, private material apart, and only what is new."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agents.actions.models import Confirmation, State
from supportdesk.core.models import Membership
from tests.console.conftest import Desk
from tests.console.worlds import HTMX, ai_says, ask_to_confirm, escalated, fresh, make_call, make_run
from tests.factories import World, make_ticket, say
from tickets import verbs
from tickets.models import Kind, Ticket


def page_of(client: Client, ticket: Ticket) -> str:
    """The ticket's page."""
    return client.get(reverse("console:ticket", args=[ticket.number])).content.decode()


def test_messages_and_events_stand_in_one_line_of_time(at_acme: World, bob: Membership, desk: Desk) -> None:
    ticket = escalated(at_acme, "First words")
    verbs.take_over(ticket_id=ticket.pk, by=bob)
    verbs.reply(ticket_id=ticket.pk, by=bob, body="Second words")
    page = page_of(desk(bob), ticket)
    places = [
        page.index(text) for text in ('id="day-', 'dir="auto"><p>First words', "passed it to the teammates", "took it", "<p>Second words")
    ]
    assert places == sorted(places)
    assert page.count("<h1") == 1
    assert 'role="log"' in page


def test_news_for_the_customer_is_not_told_twice(at_acme: World, bob: Membership, desk: Desk) -> None:
    ticket = escalated(at_acme)
    verbs.take_over(ticket_id=ticket.pk, by=bob)
    assert "The customer was told" not in page_of(desk(bob), ticket)


def test_a_private_note_is_of_another_material(at_acme: World, bob: Membership, desk: Desk) -> None:
    ticket = escalated(at_acme)
    verbs.note(ticket_id=ticket.pk, by=bob, body="Not for the customer")
    note = re.search(r'<article class="message note".*?</article>', page_of(desk(bob), ticket), re.S)
    assert note
    assert "Private note" in note.group()
    assert "i-lock" in note.group()
    assert "Not for the customer" in note.group()


def test_the_composer_is_a_note_until_the_wheel_is_taken(at_acme: World, bob: Membership, desk: Desk) -> None:
    ticket = make_ticket(at_acme)
    before = page_of(desk(bob), ticket)
    assert "Alder has this ticket." in before
    assert re.search(r'value="reply" disabled', before)
    assert re.search(r'value="note" checked', before)
    verbs.take_over(ticket_id=ticket.pk, by=bob)
    after = page_of(desk(bob), ticket)
    assert "You have this ticket." in after
    assert re.search(r'value="reply" checked', after)


def test_another_teammates_ticket_leaves_only_notes(at_acme: World, bob: Membership, desk: Desk) -> None:
    ticket = escalated(at_acme)
    verbs.take_over(ticket_id=ticket.pk, by=at_acme.owner)
    page = page_of(desk(bob), ticket)
    assert "Alice Ames has this ticket." in page
    assert re.search(r'value="reply" disabled', page)


def test_a_citation_leads_to_its_source_and_why_to_the_trace(at_acme: World, desk: Desk) -> None:
    ticket = make_ticket(at_acme)
    message = ai_says(
        ticket, "Within 60 days.[1]", citations=[{"n": 1, "title": "How to return", "url": "/help/return/", "quote": "60 days"}]
    )
    run = make_run(fresh(ticket), message)
    page = page_of(desk(at_acme.owner), ticket)
    assert '<a class="cite" href="/help/return/"' in page
    assert '<a href="/help/return/" title="60 days">1 How to return</a>' in page
    assert reverse("console:trace", args=[ticket.number, run.pk]) in page


@pytest.mark.parametrize(
    ("state", "answer", "words"),
    [
        (State.NEEDS_CONFIRMATION, "", "Waits for the customer’s yes"),
        (State.EXECUTING, "yes", "Being done now"),
        (State.SUCCEEDED, "yes", "Reference RF-5518"),
        (State.UNKNOWN, "yes", "Outcome unknown, a person decides"),
        (State.FAILED, "yes", "Refused by the shop"),
        (State.CANCELLED, "no", "The customer said no; nothing was done"),
    ],
)
def test_a_confirmation_card_says_where_it_stands(at_acme: World, desk: Desk, state: State, answer: str, words: str) -> None:
    ticket = make_ticket(at_acme)
    call = make_call(ticket)
    ask_to_confirm(ticket, call)
    call.state, call.reference = state, "RF-5518" if state == State.SUCCEEDED else ""
    call.save(update_fields=["state", "reference"])
    Confirmation.objects.update(answer=answer)
    card = re.search(r'<section class="slip">.*?</section>', page_of(desk(at_acme.owner), ticket), re.S)
    assert card
    assert "Refund €189.00?" in card.group()
    assert words in card.group()
    assert "<button" not in card.group()


def test_a_receipt_is_shown_with_its_reference(at_acme: World, desk: Desk) -> None:
    ticket = make_ticket(at_acme)
    receipt = {"title": "Refunded €64.00", "facts": [["Reference", "RF-5518"]]}
    ai_says(ticket, "Refunded", kind=Kind.RECEIPT, data={"call": "x", "receipt": receipt})
    page = page_of(desk(at_acme.owner), ticket)
    assert "Refunded €64.00" in page
    assert "<dd>RF-5518</dd>" in page


def test_the_panel_tells_the_whole_packet(at_acme: World, desk: Desk) -> None:
    ticket = escalated(
        at_acme,
        reason="policy_asks",
        intent="refund",
        identity="proven",
        identity_text="i•••@mail.example, email_code",
        sentiment="upset",
        facts=[{"name": "N-20418 order.days_since_delivery", "value": 21}],
        calls=[{"tool": "create_refund", "state": "waiting", "text": "create_refund €189.00 N-20418"}],
        verdicts=[{"verdict": "ask", "rule": "R-7", "why": "Above €100.00 a teammate decides."}],
    )
    page = page_of(desk(at_acme.owner), ticket)
    for words in (
        "A rule asks a teammate",
        "i•••@mail.example, email code",
        "N-20418: days since delivery: 21",
        "Refund €189.00 N-20418: waits for a teammate",
        "Ask a teammate, rule R-7: Above €100.00 a teammate decides.",
        "Upset",
        "English",
        "General (fallback)",
    ):
        assert words in page, words


def test_only_what_is_new_comes_with_the_news(at_acme: World, bob: Membership, desk: Desk) -> None:
    ticket = make_ticket(at_acme, "Old words")
    client = desk(bob)
    seq, event = re.search(r'data-seq="(\d+)" data-event="(\d+)"', page_of(client, ticket)).groups()
    say(ticket.sessions.get(), "New words")
    news = client.get(reverse("console:news", args=[ticket.number]), HTTP_X_SEEN=f"{seq}.{event}", **HTMX).content.decode()
    assert "New words" in news
    assert "Old words" not in re.search(r"<div data-items.*?</div>\n<div data-swap", news, re.S).group()
    assert 'data-swap="ticket-state"' in news
    assert "side-who" not in news
    page = client.get(reverse("console:news", args=[ticket.number]), HTTP_X_SEEN="junk", HTTP_X_PAGE="ticket", **HTMX).content.decode()
    assert "Old words" in page
    assert "side-who" in page


def test_a_card_comes_again_when_its_state_changed(at_acme: World, desk: Desk) -> None:
    ticket = make_ticket(at_acme)
    call = make_call(ticket)
    ask_to_confirm(ticket, call)
    client = desk(at_acme.owner)
    seq, event = re.search(r'data-seq="(\d+)" data-event="(\d+)"', page_of(client, ticket)).groups()
    call.state = State.APPROVED
    call.save(update_fields=["state"])
    news = client.get(reverse("console:news", args=[ticket.number]), HTTP_X_SEEN=f"{seq}.{event}", **HTMX).content.decode()
    assert "data-old" in news
    assert "Agreed, about to be done" in news


def test_queries_do_not_grow_with_the_thread(at_acme: World, bob: Membership, desk: Desk) -> None:
    ticket = escalated(at_acme)
    verbs.take_over(ticket_id=ticket.pk, by=bob)
    client, counted = desk(bob), []
    for n in (3, 40):
        for each in range(n):
            verbs.reply(ticket_id=ticket.pk, by=bob, body=f"reply {each}")
            verbs.note(ticket_id=ticket.pk, by=bob, body=f"note {each}")
        with CaptureQueriesContext(connection) as queries:
            page_of(client, ticket)
        counted.append(len(queries))
    assert counted[0] == counted[1] <= 40


def test_a_long_thread_begins_with_its_newest_part(at_acme: World, bob: Membership, desk: Desk) -> None:
    ticket = escalated(at_acme, "The very first words")
    verbs.take_over(ticket_id=ticket.pk, by=bob)
    for each in range(210):
        verbs.note(ticket_id=ticket.pk, by=bob, body=f"note {each}")
    client = desk(bob)
    page = page_of(client, ticket)
    assert "earlier messages</a>" in page
    assert "<p>The very first words" not in page
    assert "<p>The very first words" in client.get(reverse("console:ticket", args=[ticket.number]), {"all": "1"}).content.decode()


def test_orders_without_a_shop_are_an_empty_answer(at_acme: World, desk: Desk) -> None:
    ticket = make_ticket(at_acme)
    assert "No orders to show" in desk(at_acme.owner).get(reverse("console:orders", args=[ticket.number])).content.decode()


def test_reading_writes_nothing(at_acme: World, bob: Membership, desk: Desk) -> None:
    ticket = escalated(at_acme)
    run = make_run(ticket)
    client = desk(bob)
    addresses = ["/console/", "/console/rows/?ids=1", "/console/palette/?q=a"]
    addresses += [reverse(f"console:{name}", args=[ticket.number]) for name in ("ticket", "preview", "news", "orders")]
    addresses += [reverse(f"console:{name}", args=[ticket.number, run.pk]) for name in ("why", "trace")]
    for address in addresses:
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        assert [each["sql"] for each in queries if not each["sql"].startswith(("SELECT", "PRAGMA"))] == [], address
