"""What a teammate gets when the agent hands over: everything, so that the customer is asked nothing twice."""

import pytest

from agents.actions.models import State
from agents.runtime.handoff import build_packet, hand_over, words_for
from supportdesk.core.events import Actor
from supportdesk.core.models import Event
from tests.agents.desk import Desk, work
from tickets import verbs
from tickets.models import Author, Escalation, Kind, Queue, Reason

pytestmark = pytest.mark.usefixtures("promises")


def test_a_packet_tells_who_what_was_tried_and_which_rule_spoke(desk: Desk) -> None:
    chat = desk.asked_to_confirm("Please refund N-20418 completely, 349 euros")
    chat.answers(yes=True)
    chat.says("I want to talk to a person")
    packet = chat.escalation.packet
    assert (packet["reason"], packet["identity"], packet["language"]) == ("asked_for_human", "proven", "en")
    assert packet["identity_text"] == "i•••@mail.example, email_code"
    facts = {fact["name"]: fact["value"] for fact in packet["facts"]}
    assert facts["N-20418 order.status"] == "delivered"
    assert facts["N-20418 refund.amount"] == "€349.00"
    waiting = [call for call in packet["calls"] if call["state"] == State.WAITING]
    assert [call["text"] for call in waiting] == ["create_refund €349.00 N-20418"]
    assert [call["id"] for call in waiting] == [str(chat.call.pk)]
    assert any("R-4" in verdict["rule"] and verdict["verdict"] == "ask" for verdict in packet["verdicts"])
    assert packet["question"]


def test_a_packet_holds_no_whole_address_of_the_customer(desk: Desk) -> None:
    chat = desk.asked_to_confirm()
    hand_over(ticket_id=chat.ticket.pk, reason="other")
    assert "ida@mail.example" not in str(chat.escalation.packet)


def test_a_customer_who_asks_by_button_is_passed_on_at_once(desk: Desk) -> None:
    chat = desk.chat()
    chat.says("Hello")
    made = hand_over(ticket_id=chat.ticket.pk, reason="asked_for_human", by=Actor("customer", chat.ticket.customer_id))
    assert made is not None
    assert chat.is_with_a_person
    event = Event.objects.get(code="ticket.escalated")
    assert (event.actor_kind, event.actor_id) == ("customer", chat.ticket.customer_id)


def test_who_is_with_a_person_already_is_not_passed_on_again(desk: Desk) -> None:
    chat = desk.chat()
    chat.says("Hello")
    hand_over(ticket_id=chat.ticket.pk, reason="other")
    assert hand_over(ticket_id=chat.ticket.pk, reason="angry") is None
    assert Escalation.objects.count() == 1
    assert [row.data["code"] for row in chat.messages(Kind.NEWS)] == ["escalated"]


def test_a_handoff_stops_a_turn_that_was_about_to_begin(desk: Desk) -> None:
    chat = desk.chat()
    chat.says("How long is the warranty?", then_work=False)
    hand_over(ticket_id=chat.ticket.pk, reason="asked_for_human", by=Actor("customer", chat.ticket.customer_id))
    work()
    assert chat.said == []


def test_the_handoff_goes_to_the_queue_of_its_intent_or_language(desk: Desk) -> None:
    german = desk.chat()
    german.says("Ich möchte mit einem Menschen sprechen")
    assert german.ticket.queue.key == "deutsch"
    english = desk.chat()
    english.says("I want to talk to a human")
    assert english.ticket.queue == Queue.objects.get(is_fallback=True)


def test_an_upset_customer_comes_before_others(desk: Desk) -> None:
    calm, upset = desk.chat(), desk.chat()
    calm.says("Do you rent out tents for a wedding?")
    upset.says("This is unacceptable, you are the worst shop, I am furious!")
    assert upset.escalation.reason == "angry"
    assert upset.ticket.priority > calm.ticket.priority


def test_a_takeover_accepts_the_handoff(desk: Desk) -> None:
    chat = desk.chat()
    chat.says("I want to talk to a human")
    mira = desk.teammate()
    verbs.take_over(ticket_id=chat.ticket.pk, by=mira)
    assert chat.escalation.accepted_by == mira
    assert chat.escalation.accepted_at


def test_the_question_of_a_packet_is_the_customers_newest_words_when_nobody_put_it_better(desk: Desk) -> None:
    chat = desk.chat()
    chat.says("Hello")
    chat.says("x" * 800, then_work=False)
    assert build_packet(chat.ticket, reason="other").question == "x" * 500
    work()


@pytest.mark.parametrize("reason", Reason.values)
def test_every_reason_has_words_that_promise_nothing(reason: str) -> None:
    words = words_for(reason)
    assert len(words) > 20
    assert not any(char.isdigit() for char in words)


def test_what_the_agent_says_at_the_handoff_stands_before_the_news_of_it(desk: Desk) -> None:
    chat = desk.chat()
    chat.says("I want to talk to a human")
    assert [(row.author, row.kind) for row in chat.messages()][-2:] == [(Author.AI, Kind.TEXT), (Author.SYSTEM, Kind.NEWS)]
