"""The thread shows its customer what is theirs, and nothing else."""

import re
from typing import Any

import pytest
from django.test import Client

from agents.actions.models import State
from supportdesk.core.events import Actor, stamp
from supportdesk.core.tenancy import acting_for
from tests.chat.cards import ai_says, news, shown, wanted_refund
from tests.factories import World, make_session, say
from tickets import verbs
from tickets.handoff import Packet
from tickets.models import Kind, Ticket

THREAD = "/chat/acme/web/thread/"


def fetch(client: Client, token: str, **query: Any) -> str:
    response = client.get(THREAD, query, headers={"Authorization": f"Chat {token}"})
    assert response.status_code == 200
    return response.content.decode()


def seqs(html: str) -> list[int]:
    return [int(seq) for seq in re.findall(r'data-seq="(\d+)"', html)]


def passed_on(ticket: Ticket) -> None:
    verbs.escalate(ticket_id=ticket.pk, packet=Packet(reason="asked_for_human"), by=Actor("customer", ticket.customer_id))


def test_before_the_first_message_the_thread_is_empty(at_acme: World, client: Client) -> None:
    _session, token = make_session(at_acme)
    html = fetch(client, token)
    assert seqs(html) == []
    assert 'data-handler="ai" data-status="open" data-typing="false"' in html


def test_an_unanswered_question_shows_that_the_agent_works(at_acme: World, client: Client) -> None:
    session, token = make_session(at_acme)
    ticket = say(session).ticket
    assert 'data-typing="true"' in fetch(client, token)
    ai_says(ticket, "It is on its way.")
    assert 'data-typing="false"' in fetch(client, token)


def test_a_private_note_is_never_in_the_thread(at_acme: World, client: Client) -> None:
    session, token = make_session(at_acme)
    ticket = say(session).ticket
    verbs.note(ticket_id=ticket.pk, by=at_acme.owner, body="CANARY he always complains")
    passed_on(ticket)
    verbs.take_over(ticket_id=ticket.pk, by=at_acme.owner)
    verbs.reply(ticket_id=ticket.pk, by=at_acme.owner, body="Hello, this is Alice.")
    verbs.hand_back(ticket_id=ticket.pk, by=at_acme.owner, note_text="CANARY be nice to him")
    for after in range(8):
        assert "CANARY" not in fetch(client, token, after=after)
    assert "this is Alice" in fetch(client, token)


def test_another_visitor_sees_nothing_of_it(at_acme: World, client: Client) -> None:
    session, _token = make_session(at_acme)
    say(session, "CANARY my address is 1 Long Lane")
    other, token = make_session(at_acme)
    say(other, "Hello")
    html = fetch(client, token)
    assert "CANARY" not in html
    assert len(seqs(html)) == 1


def test_after_a_seq_only_newer_messages_come(at_acme: World, client: Client) -> None:
    session, token = make_session(at_acme)
    ticket = say(session).ticket
    for number in range(4):
        ai_says(ticket, f"Part {number}")
    assert seqs(fetch(client, token)) == [1, 2, 3, 4, 5]
    html = fetch(client, token, after=3)
    assert seqs(html) == [4, 5]
    assert 'data-last-seq="5"' in html


def test_cards_are_told_again_because_they_change(at_acme: World, client: Client) -> None:
    session, token = make_session(at_acme)
    ticket = say(session).ticket
    card = shown(wanted_refund(ticket))
    last = ai_says(ticket, "Anything else?")
    assert seqs(fetch(client, token, after=last.seq)) == [card.seq]


@pytest.mark.parametrize("after", ["-1", "x", "1.5", "٣", "9" * 20, "0 OR 1=1"])
def test_an_after_that_is_no_seq_is_refused(after: str, at_acme: World, client: Client) -> None:
    _session, token = make_session(at_acme)
    response = client.get(THREAD, {"after": after}, headers={"Authorization": f"Chat {token}"})
    assert (response.status_code, response.content) == (400, b"")


def test_the_position_says_from_where_to_go_on(at_acme: World, client: Client) -> None:
    session, token = make_session(at_acme)
    say(session)
    stamp()
    response = client.get(THREAD, headers={"Authorization": f"Chat {token}"})
    assert int(response["X-Position"]) == 3
    assert "no-store" in response["Cache-Control"]


def test_words_of_customers_and_models_come_out_harmless(at_acme: World, client: Client) -> None:
    session, token = make_session(at_acme)
    ticket = say(session, "<img src=x onerror=alert(1)> **not bold**").ticket
    ai_says(ticket, "<script>alert(1)</script> [here](javascript:alert(1)) **bold**")
    html = fetch(client, token)
    assert "<script" not in html
    assert "<img" not in html
    assert "javascript:" not in html.replace("[here](javascript:alert(1))", "")
    assert "&lt;img src=x onerror=alert(1)&gt; **not bold**" in html
    assert "<strong>bold</strong>" in html


