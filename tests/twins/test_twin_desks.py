"""Two Norrholts with the same brand, keys, orders, customers and names, worked at once: each sees and does its own only."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from agents.actions.models import State
from agents.runtime import turns
from supportdesk.core.keys import make_key
from supportdesk.core.models import Membership, ServiceIdentity, Tenant
from supportdesk.core.tail import Tail
from supportdesk.core.tenancy import acting_for, acting_tenant
from supportdesk.demo import workspace
from supportdesk.demo.management.commands import verify_twins
from tests.agents.desk import TOKEN, Chat, Desk, ShopProcess, build, code_in, work
from tests.agents.fixtures import *  # noqa: F403
from tests.reliability.report import figure
from tests.surface.callers import browser
from tickets.identity import ask_for_code, enter_code
from tickets.models import Message, Ticket

SCOPES = ["ticket.list", "ticket.see", "ticket.see_all", "ticket.note"]
EMAIL, ORDER = "ida@mail.example", "N-20377"


@dataclass
class Twin:
    """One of the two: its desk, the word its customers use, and every prompt that was made for it."""

    desk: Desk
    canary: str
    prompts: list[str] = field(default_factory=list)
    chat: Chat | None = None

    @property
    def talk(self) -> Chat:
        """The open chat."""
        assert self.chat
        return self.chat


Twins = tuple[Twin, Twin]


@pytest.fixture
def twins(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Twins]:
    """Both as they open; turns of each are listened to."""
    shop = ShopProcess(tmp_path / "shop-twin.sqlite3", f"{TOKEN}-twin")
    settings.OUTBOUND_PRIVATE_HOSTS = [desk.shop.place, shop.place]
    try:
        build(workspace.twin(shop.url))
        other = Desk(Tenant.objects.get(slug="norrholt-twin"), shop)
        pair = (Twin(desk, "zubakelo"), Twin(other, "vimorapu"))
        thought = turns.think

        def think(**kwargs: Any) -> Any:
            of = next(each for each in pair if each.desk.tenant == acting_tenant())
            of.prompts.append(f"{kwargs['prompt']} {kwargs['messages']}")
            return thought(**kwargs)

        monkeypatch.setattr(turns, "think", think)
        yield pair
    finally:
        shop.stop()


def in_both(pair: Twins, act: Callable[[Twin], Any]) -> list[Any]:
    """One step in each, one right after the other; jobs of both wait side by side."""
    done = []
    for each in pair:
        with acting_for(each.desk.tenant):
            done.append(act(each))
    return done


@pytest.mark.reliability(6, "twins", "idempotency keys", "cache keys", "channel groups")
def test_twins_worked_at_once_keep_to_themselves(twins: Twins, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG, "supportdesk")
    hints = Tail()
    hints.read()
    in_both(twins, lambda each: setattr(each, "chat", each.desk.chat()))
    # The same client id, the same order, the same address; only the canaries differ.
    in_both(twins, lambda each: each.talk.says(f"Please refund {ORDER} ({each.canary})", client_id="same", then_work=False))
    work()
    in_both(twins, lambda each: ask_for_code(ticket_id=each.talk.ticket.pk, email=EMAIL))
    work()
    codes = [code_in(sent.body) for sent in mail.outbox[-2:]]
    in_both(twins, lambda each: _enters(each, codes))
    work()
    in_both(twins, lambda each: each.talk.answers(yes=True, then_work=False))
    work()
    in_both(twins, lambda each: each.talk.says(f"How long is the warranty? {each.canary}", client_id="again", then_work=False))
    work()
    assert in_both(twins, lambda each: (each.talk.call.state, each.talk.ticket.number)) == [(State.SUCCEEDED, 1)] * 2
    assert [len(each.desk.shop.ledger()) for each in twins] == [1, 1]
    told = hints.read()
    assert _cross(twins, told, caplog.text) == []


def _enters(twin: Twin, codes: list[str]) -> None:
    """A code of the other one does not open this one's ticket; its own does."""
    from tickets.errors import WrongCode

    for code in codes:
        try:
            enter_code(ticket_id=twin.talk.ticket.pk, digits=code)
            return
        except WrongCode:
            continue
    raise AssertionError("no code fits")


