"""A customer of Norrholt served through the API alone, from the first word to the money; and case 50: the document and the API agree.

Every operation is known to succeed, for real, with the shop, the agent and the mailbox behind it; then come requests of all kinds.
"""

import pytest
from django.test import override_settings

from tests.agents.desk import Desk, work
from tests.agents.fixtures import *  # noqa: F403
from tests.api.calls import OPERATIONS
from tests.api.fuzz import Fuzzer
from tests.api.journey import Journey

pytestmark = pytest.mark.usefixtures("promises")


def travel(desk: Desk, fuzzer: Fuzzer) -> Journey:
    """Every operation once, for real, each answer checked against the document."""
    journey = Journey(desk, send=fuzzer.send)
    for number, approval, how in journey.decide():
        said = journey.messages(number)
        decided = journey.ask("get_approval", "GET", f"approvals/{approval['id']}")
        assert decided["status"] == how
        assert decided["decided_by"]["name"] == desk.teammate().name
        assert bool([each for each in said if each["receipt"]]) is (how != "reject"), said
    assert sorted(entry["amount"] for entry in desk.shop.ledger()) == [9000, 15000]
    assert journey.open_approvals == 0
    journey.work_a_ticket()
    assert sorted(journey.answered) == sorted(fuzzer.operations) == sorted(OPERATIONS)
    return journey


def judge(fuzzer: Fuzzer) -> None:
    """No check failed, nothing broke, and recorded calls brought every operation to a 2xx."""
    print(f"{fuzzer.calls} calls of {len(fuzzer.operations)} operations, {len(fuzzer.failures)} failures")
    assert fuzzer.failures == [], "\n\n".join(fuzzer.failures[:10])
    assert fuzzer.never_succeeded == []
    assert not [name for name, counts in fuzzer.statuses.items() if any(status >= 500 for status in counts)]


def test_every_operation_works_for_real_and_keeps_what_its_document_promises(desk: Desk):
    fuzzer = Fuzzer()
    with override_settings(API_RATE=10**9):
        journey = travel(desk, fuzzer)
        teammates = [name for name, each in OPERATIONS.items() if each.as_teammate]
        fuzzer.fuzz(journey.mira_key, examples=2, only=teammates)
        fuzzer.fuzz(journey.shop_key, examples=2, only=set(OPERATIONS) - set(teammates))
    judge(fuzzer)


@pytest.mark.slow
def test_the_api_keeps_what_its_document_promises_whatever_is_sent(desk: Desk):
    fuzzer = Fuzzer()
    with override_settings(API_RATE=10**9):
        journey = travel(desk, fuzzer)
        for key in (journey.shop_key, journey.mira_key):
            fuzzer.fuzz(key, examples=100)
    # What customers asked on the way is answered before the promises are looked at.
    work(rounds=1000)
    judge(fuzzer)


def test_the_agent_answers_an_api_ticket_in_the_customers_language(desk: Desk):
    journey = Journey(desk)
    opened = journey.ask("open_ticket", "POST", "tickets", {"customer": {}, "body": "Wie lange kann ich Stiefel zurückgeben?"})
    work()
    assert journey.ask("get_ticket", "GET", f"tickets/{opened['number']}")["language"] == "de"
    answer = journey.messages(opened["number"])[-1]
    assert (answer["author"], answer["author_name"]) == ("ai", desk.agent.brand.agent_name)
    assert answer["citations"]
