"""Why: for any run, one page says with what, under which version, by which rules, and how long it took."""

import re

import pytest
from django.urls import reverse

from agents.actions.models import State
from supportdesk.core.models import Membership
from tests.console.conftest import Desk
from tests.console.worlds import HTMX, ai_says, escalated, fresh, make_call, make_run, make_steps
from tests.factories import World, make_ticket
from tickets.models import Ticket


@pytest.fixture
def told(at_acme: World, bob: Membership, desk: Desk) -> tuple[str, str]:
    """The trace page and the drawer of one run, as text."""
    ticket = make_ticket(at_acme, "The pole snapped")
    call = make_call(ticket, State.WAITING)
    message = ai_says(
        ticket, "A pole that breaks is a defect.[1]", citations=[{"n": 1, "title": "Broken in the first 60 days", "url": "/help/x"}]
    )
    run = make_run(fresh(ticket), message, outcome="escalate")
    make_steps(run, call)
    client = desk(bob)
    page = client.get(reverse("console:trace", args=[ticket.number, run.pk])).content.decode()
    drawer = client.get(reverse("console:why", args=[ticket.number, run.pk]), **HTMX).content.decode()
    return _plain(page), _plain(drawer)


def _plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_passages_come_with_scores_and_whether_they_were_used(told: tuple[str, str]) -> None:
    page, drawer = told
    assert "Searched for “pole snapped”." in page
    assert re.search(r"Broken in the first 60 days “A pole that breaks is a defect.” 0.91 Cited", page)
    assert re.search(r"Storm damage “Wind above 70 km/h.” 0.29 Below 0.35", page)
    assert "0.91" in drawer
    assert "Storm damage" not in drawer


def test_rules_facts_and_verdicts_are_sentences(told: tuple[str, str]) -> None:
    page, drawer = told
    assert "R-4 Refunds of delivered orders" in page
    assert "the amount to refund: €189.00" in page
    assert "days since delivery: 21" in page
    assert "The strictest voice wins: ask a teammate . Above €100.00 a teammate decides." in page
    assert re.search(r"R-6 Within 60 days days since delivery: 21 Holds", page)
    assert "Rule R-7" in drawer


def test_the_call_is_shown_with_arguments_and_state(told: tuple[str, str]) -> None:
    page, drawer = told
    assert "Wanted to refund €189.00 on order N-20418" in page
    assert "Waits for a teammate" in page
    assert "&quot;order_number&quot;: &quot;N-20418&quot;" in page
    assert "Ask a teammate" in drawer


def test_versions_tokens_time_and_checks_are_told(told: tuple[str, str]) -> None:
    page, drawer = told
    for words in ("r7", "v31", "v12", "2314 in, 188 out", "1.9 s", "1 of 2 passed", "a link leads elsewhere", "184 ms"):
        assert words in page, words
    assert "a link leads elsewhere" in drawer


@pytest.mark.parametrize(
    ("state", "words"), [("stale", "Not sent: a newer turn replaced it"), ("failed", "Failed, nothing was sent"), ("running", "Running")]
)
def test_a_run_without_a_message_is_reachable_from_the_panel(at_acme: World, desk: Desk, state: str, words: str) -> None:
    ticket: Ticket = escalated(at_acme)
    run = make_run(ticket, state=state, outcome="", finished_at=None)
    client = desk(at_acme.owner)
    assert (
        reverse("console:trace", args=[ticket.number, run.pk])
        in client.get(reverse("console:ticket", args=[ticket.number])).content.decode()
    )
    page = _plain(client.get(reverse("console:trace", args=[ticket.number, run.pk])).content.decode())
    assert words in page
    assert "No step was recorded" in page