def _cross(twins: Twins, told: Any, logged: str) -> list[str]:
    """Whatever of one stands at the other: rows, traces, prompts, hints, cache, logs, mails, the shops' books."""
    found: list[str] = []
    rows = 0
    for each, other in zip(twins, reversed(twins), strict=True):
        with acting_for(each.desk.tenant):
            counted, said = verify_twins._rows(each.desk.tenant, each.canary, [other.canary])
            rows += counted
            found += said + verify_twins._effects([entry["idempotency_key"] for entry in each.desk.shop.ledger()]) + verify_twins._hits()
            own = set(Ticket.objects.values_list("pk", flat=True))
        found += [f"a prompt of {each.desk.tenant.slug}" for prompt in each.prompts if other.canary in prompt]
        assert any(each.canary in prompt for prompt in each.prompts)
        place = f"tenant-{each.desk.tenant.pk}"
        for group, hint in told:
            if group == place or group.startswith(f"{place}-"):
                ids = {news.ticket_id for news in hint["news"]} if hint["type"] == "news" else {hint["ticket_id"]}
                found += [f"a hint in {group}" for ticket in ids - {None} if ticket not in own]
    words = [each.canary for each in twins]
    kept: dict[str, Any] = cache._cache
    found += [f"the cache: {key}" for key, value in kept.items() if any(word in f"{key} {value!r}" for word in words)]
    found += [f"the cache names no owner: {key}" for key in kept if not key.split(":", 2)[2].startswith(("t", "all:"))]
    found += ["the log holds customers' words"] if any(word in logged for word in words) else []
    found += ["a mail holds customers' words" for sent in mail.outbox if any(word in sent.body for word in words)]
    figure("rows of twins searched for the other's word", rows)
    return found


@pytest.mark.reliability(6, "twins", "idempotency keys")
def test_keys_of_the_same_service_and_the_same_idempotency_key_write_once_in_each(twins: Twins):
    def opens(each: Twin) -> str:
        each.chat = each.desk.chat()
        each.talk.says(f"I want a human please ({each.canary})", then_work=False)
        mira = Membership.objects.get(tenant=each.desk.tenant, user__name="Mira Solberg")
        service = ServiceIdentity.objects.create(name="Sweep", scopes=SCOPES, environment="live", membership=mira)
        return make_key(service=service, name="Sweep")[1]

    keys = in_both(twins, opens)
    work()
    for key, each, other in zip(keys, twins, reversed(twins), strict=True):
        program = Client(headers={"authorization": f"Bearer {key}", "idempotency-key": "the-same-in-both"})
        for _again in range(2):
            answer = program.post("/api/v1/tickets/1/notes", {"body": f"note {each.canary}"}, content_type="application/json")
            assert answer.status_code == 201, answer.content
            assert each.canary in answer.content.decode()
        for path in ("tickets", "tickets/1", "tickets/1/messages"):
            read = program.get(f"/api/v1/{path}")
            assert read.status_code == 200
            assert other.canary not in read.content.decode()
    notes = in_both(twins, lambda each: Message.objects.filter(kind="note", body__contains=each.canary).count())
    assert notes == [1, 1]


@pytest.mark.reliability(6, "twins")
@pytest.mark.reliability(7, "two workspaces")
def test_the_person_of_both_reads_in_each_what_is_there(twins: Twins):
    def opens(each: Twin) -> Membership:
        each.chat = each.desk.chat()
        each.talk.says(f"I want a human please ({each.canary})", then_work=False)
        return each.desk.teammate(workspace.IN_BOTH)

    here, there = in_both(twins, opens)
    work()
    assert (here.user_id, here.role, there.role) == (there.user_id, "admin", "viewer")
    client = browser(here)
    # An administrator sees every queue; there, a viewer sees those of the warranty team alone.
    for _forth_and_back in range(2):
        for member, each, other in ((here, twins[0], twins[1]), (there, twins[1], twins[0])):
            client.post(reverse("console:switch_workspace"), {"membership": member.pk})
            for path in ("/console/?tab=all", "/console/tickets/1/", "/console/approvals/"):
                answer = client.get(path)
                page = answer.content.decode()
                assert other.canary not in page
                assert (each.canary in page) == (member == here and "approvals" not in path), path
            assert client.get("/console/tickets/1/").status_code == (200 if member == here else 404)


@pytest.mark.slow
@pytest.mark.reliability(6, "twins")
def test_all_journeys_of_twins_at_once(tmp_path: Path):
    """The command itself, on a server of its own."""
    import json
    import os
    import subprocess
    import sys

    results = tmp_path / "twins.json"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "supportdesk.settings", "DATABASE_URL": "", "REDIS_URL": ""}
    command = [sys.executable, "manage.py", "smoke", "--managed", "--twins", "--json", str(results)]
    environment = {name: value for name, value in environment.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    done = subprocess.run(command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    journeys = [each["journey"] for each in json.loads(results.read_text())["journeys"]]
    assert len(journeys) == 2 * 7 + 3
