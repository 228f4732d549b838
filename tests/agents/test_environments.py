"""A test never reaches a live system: not by a key, a channel, a label or a connector, and not when somebody moves one meanwhile."""

import pytest

from agents.actions import executor
from agents.actions.authority import Authority, NotConnected
from agents.actions.lookups import orders_of
from agents.actions.models import Connector, State, ToolCall
from agents.actions.shop import Unavailable
from agents.releases.services import NoRelease, release_of
from supportdesk.core.models import Environment
from tests.agents.desk import Desk, work
from tickets.models import Channel, Ticket
from tickets.receiving import api_channel, open_session, receive_chat_message


def test_a_ticket_is_of_its_channels_environment(desk: Desk) -> None:
    channel = Channel.objects.create(brand=Channel.objects.all()[0].brand, key="try", kind="chat", name="Try", environment=Environment.TEST)
    session, _token = open_session(channel)
    assert receive_chat_message(session=session, body="Hello", client_id="one").ticket.environment == Environment.TEST
    assert api_channel(Environment.TEST).environment == Environment.TEST


def test_a_test_ticket_takes_no_live_release_and_no_live_connector(desk: Desk) -> None:
    chat = desk.proven("ida.lund@example.com")
    version = release_of(chat.ticket).policy_version
    Ticket.objects.filter(pk=chat.ticket.pk).update(environment=Environment.TEST)
    ticket = Ticket.objects.get(pk=chat.ticket.pk)
    with pytest.raises(NotConnected):
        Authority.of(ticket, version, ["create_refund"]).connector("shop")
    assert orders_of(ticket.customer, ticket.environment) == []
    channel = Channel.objects.create(brand=ticket.brand, key="try", kind="chat", name="Try", environment=Environment.TEST)
    session, _token = open_session(channel)
    fresh = receive_chat_message(session=session, body="Hello", client_id="one").ticket
    with pytest.raises(NoRelease):
        release_of(fresh)


def confirmed(desk: Desk) -> ToolCall:
    """A refund the customer said yes to, not yet carried out."""
    chat = desk.asked_to_confirm()
    chat.answers(yes=True, then_work=False)
    return chat.call


def split(call: ToolCall) -> None:
    """The ticket becomes a test, with a test connector of its own beside the live one the call names."""
    live = Connector.objects.get(environment=Environment.LIVE)
    test = Connector.objects.create(key=live.key, name="Test shop", base_url=live.base_url, environment=Environment.TEST)
    test.set_token(live.token())
    Ticket.objects.filter(pk=call.ticket_id).update(environment=Environment.TEST)


def test_the_executor_looks_again_whether_connector_and_ticket_belong_together(desk: Desk) -> None:
    call = confirmed(desk)
    before = len(desk.shop.ledger())
    split(call)
    work()
    call.refresh_from_db()
    assert len(desk.shop.ledger()) == before
    assert (call.state, call.result["code"]) == (State.DENIED, "other_environment")


def test_an_unknown_outcome_is_not_asked_of_a_connector_that_moved(desk: Desk) -> None:
    call = confirmed(desk)
    ToolCall.objects.filter(pk=call.pk).update(state=State.UNKNOWN)
    before = len(desk.shop.ledger())
    split(call)
    with pytest.raises(Unavailable):
        executor.reconcile(str(call.pk))
    assert len(desk.shop.ledger()) == before
    assert ToolCall.objects.get(pk=call.pk).state == State.UNKNOWN
