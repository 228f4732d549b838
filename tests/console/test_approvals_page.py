"""The page of approvals: what waits, the card with its evidence, who may act, and the walls."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agents.actions.models import Approval, State, ToolCall
from supportdesk.console.approving import card_of, found_approval
from supportdesk.core.models import Membership, Role
from supportdesk.core.tenancy import acting_for
from tests.console.approvals import ORDER, bounded_policy, waiting_approval
from tests.console.conftest import Desk
from tests.console.worlds import HTMX
from tests.factories import World, join_team, make_member
from tickets.models import Queue, Status, Ticket

BOX = {"name": "Care box", "status": "active"}
DECIDERS = {Role.SUPERVISOR, Role.ADMIN, Role.OWNER}


def page(client: Client, *parts: int, **headers: str) -> str:
    """The page of approvals, or of one."""
    name = "console:approval" if parts else "console:approvals"
    return client.get(reverse(name, args=parts), **headers).content.decode()


def joined(approval: Approval) -> Approval:
    """The approval as the page reads it."""
    found: Approval = Approval.objects.joined().get(pk=approval.pk)
    return found


def test_the_list_tells_who_what_and_why(at_acme: World, desk: Desk) -> None:
    approval = waiting_approval(at_acme, bounded_policy(), minutes=19)
    text = page(desk(at_acme.owner))
    for said in (
        "1 waits",
        "Refund for order N-20418",
        "€189.00",
        "Rule R-4: €89.00 above",
        f"#{approval.ticket.number}",
        at_acme.brand.agent_name,
    ):
        assert said in text, said
    assert f"#{approval.ticket.number}" in text
    assert at_acme.brand.agent_name in text
    assert 'class="badge" data-tone="warn" title="Expires' in text


def test_what_expires_first_comes_first_and_late_ones_are_calm(at_acme: World, desk: Desk) -> None:
    version = bounded_policy()
    late, soon = waiting_approval(at_acme, version, minutes=50), waiting_approval(at_acme, version, minutes=40)
    text = page(desk(at_acme.owner))
    assert text.index(f'id="wait-{soon.pk}"') < text.index(f'id="wait-{late.pk}"')
    assert 'data-tone="warn" title="Expires' not in text


def test_with_nothing_waiting_the_last_decision_is_named(at_acme: World, desk: Desk) -> None:
    client = desk(at_acme.owner)
    assert "Nothing was asked yet" in page(client)
    approval = waiting_approval(at_acme, bounded_policy())
    Approval.objects.filter(pk=approval.pk).update(decision="approve", decided_by=at_acme.owner, decided_at=timezone.now())
    text = page(client)
    assert "Every approval is decided" in text
    assert "approved by Alice Ames" in text
    assert "Decided today" in text


def test_the_card_says_what_rows_prove_and_exact_numbers(at_acme: World) -> None:
    version = bounded_policy()
    earlier = {
        "arguments_hash": "e",
        "amount": 2000,
        "state": State.SUCCEEDED,
        "tool": "create_refund",
        "is_write": True,
        "currency": "EUR",
    }
    approval = waiting_approval(at_acme, version)
    before = approval.created_at - timedelta(days=3)
    ToolCall.objects.create(
        ticket=approval.ticket, customer=approval.call.customer, arguments={}, verdict="allow", created_at=before, **earlier
    )
    card = card_of(joined(approval), at_acme.owner)
    assert [(each.name, each.before, each.after) for each in card.changes] == [
        ("Refunded on order", "€0.00", "€189.00"),
        ("Kept of the order", "€349.00", "€160.00"),
        ("L-1 Refunds per customer", "€20.00", "€209.00"),
    ]
    assert (card.changes[2].used, card.changes[2].cap, card.changes[2].is_over) == (20900, 20000, True)
    assert [(each.label, each.beyond) for each in card.reasons] == [("rule R-4", ["This one is €89.00 above."])]
    said = [each.text for each in card.proofs]
    assert said == [
        "Delivered 1 November, day 21 of 60",
        "Identity: email code, proved",
        "No refund on this order before",
        "1 refund to this customer in 30 days before: €20.00",
        "The customer said yes at",
    ]
    assert (card.title, card.amount, card.go, card.edits) == ("Refund for order N-20418", "€189.00", "Approve €189.00", "amount")
    assert card.where == "to card ending 4402, from an order of Skarn pole set"
    assert card.told is not None
    assert card.told.body == "A teammate decides this."


@pytest.mark.parametrize(
    ("fields", "title", "go", "changes"),
    [
        (
            {"tool": "cancel_order", "amount": None, "currency": "", "before": {**ORDER, "status": "paid", "refunded": 900}},
            "Cancel order N-20418",
            "Approve cancelling N-20418",
            [("Order", "paid", "cancelled"), ("Refunded on order", "€9.00", "€349.00"), ("Kept of the order", "€340.00", "€0.00")],
        ),
        (
            {"tool": "change_address", "amount": None, "currency": "", "arguments": {**ORDER["shipping_address"], "line1": "New street 2"}},
            "New delivery address for order N-20418",
            "Approve the new address",
            [("Street", "Old street 1", "New street 2")],
        ),
        (
            {
                "tool": "cancel_subscription",
                "amount": None,
                "currency": "",
                "target": "S-301",
                "before": {"name": "Care box", "status": "active"},
            },
            "End subscription S-301",
            "Approve ending S-301",
            [("Care box", "active", "ended")],
        ),
    ],
)
def test_each_act_has_its_own_before_and_after(
    at_acme: World, desk: Desk, fields: dict[str, object], title: str, go: str, changes: list[tuple[str, str, str]]
) -> None:
    approval = waiting_approval(at_acme, bounded_policy(), **fields)
    card = card_of(joined(approval), at_acme.owner)
    assert (card.title, card.go) == (title, go)
    assert [(each.name, each.before, each.after) for each in card.changes] == changes
    assert title in page(desk(at_acme.owner), approval.pk)


@pytest.mark.parametrize(
    ("voices", "text"),
    [
        (["no-permit"], "No rule permits this, so a teammate decides."),
        (["repeat"], "The same was done on this ticket before."),
        (["L-1"], "Refunds per customer is reached."),
    ],
)
def test_every_voice_that_asks_has_words(at_acme: World, voices: list[str], text: str) -> None:
    spoken = {"repeat": "The same was done on this ticket before.", "L-1": "Refunds per customer is reached.", "no-permit": ""}
    facts = {"used.amount": 19000, "refund.amount": {"amount": 18900, "currency": "EUR"}}
    decision = {"voices": [{"code": voices[0], "title": spoken[voices[0]], "verdict": "ask", "facts": facts}]}
    approval = waiting_approval(at_acme, bounded_policy(), decision=decision)
    Approval.objects.filter(pk=approval.pk).update(voices=voices)
    reasons = card_of(joined(approval), at_acme.owner).reasons
    assert [each.text for each in reasons] == [text]
    if voices == ["L-1"]:
        assert reasons[0].beyond == ["This one is €179.00 above."]


def test_the_list_asks_as_much_for_thirty_as_for_one(at_acme: World, bob: Membership, desk: Desk, django_assert_max_num_queries) -> None:
    version, client, counted = bounded_policy(), desk(bob), []
    for more in (1, 29):
        for _ in range(more):
            waiting_approval(at_acme, version)
        with django_assert_max_num_queries(45) as queries:
            text = page(client)
        counted.append(len(queries))
    assert text.count('class="ticket"') == 30
    assert counted[0] == counted[1]


@pytest.mark.parametrize("role", list(Role))
def test_who_may_not_decide_sees_the_card_without_buttons(at_acme: World, desk: Desk, role: Role) -> None:
    member = make_member(at_acme.tenant, role, name="Robin Roe")
    join_team(member, at_acme.team)
    approval = waiting_approval(at_acme, bounded_policy())
    text = page(desk(member), approval.pk)
    assert ("Approve €189.00" in text) == (role in DECIDERS)
    assert ("Supervisors, admins and owners decide this." in text) == (role not in DECIDERS)


def test_whoever_asked_for_it_reads_that_another_decides(at_acme: World, desk: Desk) -> None:
    approval = waiting_approval(at_acme, bounded_policy(), requested_by=at_acme.owner)
    text = page(desk(at_acme.owner), approval.pk)
    assert "You asked for this, so another teammate decides." in text
    assert "data-do=" not in text
    assert "Alice Ames asks" in text


def test_another_workspaces_approval_does_not_exist(acme: World, globex: World, desk: Desk) -> None:
    with acting_for(globex.tenant):
        theirs = waiting_approval(globex, bounded_policy())
    with acting_for(acme.tenant):
        client = desk(acme.owner)
        for name in ("approval", "approval_preview"):
            assert client.get(reverse(f"console:{name}", args=[theirs.pk])).status_code == 404, name
        for name, form in {"approve": {}, "edit": {"amount": "5"}, "reject": {"reason": "x"}}.items():
            assert client.post(reverse(f"console:{name}", args=[theirs.pk]), form).status_code == 404, name
        assert "N-20418" not in page(client)
        news = client.get(reverse("console:approval_news"), headers={"X-Asks": str(theirs.pk), "X-Page": "approvals"})
        assert "N-20418" not in news.content.decode()


def test_an_approval_of_a_foreign_queue_does_not_exist_for_a_responder(at_acme: World, bob: Membership, desk: Desk) -> None:
    approval = waiting_approval(at_acme, bounded_policy())
    Ticket.objects.filter(pk=approval.ticket_id).update(queue=Queue.objects.create(key="secret", name="Board"))
    client = desk(bob)
    assert client.get(reverse("console:approval", args=[approval.pk])).status_code == 404
    assert "N-20418" not in page(client)
    assert 'data-now="rail-approvals">0<' in client.get(reverse("console:approval_news")).content.decode()


@pytest.mark.parametrize("number", [0, 2**31, 2**63, 10**30])
def test_an_unknown_number_is_not_found(at_acme: World, desk: Desk, number: int) -> None:
    assert desk(at_acme.owner).get(f"/console/approvals/{number}/").status_code == 404


def test_news_bring_the_count_the_list_and_the_cards_a_page_shows(at_acme: World, desk: Desk) -> None:
    approval = waiting_approval(at_acme, bounded_policy())
    client, address = desk(at_acme.owner), reverse("console:approval_news")
    alone = client.get(address).content.decode()
    assert 'data-now="rail-approvals">1<' in alone
    assert "data-list" not in alone
    assert "data-ask-now" not in alone
    whole = client.get(address, headers={"X-Asks": f"{approval.pk},nonsense", "X-Page": "approvals"}).content.decode()
    assert f'data-ask-now="{approval.pk}"' in whole
    assert f'id="wait-{approval.pk}"' in whole


def test_a_decided_card_names_who_and_when_and_stays_readable(at_acme: World, desk: Desk) -> None:
    approval = waiting_approval(at_acme, bounded_policy())
    Approval.objects.filter(pk=approval.pk).update(
        decision="reject", decided_by=at_acme.owner, decided_at=timezone.now(), reason="Not covered", say="We repair it."
    )
    text = page(desk(at_acme.owner), approval.pk, **HTMX, HTTP_HX_TARGET="approval")
    for said in ("<b>Alice Ames</b> rejected this at", "Not covered", "We repair it.", "Delivered 1 November"):
        assert said in text, said
    assert "data-do=" not in text
    assert "<html" not in text


def test_a_resolved_ticket_has_no_decision_to_make(at_acme: World, desk: Desk) -> None:
    approval = waiting_approval(at_acme, bounded_policy())
    Ticket.objects.filter(pk=approval.ticket_id).update(status=Status.RESOLVED)
    text = page(desk(at_acme.owner), approval.pk)
    assert "This ticket is resolved. Reopen it first." in text
    assert "data-do=" not in text
    assert found_approval(at_acme.owner, approval.pk).pk == approval.pk


def test_queue_rows_rail_and_ticket_say_that_a_decision_waits(at_acme: World, desk: Desk) -> None:
    client, approval = desk(at_acme.owner), waiting_approval(at_acme, bounded_policy())
    queue = client.get(reverse("console:queue"), {"tab": "all"}).content.decode()
    assert queue.count("Waits for a decision") == 1
    assert 'data-count="rail-approvals">1<' in queue
    rows = client.get(reverse("console:rows"), {"ids": approval.ticket_id, "tab": "all"}).content.decode()
    assert "Waits for a decision" in rows
    ticket = client.get(reverse("console:ticket", args=[approval.ticket.number])).content.decode()
    assert f'href="#ask-{approval.pk}"' in ticket
    assert "Approve €189.00" in ticket
    Approval.objects.filter(pk=approval.pk).update(decision="void", decided_at=timezone.now())
    address = reverse("console:news", args=[approval.ticket.number])
    assert "data-ask-now" not in client.get(address).content.decode()
    assert "It became void" in client.get(address, headers={"X-Asks": str(approval.pk)}).content.decode()


@pytest.mark.parametrize(
    ("act", "typed", "said"),
    [
        ("console:edit", {"amount": "1,240"}, ("1,240", "Change the amount")),
        ("console:reject", {"reason": "", "say": "Send <b>a photo</b>."}, ("Say why you reject it", "Send &lt;b&gt;a photo&lt;/b&gt;.")),
    ],
)
def test_without_javascript_a_refused_form_keeps_what_was_typed(
    at_acme: World, desk: Desk, act: str, typed: dict[str, str], said: tuple[str, ...]
) -> None:
    approval = waiting_approval(at_acme, bounded_policy())
    answer = desk(at_acme.owner).post(reverse(act, args=[approval.pk]), {"shown": approval.shown_hash, **typed})
    assert answer.status_code == 422
    text = answer.content.decode()
    for words in ("<html", 'role="alert">', 'aria-invalid="true"', *said):
        assert words in text, words
    assert Approval.objects.get(pk=approval.pk).decision == ""


def test_a_void_approval_leads_to_the_one_that_waits_now(at_acme: World, desk: Desk) -> None:
    old = waiting_approval(at_acme, bounded_policy())
    Approval.objects.filter(pk=old.pk).update(decision="void", decided_at=timezone.now())
    new = Approval.objects.create(
        call=old.call, ticket=old.ticket, shown_hash=old.shown_hash, voices=old.voices, expires_at=timezone.now() + timedelta(hours=1)
    )
    text = page(desk(at_acme.owner), old.pk)
    assert "What waits now" in text
    assert f'href="{reverse("console:approval", args=[new.pk])}"' in text
