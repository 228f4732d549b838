"""What teammates do: each act once, refusals with their reason, and always the state as it is afterwards."""

import re

from django.test import Client
from django.urls import reverse

from supportdesk.core.models import Membership, Role
from tests.console.conftest import Desk
from tests.console.worlds import HTMX, escalated, fresh
from tests.factories import World, join_team, make_member, make_ticket
from tickets import verbs
from tickets.models import Kind, Message, Queue, Ticket


def act(client: Client, name: str, ticket: Ticket, **form: object):
    """One act by htmx."""
    return client.post(reverse(f"console:{name}", args=[ticket.number]), form, **HTMX)


def said(response: object) -> str:
    """What the toast says."""
    found = re.search(r'<p data-said="\w+">([^<]*)', response.content.decode())
    return found.group(1) if found else ""


def test_the_whole_way_take_over_reply_hand_back(at_acme: World, bob: Membership, desk: Desk) -> None:
    ticket, client = make_ticket(at_acme), desk(bob)
    taken = act(client, "take_over", ticket)
    assert 'data-can-reply="1"' in taken.content.decode()
    assert "You have this ticket." in taken.content.decode()
    sent = act(client, "reply", ticket, body="On my way.", client_id="c1")
    assert "On my way." in sent.content.decode()
    back = act(client, "hand_back", ticket, note="Only the label is open.")
    assert 'data-can-reply="0"' in back.content.decode()
    note = Message.objects.get(ticket=ticket, kind=Kind.NOTE)
    assert (note.body, note.member) == ("Only the label is open.", bob)
    assert fresh(ticket).handler == "ai"


def test_a_reply_while_the_ai_has_it_is_refused_with_the_reason(at_acme: World, bob: Membership, desk: Desk) -> None:
    ticket = make_ticket(at_acme)
    response = act(desk(bob), "reply", ticket, body="Me too")
    assert response.status_code == 409
    assert said(response) == "Alder has this ticket. Take it over before you reply."
    assert Message.objects.filter(ticket=ticket).count() == 1


def test_taking_over_a_colleagues_ticket_says_who_has_it(at_acme: World, bob: Membership, desk: Desk) -> None:
    ticket = escalated(at_acme)
    verbs.take_over(ticket_id=ticket.pk, by=at_acme.owner)
    response = act(desk(bob), "take_over", ticket)
    assert response.status_code == 409
    assert said(response) == "Alice Ames already has this ticket."
    assert "Alice Ames has this ticket." in response.content.decode()


def test_a_double_click_sends_once(at_acme: World, bob: Membership, desk: Desk) -> None:
    ticket, client = escalated(at_acme), desk(bob)
    for _ in range(2):
        assert act(client, "reply", ticket, body="Once", client_id="same").status_code == 200
        assert act(client, "note", ticket, body="Once", client_id="same").status_code == 200
    assert Message.objects.filter(ticket=ticket, body="Once").count() == 2


def test_a_note_never_becomes_a_reply_whatever_the_form_says(at_acme: World, bob: Membership, desk: Desk) -> None:
    ticket = escalated(at_acme)
    act(desk(bob), "note", ticket, body="Between us", kind="reply", then="resolve")
    message = Message.objects.get(ticket=ticket, body="Between us")
    assert message.is_private
    assert fresh(ticket).is_open


def test_an_empty_reply_is_not_accepted(at_acme: World, bob: Membership, desk: Desk) -> None:
    response = act(desk(bob), "reply", escalated(at_acme), body="   ")
    assert response.status_code == 422
    assert said(response) == "This message is empty. Write a few words first."


def test_send_and_resolve_is_one_act(at_acme: World, bob: Membership, desk: Desk) -> None:
    ticket = escalated(at_acme)
    assert said(act(desk(bob), "reply", ticket, body="Solved.", then="resolve")) == "Sent and resolved."
    assert not fresh(ticket).is_open


def test_resolve_and_reopen(at_acme: World, bob: Membership, desk: Desk) -> None:
    ticket, client = escalated(at_acme), desk(bob)
    assert "This ticket is resolved." in act(client, "resolve", ticket).content.decode()
    assert "You have this ticket." in act(client, "reopen", ticket).content.decode()
    assert fresh(ticket).assignee == bob


def test_tickets_are_given_to_teammates_of_the_queue_only(at_acme: World, bob: Membership, globex: World, desk: Desk) -> None:
    ticket, client = escalated(at_acme), desk(bob)
    elsewhere = make_member(at_acme.tenant, Role.RESPONDER, name="Else Where")
    for stranger in (elsewhere.pk, globex.owner.pk, "junk"):
        assert act(client, "assign", ticket, to=stranger).status_code == 409
    assert act(client, "assign", ticket, to=at_acme.owner.pk).status_code == 200
    assert fresh(ticket).assignee == at_acme.owner
    act(client, "assign", ticket, to="")
    assert fresh(ticket).assignee is None


def test_moving_a_ticket_out_of_ones_own_queues_leads_back_to_the_list(at_acme: World, bob: Membership, desk: Desk) -> None:
    other = Queue.objects.create(key="other", name="Other")
    ticket = escalated(at_acme)
    response = act(desk(bob), "route", ticket, queue=other.pk, priority=4)
    assert (response.status_code, response["HX-Redirect"]) == (204, reverse("console:queue"))
    assert (fresh(ticket).queue, fresh(ticket).priority) == (other, 4)


def test_no_queue_of_another_workspace_and_no_priority_of_ones_own_making(at_acme: World, globex: World, desk: Desk) -> None:
    ticket, client = escalated(at_acme), desk(at_acme.owner)
    assert act(client, "route", ticket, queue=globex.queue.pk, priority=2).status_code == 409
    assert act(client, "route", ticket, queue=at_acme.queue.pk, priority=9).status_code == 409
    assert act(client, "route", ticket, queue="x", priority="").status_code == 404


def test_without_script_a_form_leads_to_the_page_with_the_words(at_acme: World, bob: Membership, desk: Desk) -> None:
    ticket, client = make_ticket(at_acme), desk(bob)
    response = client.post(reverse("console:reply", args=[ticket.number]), {"body": "Hello"}, follow=True)
    assert response.redirect_chain == [(reverse("console:ticket", args=[ticket.number]), 302)]
    assert "Take it over before you reply." in response.content.decode()


def test_a_grown_team_is_offered_at_once(at_acme: World, bob: Membership, desk: Desk) -> None:
    ticket = escalated(at_acme)
    new = make_member(at_acme.tenant, Role.RESPONDER, name="New Comer")
    join_team(new, at_acme.team)
    assert "New Comer" in desk(bob).get(reverse("console:ticket", args=[ticket.number])).content.decode()
