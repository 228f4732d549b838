"""The cards of a talk show how things stand now: the code, the confirmation, the receipt, what is under way."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from agents.actions import confirmations
from agents.actions.models import Confirmation, State, ToolCall
from tests.chat.cards import ai_says, shown, wanted_refund
from tests.factories import World, make_session, say
from tickets import identity
from tickets.models import Kind, OneTimeCode, Ticket

THREAD = "/chat/acme/web/thread/"


@pytest.fixture
def talk(at_acme: World) -> tuple[Ticket, str]:
    session, token = make_session(at_acme)
    ticket: Ticket = say(session).ticket
    return ticket, token


def fetch(client: Client, token: str) -> str:
    return client.get(THREAD, headers={"Authorization": f"Chat {token}"}).content.decode()


def asks_who_writes(ticket: Ticket, hint: str = "") -> None:
    ai_says(ticket, "First I need to know it is you.", Kind.CODE, data={"email_hint": hint, "call": None})


def mailed_code(ticket: Ticket) -> str:
    identity.send_code(OneTimeCode.objects.filter(ticket=ticket).latest("id").pk)
    found = re.search(r"(\d{3}) (\d{3})", str(mail.outbox[-1].body))
    assert found is not None
    return found.group(1) + found.group(2)


def test_the_code_card_first_asks_for_an_address(talk: tuple[Ticket, str], client: Client) -> None:
    ticket, token = talk
    asks_who_writes(ticket, "ida@mail.example")
    html = fetch(client, token)
    assert 'data-state="ask"' in html
    assert 'value="ida@mail.example"' in html
    assert 'autocomplete="one-time-code"' not in html


def test_a_masked_hint_is_not_filled_in(talk: tuple[Ticket, str], client: Client) -> None:
    ticket, token = talk
    asks_who_writes(ticket, "i•••@mail.example")
    assert 'value=""' in fetch(client, token)


def test_the_code_card_then_asks_for_the_code_and_shows_the_address_masked(talk: tuple[Ticket, str], client: Client) -> None:
    ticket, token = talk
    asks_who_writes(ticket)
    identity.ask_for_code(ticket_id=ticket.pk, email="ida@mail.example")
    html = fetch(client, token)
    assert re.search(r'data-state="sent-\d{6}"', html)
    assert "i•••@mail.example" in html
    assert "ida@mail.example" not in html
    assert 'autocomplete="one-time-code"' in html


def test_the_code_card_goes_when_the_proof_is_there(talk: tuple[Ticket, str], client: Client) -> None:
    ticket, token = talk
    asks_who_writes(ticket)
    identity.ask_for_code(ticket_id=ticket.pk, email="ida@mail.example")
    identity.enter_code(ticket_id=ticket.pk, digits=mailed_code(ticket))
    html = fetch(client, token)
    assert 'data-state="proven"' in html
    assert "<input" not in html
    assert "It is you. Proved by email code until" in html


def test_only_the_newest_code_card_is_open(talk: tuple[Ticket, str], client: Client) -> None:
    ticket, token = talk
    asks_who_writes(ticket)
    asks_who_writes(ticket)
    html = fetch(client, token)
    assert (html.count('data-state="over"'), html.count('data-state="ask"')) == (1, 1)


def test_an_old_code_does_not_answer_a_new_question(talk: tuple[Ticket, str], client: Client) -> None:
    ticket, token = talk
    identity.ask_for_code(ticket_id=ticket.pk, email="ida@mail.example")
    OneTimeCode.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    asks_who_writes(ticket)
    assert 'data-state="ask"' in fetch(client, token)


def test_an_open_confirmation_shows_the_act_the_amount_and_two_buttons(talk: tuple[Ticket, str], client: Client) -> None:
    ticket, token = talk
    call = wanted_refund(ticket)
    shown(call)
    html = fetch(client, token)
    assert 'data-state="open"' in html
    assert f'data-call="{call.pk}"' in html
    assert ">Yes, refund €64.00</button>" in html
    assert ">No, leave it</button>" in html
    assert "Card ending 4402" in html


@pytest.mark.parametrize(
    ("state", "answer", "seen"),
    [
        (State.CANCELLED, "no", "no"),
        (State.APPROVED, "yes", "doing"),
        (State.EXECUTING, "yes", "doing"),
        (State.WAITING, "yes", "waiting"),
        (State.SUCCEEDED, "yes", "done"),
        (State.FAILED, "yes", "failed"),
        (State.DENIED, "yes", "failed"),
        (State.REJECTED, "yes", "rejected"),
        (State.UNKNOWN, "yes", "unknown"),
        (State.CANCELLED, "", "over"),
        (State.CANCELLED, "yes", "over"),
    ],
)
def test_an_answered_confirmation_shows_its_outcome_and_no_buttons(
    state: State, answer: str, seen: str, talk: tuple[Ticket, str], client: Client
) -> None:
    ticket, token = talk
    call = wanted_refund(ticket)
    shown(call, answer)
    ToolCall.objects.filter(pk=call.pk).update(state=state)
    html = fetch(client, token)
    assert f'data-state="{seen}"' in html
    assert "data-answer=" not in html


def test_a_card_tells_what_a_teammate_made_of_it(talk: tuple[Ticket, str], client: Client) -> None:
    ticket, token = talk
    call = wanted_refund(ticket)
    shown(call, "yes")
    ToolCall.objects.filter(pk=call.pk).update(state=State.CANCELLED)
    edited = wanted_refund(ticket, State.SUCCEEDED, 5000)
    ToolCall.objects.filter(pk=edited.pk).update(edited_from=call, card={"title": "Refund €50.00?"})
    html = fetch(client, token)
    assert 'data-state="done"' in html
    assert "A teammate changed it: <bdi>Refund €50.00</bdi>." in html


def test_a_rejected_card_says_so_and_claims_no_failure(talk: tuple[Ticket, str], client: Client) -> None:
    ticket, token = talk
    shown(wanted_refund(ticket, State.REJECTED), "yes")
    html = fetch(client, token)
    assert "A teammate decided against it. Nothing was changed." in html
    assert "could not be done" not in html


def test_a_no_is_said_once_on_its_card(talk: tuple[Ticket, str], client: Client) -> None:
    ticket, token = talk
    call = wanted_refund(ticket)
    card = shown(call)
    confirmations.answer(ticket_id=ticket.pk, call_id=str(call.pk), shown_hash=card.data["hash"], yes=False)
    assert fetch(client, token).count("You said no. Nothing was changed.") == 1


def test_an_expired_confirmation_is_closed(talk: tuple[Ticket, str], client: Client) -> None:
    ticket, token = talk
    shown(wanted_refund(ticket))
    Confirmation.objects.update(expires_at=timezone.now())
    html = fetch(client, token)
    assert 'data-state="over"' in html
    assert "data-answer=" not in html


def test_a_card_that_names_a_call_of_another_ticket_is_closed(talk: tuple[Ticket, str], at_acme: World, client: Client) -> None:
    ticket, token = talk
    other, _token = make_session(at_acme)
    theirs = wanted_refund(say(other).ticket)
    ai_says(ticket, "Check:", Kind.CONFIRM, data={"call": str(theirs.pk), "hash": "h", "card": {"title": "X?"}})
    assert 'data-state="over"' in fetch(client, token)


def test_what_waits_for_a_teammate_is_shown_below_the_talk(talk: tuple[Ticket, str], client: Client) -> None:
    ticket, token = talk
    wanted_refund(ticket, State.WAITING)
    html = fetch(client, token)
    assert "A teammate is deciding" in html
    assert "<bdi>Refund €64.00</bdi>." in html
    assert "Usually within 20 minutes." in html


def test_a_receipt_shows_its_reference_and_localises_the_moment(talk: tuple[Ticket, str], client: Client) -> None:
    ticket, token = talk
    facts = [["Reference", "RF-5518"], ["When", "2026-11-22T10:40:00+00:00"], ["To", "Card <4402>"]]
    ai_says(ticket, "Refunded", Kind.RECEIPT, data={"call": "x", "receipt": {"title": "Refunded €64.00", "facts": facts}})
    html = fetch(client, token)
    assert "RF-5518" in html
    assert 'datetime="2026-11-22T10:40:00+00:00"' in html
    assert "Card &lt;4402&gt;" in html


@pytest.mark.parametrize("data", [{}, {"card": None}, {"card": {"facts": [["a"], "b", 7]}}, {"receipt": {"facts": [["When", "T"]]}}])
def test_a_damaged_card_does_not_break_the_thread(data: dict[str, object], talk: tuple[Ticket, str], client: Client) -> None:
    ticket, token = talk
    for kind in (Kind.CODE, Kind.CONFIRM, Kind.RECEIPT, Kind.NEWS):
        ai_says(ticket, "Card", kind, data=data)
    assert client.get(THREAD, headers={"Authorization": f"Chat {token}"}).status_code == 200
