"""“Why did the bot do that?”: each message and act of the agent yields model, prompt, policy, articles, what tools said, and who agreed."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client

from agents.actions.models import Approval, ToolCall
from supportdesk.console.audit.incident import Entry, Story, story_of
from supportdesk.core.events import SYSTEM_ACTOR, record
from supportdesk.core.models import Membership, Role
from tests.agents.desk import Chat, Desk, work
from tests.agents.test_approvals import approve, asked, edit, other_lead
from tests.surface.furniture import no_event_fits
from tickets import verbs
from tickets.models import Author


def owner(desk: Desk) -> Membership:
    return Membership.objects.filter(tenant=desk.tenant, role=Role.OWNER).select_related("user", "tenant").earliest("pk")


def story(desk: Desk, chat: Chat) -> Story:
    told = story_of(f"ticket:{chat.ticket.number}", owner(desk))
    assert told is not None
    return told


def unexplained(told: Story) -> list[str]:
    """Messages and acts of the agent that lack a part of what they rest on."""
    mine = [entry for entry in told.entries if entry.kind == "call" or entry.data.get("author") == Author.AI]
    assert mine
    return [entry.text for entry in mine if not _is_whole(entry)]


def _is_whole(entry: Entry) -> bool:
    why = entry.why
    return bool(why and why.run and why.models and len(why.prompt_hash) == len(why.policy_hash) == 64 and why.release)


def answered(desk: Desk) -> Chat:
    chat = desk.chat()
    chat.says("Can I return hiking boots that I only wore once at home?")
    return chat


def looked_up(desk: Desk) -> Chat:
    chat = desk.chat()
    chat.says("Where is my order N-20377?")
    chat.proves("ida@mail.example")
    return chat


def confirmed(desk: Desk) -> Chat:
    chat = desk.asked_to_confirm()
    chat.answers(yes=True)
    return chat


def declined(desk: Desk) -> Chat:
    chat = desk.asked_to_confirm()
    chat.answers(yes=False)
    return chat


def approved(desk: Desk) -> Chat:
    chat, approval = asked(desk)
    approve(approval, desk.teammate())
    work()
    return chat


def made_smaller(desk: Desk) -> Chat:
    chat, approval = asked(desk)
    edit(approval, desk.teammate(), amount=9_000)
    work()
    return chat


def passed_on(desk: Desk) -> Chat:
    chat = desk.chat()
    chat.says("I want to talk to a person")
    return chat


KINDS: dict[str, Callable[[Desk], Chat]] = {
    each.__name__: each for each in (answered, looked_up, confirmed, declined, approved, made_smaller, passed_on)
}


@pytest.mark.reliability(68, "explanation")
@pytest.mark.parametrize("name", KINDS)
def test_every_message_and_act_of_the_agent_is_explained(desk: Desk, name: str) -> None:
    told = story(desk, KINDS[name](desk))
    assert unexplained(told) == []
    assert [entry.at for entry in told.entries] == sorted(entry.at for entry in told.entries)


@pytest.mark.reliability(68, "explanation")
def test_an_answer_names_the_passages_it_read(desk: Desk) -> None:
    chat = answered(desk)
    why = next(entry.why for entry in story(desk, chat).entries if entry.data.get("author") == Author.AI)
    assert why
    assert {each["title"] for each in chat.last.citations} <= {each["title"] for each in why.passages}
    assert all(each["article"] and each["passage"] for each in why.passages)


@pytest.mark.reliability(68, "explanation")
def test_an_approved_act_names_its_rules_what_the_shop_said_and_who_agreed(desk: Desk) -> None:
    chat = approved(desk)
    call = ToolCall.objects.get(pk=chat.call.pk)
    entry = next(entry for entry in story(desk, chat).entries if entry.data.get("call") == str(call.pk))
    assert entry.why
    (made,) = entry.why.calls
    assert (made["arguments"], made["result"], made["reference"]) == (call.arguments, call.result, call.reference)
    assert made["reference"]
    assert "R-4" in made["rules"]
    assert made["policy_version"] == call.policy_version.number
    assert any(said.startswith("Mira") and "approved" in said for said in entry.why.agreed), entry.why.agreed
    assert "The customer said yes" in entry.why.agreed
    receipt = next(entry for entry in story(desk, chat).entries if entry.kind == "message" and "receipt" in entry.text)
    assert receipt.why
    assert receipt.why.agreed == entry.why.agreed


@pytest.mark.reliability(68, "explanation")
def test_what_went_live_before_and_meanwhile_is_told(desk: Desk) -> None:
    chat = answered(desk)
    verbs.take_over(ticket_id=chat.ticket.pk, by=desk.teammate())
    desk.change_rule("R-4", title="Another sentence")
    record("killswitch.changed", by=SYSTEM_ACTOR, changed={"is_on": True, "tool": "create_refund"})
    verbs.resolve(ticket_id=chat.ticket.pk, by=SYSTEM_ACTOR)
    told = story(desk, chat)
    assert any("live" in line and line.endswith("before") for line in told.in_force), told.in_force
    meanwhile = [entry.text for entry in told.entries if entry.kind == "configuration"]
    assert any("stopped create_refund" in text for text in meanwhile)
    assert any("live" in text for text in meanwhile)


@pytest.mark.reliability(68, "explanation")
def test_the_page_and_its_download_tell_the_same(desk: Desk) -> None:
    chat = approved(desk)
    client = Client()
    client.force_login(owner(desk).user, backend="django.contrib.auth.backends.ModelBackend")
    address = f"/console/incident/?about=ticket:{chat.ticket.number}"
    page, told = client.get(address), client.get(f"{address}&as=json").json()
    assert page.status_code == 200
    assert len(told["entries"]) == len(page.context["story"].entries) > 10
    assert {"message", "run", "call", "approval", "event"} <= {entry["kind"] for entry in told["entries"]}
    for entry in told["entries"]:
        if entry["url"]:
            assert client.get(entry["url"].partition("#")[0]).status_code == 200, entry
    customer = client.get(f"/console/incident/?about=customer:{chat.ticket.customer_id}&as=json").json()
    assert len(customer["entries"]) >= len(told["entries"])
    mira = client.get(f"/console/incident/?about=teammate:{desk.teammate().pk}&as=json").json()
    assert any("approved" in entry["text"] for entry in mira["entries"])
    release = chat.runs[-1].release
    assert release
    of_release = client.get(f"/console/incident/?about=release:r{release.number}&as=json").json()
    assert {"run", "event"} <= {entry["kind"] for entry in of_release["entries"]}
    assert "hash" in json.dumps(told)


@pytest.mark.reliability(68, "same transaction")
@pytest.mark.parametrize("act", [lambda approval, by: approve(approval, by), lambda approval, by: edit(approval, by, amount=9_000)])
def test_without_its_event_nothing_is_decided(desk: Desk, act: Callable[[Approval, Membership], Any]) -> None:
    chat, approval = asked(desk)
    before = list(ToolCall.objects.order_by("pk").values()), list(Approval.objects.order_by("pk").values())
    with no_event_fits(), pytest.raises(IntegrityError, match="no event fits"):
        act(approval, other_lead(desk))
    assert (list(ToolCall.objects.order_by("pk").values()), list(Approval.objects.order_by("pk").values())) == before
    assert desk.shop.ledger() == []
    assert chat.call.state == "waiting"