def test_sources_are_links_only_where_they_lead_somewhere_safe(at_acme: World, client: Client) -> None:
    session, token = make_session(at_acme)
    ticket = say(session).ticket
    urls = ["/help/acme/main/en/returns/", "https://acme.example/x", "javascript:alert(1)", "//evil.example", ""]
    ai_says(ticket, "So it is.", citations=[{"n": n, "title": f"Source {n}", "url": url} for n, url in enumerate(urls, 1)])
    html = fetch(client, token)
    assert re.findall(r'<a href="([^"]+)" target', html) == urls[:2]


def test_ones_own_message_carries_its_client_id_and_nobody_elses_session(at_acme: World, client: Client) -> None:
    session, token = make_session(at_acme)
    say(session, "Hi", client_id="abc123")
    html = fetch(client, token)
    assert 'data-client="abc123"' in html
    assert session.public_id not in html


def test_a_teammate_is_named_by_first_name_and_team(at_acme: World, client: Client) -> None:
    session, token = make_session(at_acme)
    ticket = say(session).ticket
    passed_on(ticket)
    verbs.take_over(ticket_id=ticket.pk, by=at_acme.owner)
    verbs.reply(ticket_id=ticket.pk, by=at_acme.owner, body="Hello")
    html = fetch(client, token)
    assert "Alice (Customer care) joined. Alder is silent now." in html
    assert "<b>Alice</b> · Customer care" in html
    assert "Ames" not in html
    assert at_acme.owner.user.email not in html
    assert 'data-handler="human"' in html
    assert 'data-who="Alice is here"' in html


def test_a_ticket_that_waits_for_a_person_says_how_long(at_acme: World, client: Client) -> None:
    session, token = make_session(at_acme)
    passed_on(say(session).ticket)
    html = fetch(client, token)
    assert "Passed on to a person (Customer care). Usually within 20 minutes." in html
    assert 'data-who="A person will answer" data-soon="usually within 20 minutes"' in html


def test_a_resolved_ticket_thanks_and_can_be_reopened(at_acme: World, client: Client) -> None:
    session, token = make_session(at_acme)
    ticket = say(session).ticket
    verbs.resolve(ticket_id=ticket.pk, by=Actor("customer", ticket.customer_id))
    html = fetch(client, token)
    assert "You marked this as solved." in html
    assert 'id="closed"' in html
    say(session, "One more thing")
    html = fetch(client, token)
    assert 'id="closed"' not in html
    assert 'data-status="open"' in html


def test_only_the_newest_answer_of_the_agent_asks_for_a_verdict(at_acme: World, client: Client) -> None:
    session, token = make_session(at_acme)
    ticket = say(session).ticket
    first = ai_says(ticket, "Yes.")
    assert f'data-newest-answer="{first.seq}"' in fetch(client, token)
    say(session, "And?")
    assert 'data-newest-answer="0"' in fetch(client, token)
    second = ai_says(ticket, "No.")
    assert f'data-newest-answer="{second.seq}"' in fetch(client, token)
    wanted_refund(ticket, State.WAITING)
    assert 'data-newest-answer="0"' in fetch(client, token)


def test_unknown_news_fall_back_to_their_own_words(at_acme: World, client: Client) -> None:
    session, token = make_session(at_acme)
    ticket = say(session).ticket
    news(ticket, "Something <new>", code="from_the_future")
    assert "Something &lt;new&gt;" in fetch(client, token)


def test_a_longer_thread_costs_no_more_queries(at_acme: World, client: Client, django_assert_num_queries: Any) -> None:
    session, token = make_session(at_acme)
    ticket = say(session).ticket

    def count() -> int:
        with django_assert_num_queries(100, exact=False) as captured:
            fetch(client, token)
        return len(captured)

    def grow() -> None:
        passed_on(ticket)
        verbs.take_over(ticket_id=ticket.pk, by=at_acme.owner)
        verbs.reply(ticket_id=ticket.pk, by=at_acme.owner, body="Hello")
        verbs.hand_back(ticket_id=ticket.pk, by=at_acme.owner)
        ai_says(ticket, "Yes.", citations=[{"n": 1, "title": "A", "url": "/help/x/"}])
        ai_says(ticket, "First I need to know it is you.", Kind.CODE, data={"email_hint": "", "call": None})

    grow()
    shown(wanted_refund(ticket, amount=100))
    short = count()
    for number in range(5):
        grow()
        shown(wanted_refund(ticket, amount=200 + number))
    assert count() == short <= 20


def test_the_thread_of_one_tenant_is_drawn_while_a_teammate_of_another_is_signed_in(acme: World, globex: World, client: Client) -> None:
    with acting_for(acme.tenant):
        session, token = make_session(acme)
        say(session, "For Acme")
    client.force_login(globex.owner.user)
    assert "For Acme" in fetch(client, token)
