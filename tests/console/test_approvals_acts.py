"""The three decisions through the page, on Norrholt with its real shop: what they come to, and how a refusal reads."""

import pytest
from django.test import Client
from django.urls import reverse

from agents.actions.models import Approval, State, ToolCall
from supportdesk.core.models import Membership, Role, User
from tests.agents.desk import Chat, Desk, work
from tests.agents.fixtures import *  # noqa: F403
from tests.console.worlds import HTMX

WISH = "Please refund 150.00 EUR of order N-20418, the pole set broke"


@pytest.fixture
def asked(desk: Desk) -> tuple[Chat, Approval]:
    """A customer who said yes to a refund of €150.00, which a teammate has to decide."""
    chat = desk.asked_to_confirm(WISH)
    chat.answers(yes=True)
    return chat, Approval.objects.joined().get(decision="")


def signed_in(member: Membership) -> Client:
    """A browser of this teammate."""
    client = Client()
    client.force_login(member.user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def other_lead(desk: Desk) -> Membership:
    """A second supervisor."""
    user = User.objects.create_user("second@norrholt.example", "a-long-password-1", name="Sam Second")
    return Membership.objects.create(tenant=desk.tenant, user=user, role=Role.SUPERVISOR)


def to(name: str, approval: Approval) -> str:
    """Where an act is."""
    return reverse(f"console:{name}", args=[approval.pk])


def test_approving_runs_it_once_however_often_it_is_pressed(desk: Desk, asked: tuple[Chat, Approval]) -> None:
    chat, approval = asked
    client = signed_in(desk.teammate())
    for _ in range(2):
        answer = client.post(to("approve", approval), {"shown": approval.shown_hash}, **HTMX)
        assert answer.status_code == 200
        assert "Mira Solberg</b> approved this at" in answer.content.decode()
    work()
    assert [entry["amount"] for entry in desk.shop.ledger()] == [15000]
    assert chat.call.state == State.SUCCEEDED


def test_the_second_of_two_reads_who_was_first(desk: Desk, asked: tuple[Chat, Approval]) -> None:
    _chat, approval = asked
    signed_in(desk.teammate()).post(to("reject", approval), {"reason": "Not covered"}, **HTMX)
    answer = signed_in(other_lead(desk)).post(to("approve", approval), {"shown": approval.shown_hash}, **HTMX)
    assert answer.status_code == 409
    text = answer.content.decode()
    assert "Mira Solberg rejected this at" in text
    assert f'data-fault="{approval.pk}"' in text
    work()
    assert desk.shop.ledger() == []


def test_something_else_than_what_was_shown_is_refused_on_the_card(desk: Desk, asked: tuple[Chat, Approval]) -> None:
    _chat, approval = asked
    answer = signed_in(desk.teammate()).post(to("approve", approval), {"shown": "0" * 64}, **HTMX)
    assert answer.status_code == 409
    assert "Something changed since this was shown. Look at it again." in answer.content.decode().partition("data-fault")[0]
    assert Approval.objects.get().decision == ""


def test_an_edit_is_converted_exactly_and_done(desk: Desk, asked: tuple[Chat, Approval]) -> None:
    chat, approval = asked
    answer = signed_in(desk.teammate()).post(to("edit", approval), {"shown": approval.shown_hash, "amount": "120,29 €"}, **HTMX)
    assert answer.status_code == 200
    assert "Changed and approved: refund €120.29 on order N-20418." in answer.content.decode()
    work()
    assert [entry["amount"] for entry in desk.shop.ledger()] == [12029]
    assert chat.call.arguments["amount"] == 12029


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("349.01", "Between €0.01 and €349.00."),
        ("0", "Between €0.01 and €349.00."),
        ("1,200", "thousands or for decimals"),
        ("150", "Nothing was changed."),
        ("", "Write an amount"),
    ],
)
def test_an_edit_that_does_not_fit_says_why_and_changes_nothing(desk: Desk, asked: tuple[Chat, Approval], typed: str, why: str) -> None:
    _chat, approval = asked
    answer = signed_in(desk.teammate()).post(to("edit", approval), {"shown": approval.shown_hash, "amount": typed}, **HTMX)
    assert answer.status_code == 422
    assert why in answer.content.decode()
    assert Approval.objects.get().decision == ""


@pytest.mark.parametrize(
    ("typed", "said", "go"),
    [
        ("140", "Verdict for €140.00: <b>ask</b>, rule R-4. Your approval answers it.", "Approve €140.00"),
        ("90", "Verdict for €90.00: <b>allow</b>. Within the rules: it runs at once.", "Approve €90.00"),
        ("160", "The customer has to confirm this.", "Change to €160.00"),
        ("abc", "This is no amount.", "Change"),
        ("150.00", "Nothing was changed.", "Change"),
    ],
)
def test_the_preview_tells_what_an_edit_would_come_to(desk: Desk, asked: tuple[Chat, Approval], typed: str, said: str, go: str) -> None:
    _chat, approval = asked
    text = signed_in(desk.teammate()).get(to("approval_preview", approval), {"amount": typed}, **HTMX).content.decode()
    assert said in text
    assert f">{go}</button>" in text
    assert ToolCall.objects.filter(is_write=True).count() == 1


