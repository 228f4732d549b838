"""A teammate decides what the policy does not: once, bound to what was shown, and the customer is told the truth."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from agents.actions import approvals
from agents.actions.models import Approval, State
from supportdesk.core.jobs import Retry
from supportdesk.core.models import Event, Job, Membership, Role, User
from tests.agents.desk import Chat, Desk, work
from tickets import verbs
from tickets.errors import Refusal, Unacceptable
from tickets.models import Kind

pytestmark = pytest.mark.usefixtures("promises")
WISH = "Please refund 150.00 EUR of order N-20418, the pole set broke"


def asked(desk: Desk, wish: str = WISH, email: str = "ida@mail.example") -> tuple[Chat, Approval]:
    """A customer who said yes to a card that a teammate has to decide on."""
    chat = desk.asked_to_confirm(wish, email)
    chat.answers(yes=True)
    assert chat.call.state == State.WAITING, chat.shown
    return chat, Approval.objects.joined().get(decision="")


def other_lead(desk: Desk) -> Membership:
    """A second supervisor."""
    user = User.objects.create_user("second@norrholt.example", "a-long-password-1", name="Sam Second")
    return Membership.objects.create(tenant=desk.tenant, user=user, role=Role.SUPERVISOR)


def approve(approval: Approval, by: Membership, **more: Any) -> Any:
    return approvals.approve(approval_id=approval.pk, by=by, shown_hash=more.get("shown_hash", approval.shown_hash))


def edit(approval: Approval, by: Membership, **arguments: Any) -> approvals.Edited:
    return approvals.edit(approval_id=approval.pk, by=by, shown_hash=approval.shown_hash, arguments=arguments)


def codes(chat: Chat) -> list[str]:
    rows = Event.objects.filter(ticket_id=chat.ticket.pk, code__startswith="approval.").order_by("id")
    return list(rows.values_list("code", flat=True))


def test_what_the_policy_asks_waits_and_the_customer_knows(desk: Desk) -> None:
    chat, approval = asked(desk)
    assert approval.voices == ["R-4"]
    assert chat.ticket.handler == "ai"
    assert "A teammate decides this" in chat.last.body
    assert desk.shop.ledger() == []
    assert codes(chat) == ["approval.asked"]
    assert chat.call.before["captured"] == 34900


def test_an_approved_refund_runs_once_and_is_told(desk: Desk) -> None:
    chat, approval = asked(desk)
    approve(approval, desk.teammate())
    work()
    assert [entry["amount"] for entry in desk.shop.ledger()] == [15000]
    assert chat.call.state == State.SUCCEEDED
    assert len(chat.messages(Kind.RECEIPT)) == 1
    assert "150.00" in chat.last.body
    assert chat.ticket.handler == "ai"
    assert codes(chat) == ["approval.asked", "approval.approved"]


def test_a_double_click_approves_once_and_says_nothing(desk: Desk) -> None:
    _chat, approval = asked(desk)
    approve(approval, desk.teammate())
    approve(approval, desk.teammate())
    work()
    approve(approval, desk.teammate())
    work()
    assert len(desk.shop.ledger()) == 1


def test_the_second_to_decide_learns_who_and_when(desk: Desk) -> None:
    _chat, approval = asked(desk)
    sam = other_lead(desk)
    approve(approval, desk.teammate())
    at = timezone.localtime(Approval.objects.get(pk=approval.pk).decided_at).strftime("%H:%M")
    for late in (lambda: approve(approval, sam), lambda: approvals.reject(approval_id=approval.pk, by=sam, reason="No")):
        with pytest.raises(approvals.AlreadyDecided, match=f"Mira Solberg approved this at {at}"):
            late()


def test_a_rejected_refund_never_runs_and_the_customer_reads_what_to_know(desk: Desk) -> None:
    chat, approval = asked(desk)
    approvals.reject(approval_id=approval.pk, by=desk.teammate(), reason="Repair first", say="We can send a new pole set today at no cost.")
    work()
    assert chat.call.state == State.REJECTED
    assert desk.shop.ledger() == []
    assert "We can send a new pole set today at no cost." in chat.last.body
    assert "Repair first" not in chat.shown
    assert codes(chat) == ["approval.asked", "approval.rejected"]


def test_a_rejection_needs_a_reason(desk: Desk) -> None:
    _chat, approval = asked(desk)
    with pytest.raises(Unacceptable, match="Say why"):
        approvals.reject(approval_id=approval.pk, by=desk.teammate(), reason="  ")
    assert Approval.objects.get(pk=approval.pk).decision == ""


def test_a_smaller_amount_is_a_new_call_that_the_editor_answers(desk: Desk) -> None:
    chat, approval = asked(desk)
    edited = edit(approval, desk.teammate(), amount=14000)
    assert (edited.is_approved, edited.decision.verdict.code) == (True, "ask")
    work()
    before, after = chat.calls
    assert (before.state, after.state, after.edited_from_id) == (State.CANCELLED, State.SUCCEEDED, before.pk)
    assert [(entry["amount"], entry["idempotency_key"]) for entry in desk.shop.ledger()] == [(14000, str(after.pk))]
    assert "140.00" in chat.last.body
    assert codes(chat) == ["approval.asked", "approval.edited", "approval.asked", "approval.approved"]
    # Pressed twice, it is the same edit.
    assert edit(approval, desk.teammate(), amount=14000).call.pk == after.pk


def test_an_amount_below_the_limit_needs_no_approval_any_more(desk: Desk) -> None:
    chat, approval = asked(desk)
    edited = edit(approval, desk.teammate(), amount=9000)
    assert edited.decision.verdict.code == "allow"
    work()
    assert chat.call.state == State.SUCCEEDED
    assert [entry["amount"] for entry in desk.shop.ledger()] == [9000]
    assert not Approval.objects.filter(call=chat.call).exists()


def test_a_larger_amount_is_the_editors_wish_so_the_customer_confirms_and_another_teammate_decides(desk: Desk) -> None:
    chat, approval = asked(desk)
    mira, sam = desk.teammate(), other_lead(desk)
    assert approvals.preview(approval_id=approval.pk, by=mira, arguments={"amount": 18000}).outcome == "asks_customer"
    edited = edit(approval, mira, amount=18000)
    assert not edited.is_approved
    work()
    assert chat.last.kind == Kind.CONFIRM
    assert "180.00" in str(chat.card.data)
    chat.answers(yes=True)
    again = Approval.objects.get(decision="")
    assert again.call.requested_by_id == mira.pk
    with pytest.raises(approvals.OwnRequest):
        approve(again, mira)
    approve(again, sam)
    work()
    assert [entry["amount"] for entry in desk.shop.ledger()] == [18000]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"amount": 15000}, "Nothing was changed"),
        ({"amount": 0}, "amount"),
        ({"amount": 99900}, "are left"),
        ({"amount": "140"}, "amount"),
        ({"order_number": "N-99999"}, "not found"),
        ({"tenant": 2}, "tenant"),
        ({"currency": "USD"}, "paid in EUR"),
    ],
)
def test_an_edit_that_does_not_fit_is_refused_and_the_question_stays_open(desk: Desk, arguments: dict[str, Any], said: str) -> None:
    _chat, approval = asked(desk)
    with pytest.raises(Unacceptable, match=said):
        edit(approval, desk.teammate(), **arguments)
    assert Approval.objects.get(pk=approval.pk).decision == ""


def test_someone_elses_order_cannot_be_edited_in(desk: Desk) -> None:  # reliability 1
    _chat, approval = asked(desk)
    with pytest.raises(Unacceptable, match="not found"):
        edit(approval, desk.teammate(), order_number="N-20533")


@pytest.mark.parametrize("email", ["jonas@norrholt.example", "lena@norrholt.example", "priya@norrholt.example"])
def test_only_leads_decide(desk: Desk, email: str) -> None:
    _chat, approval = asked(desk)
    by = desk.teammate(email)
    acts = (
        lambda: approve(approval, by),
        lambda: approvals.reject(approval_id=approval.pk, by=by, reason="No"),
        lambda: edit(approval, by, amount=14000),
        lambda: approvals.preview(approval_id=approval.pk, by=by, arguments={"amount": 14000}),
    )
    for act in acts:
        with pytest.raises(approvals.NotAllowed):
            act()
    assert Approval.objects.get(pk=approval.pk).decision == ""


def test_another_hash_than_the_one_shown_approves_nothing(desk: Desk) -> None:
    _chat, approval = asked(desk)
    with pytest.raises(approvals.Outdated, match="Something changed"):
        approve(approval, desk.teammate(), shown_hash="0" * 64)
    assert Approval.objects.get(pk=approval.pk).decision == ""


def test_a_changed_policy_voids_the_question_and_asks_it_anew(desk: Desk) -> None:
    chat, approval = asked(desk)
    desk.change_rule("R-4", message="Above the new limit: a teammate decides.")
    with pytest.raises(approvals.Outdated, match="policy changed"):
        approve(approval, desk.teammate())
    work()
    assert desk.shop.ledger() == []
    assert Approval.objects.get(pk=approval.pk).decision == "void"
    again = Approval.objects.get(decision="")
    assert again.shown_hash != approval.shown_hash
    approve(again, desk.teammate())
    work()
    assert chat.call.state == State.SUCCEEDED
    assert len(desk.shop.ledger()) == 1


def test_an_order_that_changed_after_the_approval_is_not_refunded(desk: Desk) -> None:
    chat, approval = asked(desk)
    approve(approval, desk.teammate())
    desk.shop.refund("N-20418", 1000)
    work()
    assert chat.call.state == State.CANCELLED
    assert [entry["amount"] for entry in desk.shop.ledger()] == [1000]


def test_an_approval_answers_only_what_asked(desk: Desk) -> None:
    """Limit L-1 begins to ask between the question and the execution: a teammate decides again."""
    chat, approval = asked(desk)
    second = desk.asked_to_confirm("Please refund 60.00 EUR of order N-20377", "ida@mail.example")
    # The other refund takes its share of the customer's limit first.
    second.answers(yes=True)
    approve(approval, desk.teammate())
    work()
    assert second.call.state == State.SUCCEEDED
    assert chat.call.state == State.WAITING
    again = Approval.objects.get(decision="", call=chat.call)
    assert again.voices == ["L-1", "R-4"]
    approve(again, desk.teammate())
    work()
    assert chat.call.state == State.SUCCEEDED
    assert sorted(entry["amount"] for entry in desk.shop.ledger()) == [6000, 15000]


def test_nobody_decides_in_time_so_a_person_gets_the_ticket(desk: Desk) -> None:
    chat, approval = asked(desk)
    Approval.objects.filter(pk=approval.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(approvals.Outdated, match="time to decide is over"):
        approve(approval, desk.teammate())
    Job.objects.filter(name="actions.expire_approval").update(run_at=timezone.now())
    work()
    assert chat.call.state == State.CANCELLED
    assert Approval.objects.get(pk=approval.pk).decision == "expire"
    assert chat.escalation.reason == "approval_expired"
    assert "Nobody could decide this in time, and nothing was done" in chat.shown
    assert desk.shop.ledger() == []
    with pytest.raises(approvals.AlreadyDecided, match="expired"):
        approve(approval, desk.teammate())


def test_an_expiry_that_comes_early_or_twice_changes_nothing(desk: Desk) -> None:
    _chat, approval = asked(desk)
    with pytest.raises(Retry):
        approvals.expire(approval.pk)
    assert Approval.objects.get(pk=approval.pk).decision == ""
    approve(approval, desk.teammate())
    Approval.objects.filter(pk=approval.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    approvals.expire(approval.pk)
    assert Approval.objects.get(pk=approval.pk).decision == "approve"


def test_the_teammate_who_has_the_ticket_may_still_approve_it(desk: Desk) -> None:
    chat, approval = asked(desk)
    mira = desk.teammate()
    verbs.take_over(ticket_id=chat.ticket.pk, by=mira)
    approve(approval, mira)
    work()
    assert chat.call.state == State.SUCCEEDED
    assert len(chat.messages(Kind.RECEIPT)) == 1
    # The agent is silent; the receipt told the customer.
    assert chat.last.seq < chat.messages(Kind.RECEIPT)[0].seq


def test_a_takeover_after_the_approval_stops_what_did_not_begin(desk: Desk) -> None:  # reliability 64
    chat, approval = asked(desk)
    mira = desk.teammate()
    approve(approval, mira)
    verbs.take_over(ticket_id=chat.ticket.pk, by=mira)
    work()
    assert chat.call.state == State.DENIED
    assert desk.shop.ledger() == []


def test_a_resolved_ticket_is_not_decided_on(desk: Desk) -> None:
    chat, approval = asked(desk)
    mira = desk.teammate()
    verbs.take_over(ticket_id=chat.ticket.pk, by=mira)
    verbs.reply(ticket_id=chat.ticket.pk, by=mira, body="Done by hand.", resolve_after=True)
    with pytest.raises(approvals.Outdated, match="resolved"):
        approve(approval, mira)
    assert not Approval.objects.waiting().exists()


def test_asking_again_while_it_waits_finds_the_same_question(desk: Desk) -> None:
    chat, approval = asked(desk)
    chat.says("What about my refund of 150.00 EUR for N-20418?")
    assert Approval.objects.get(decision="").pk == approval.pk
    assert len(chat.calls) == 1


def test_what_the_policy_asks_at_once_waits_without_the_customers_yes(desk: Desk) -> None:
    """A policy whose confirmation rule leaves refunds out: the proposal itself is what waits."""
    desk.change_rule("R-3", tools=["cancel_order"])
    chat = desk.proven("ida@mail.example")
    chat.says(WISH)
    assert chat.call.state == State.WAITING
    assert "A teammate decides this" in chat.last.body
    assert chat.runs[-1].outcome == "waiting"
    approve(Approval.objects.get(), desk.teammate())
    work()
    assert chat.call.state == State.SUCCEEDED
    assert len(desk.shop.ledger()) == 1


def test_an_address_a_teammate_corrects_is_confirmed_by_the_customer(desk: Desk) -> None:
    desk.change_rule("R-4", tools=["create_refund", "change_address"], condition=[{"fact": "tool.kind", "op": "==", "value": "read"}])
    wish = "Please change the delivery address of order N-20520 to Calle Mayor 5, 28013 Madrid, Spain"
    chat, approval = asked(desk, wish, "sofia@mail.example")
    edited = edit(approval, desk.teammate(), line1="Calle Mayor 15")
    assert not edited.is_approved
    work()
    assert "Calle Mayor 15" in str(chat.card.data)


def test_refusals_have_codes_of_their_own() -> None:
    kinds = (approvals.AlreadyDecided, approvals.OwnRequest, approvals.NotAllowed, approvals.Outdated)
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all(issubclass(kind, Refusal) for kind in kinds)