def test_whoever_asked_for_it_cannot_approve_it(desk: Desk, asked: tuple[Chat, Approval]) -> None:
    _chat, approval = asked
    mira = desk.teammate()
    ToolCall.objects.filter(pk=approval.call_id).update(requested_by=mira)
    client = signed_in(mira)
    answer = client.post(to("approve", approval), {"shown": approval.shown_hash}, **HTMX)
    assert answer.status_code == 409
    assert "You asked for this, so another teammate decides." in answer.content.decode()
    preview = client.get(to("approval_preview", approval), {"amount": "140"}, **HTMX).content.decode()
    assert "Another teammate decides, since you asked for it." in preview


def test_without_a_reason_nothing_is_rejected(desk: Desk, asked: tuple[Chat, Approval]) -> None:
    _chat, approval = asked
    client = signed_in(desk.teammate())
    answer = client.post(to("reject", approval), {"reason": "", "say": "Sorry"}, **HTMX)
    assert answer.status_code == 422
    assert "Say why you reject it" in answer.content.decode()
    client.post(to("reject", approval), {"reason": "Not covered", "other": "Third time this month"}, **HTMX)
    assert Approval.objects.get().reason == "Third time this month"


def test_every_act_works_without_script(desk: Desk, asked: tuple[Chat, Approval]) -> None:
    _chat, approval = asked
    client = signed_in(desk.teammate())
    answer = client.post(to("edit", approval), {"shown": approval.shown_hash, "amount": "x"}, follow=True)
    assert answer.status_code == 422
    assert "This is no amount." in answer.content.decode()
    answer = client.post(to("approve", approval), {"shown": approval.shown_hash}, follow=True)
    assert "Approved: refund €150.00 on order N-20418." in answer.content.decode()


@pytest.mark.parametrize("name", ["approve", "edit", "reject"])
def test_a_post_without_its_token_or_permission_is_refused(desk: Desk, asked: tuple[Chat, Approval], name: str) -> None:
    _chat, approval = asked
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(desk.teammate().user, backend="django.contrib.auth.backends.ModelBackend")
    assert strict.post(to(name, approval)).status_code == 403
    assert signed_in(desk.teammate("jonas@norrholt.example")).post(to(name, approval)).status_code == 403
    assert signed_in(desk.teammate()).get(to(name, approval)).status_code == 405
    assert Approval.objects.get().decision == ""


def test_thread_and_trace_tell_who_decided_what_and_why(desk: Desk, asked: tuple[Chat, Approval]) -> None:
    chat, approval = asked
    client = signed_in(desk.teammate())
    client.post(to("edit", approval), {"shown": approval.shown_hash, "amount": "120"}, **HTMX)
    work()
    text = client.get(reverse("console:ticket", args=[chat.ticket.number])).content.decode()
    text = text.replace('<span class="unbroken">N-20418</span>', "N-20418")
    for line in (
        "Waits for a decision: <b>refund €150.00 on order N-20418</b>",
        "<b>Mira Solberg</b> changed “<b>refund €150.00 on order N-20418</b>” to “<b>refund €120.00 on order N-20418</b>”",
        "<b>Mira Solberg</b> approved: <b>refund €120.00 on order N-20418</b>",
    ):
        assert text.count(line) == 1, line
    assert text.count("Waits for a decision: ") == 1
    assert "The rules allow: <b>refund €120.00" not in text
    trace = client.get(reverse("console:trace", args=[chat.ticket.number, approval.call.run_id])).content.decode()
    assert "<b>Mira Solberg</b> changed this at" in trace
    assert to("approval", approval) in trace


def test_a_new_address_is_typed_into_fields_and_decided_by_another(desk: Desk, asked: tuple[Chat, Approval]) -> None:
    _chat, approval = asked
    address = {"name": "Ida", "line1": "Old 1", "line2": None, "postcode": "10115", "city": "Berlin", "country": "DE"}
    ToolCall.objects.filter(pk=approval.call_id).update(tool="change_address", arguments={"order_number": "N-20418", **address})
    client = signed_in(desk.teammate())
    page = client.get(to("approval", approval)).content.decode()
    assert 'name="postcode"' in page
    for field, value, why in (("city", "", "City is missing."), ("country", "Germany", "at most 2"), ("country", "D1", "two letters")):
        typed = {**{name: text or "" for name, text in address.items()}, "shown": approval.shown_hash, field: value}
        answer = client.post(to("edit", approval), typed, **HTMX)
        assert answer.status_code == 422
        assert why in answer.content.decode(), why
