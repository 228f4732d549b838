"""What is known by a value is a person's only if they proved it: a name or a claimed address reaches nobody else's data."""

import json
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import get_connection
from django.utils import timezone

from supportdesk.core.models import IdempotentRequest, ServiceIdentity
from supportdesk.core.tenancy import acting_for
from supportdesk.lifecycle.persons import forget_by_name, mails_to, saved_answers
from tests.factories import World, make_session, say
from tests.lifecycle.persons import exported
from tickets.identity import ask_for_code, send_code
from tickets.models import Customer, CustomerIdentity, OneTimeCode

ANN, JOANN = "ann@mail.example", "joann@mail.example"


def answered(**told: Any) -> int:
    """A saved answer of the API that tells this."""
    now = timezone.now()
    service = ServiceIdentity.objects.create(name=f"Backend {ServiceIdentity.objects.count()}", scopes=[])
    once = {"fingerprint": "f" * 64, "claim": "c", "lease_until": now, "expires_at": now, "status": 201}
    return int(IdempotentRequest.objects.create(service=service, key="k", body=json.dumps(told), **once).pk)


def person(world: World, name: str, **identities: bool) -> Customer:
    """A customer with a ticket, proven (True) or claimed (False) under addresses of mail.example."""
    customer: Customer = say(make_session(world, name=name)[0], "Hello").ticket.customer
    for local, is_verified in identities.items():
        CustomerIdentity.objects.create(customer=customer, kind="email", value=f"{local}@mail.example", is_verified=is_verified)
    return customer


def found(customer: Customer) -> set[int]:
    return {row.pk for row in saved_answers(customer)}


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.EMAIL_FILE_PATH = tmp_path / "mails"
    settings.EMAIL_FILE_PATH.mkdir()
    return Path(settings.EMAIL_FILE_PATH)


def put(folder: Path, to: str, tenant: object, subject: str = "Your code") -> None:
    mail = EmailMessage()
    mail["To"], mail["Subject"], mail["X-SupportDesk-Tenant"] = to, subject, str(tenant)
    mail.set_content("123 456")
    (folder / f"{len(list(folder.iterdir()))}.log").write_bytes(mail.as_bytes())


def test_a_name_or_a_claimed_address_reaches_nobodys_saved_answers(acme: World):
    with acting_for(acme.tenant):
        max_, ann = person(acme, "Max", ann=False), person(acme, "Maxine", ann=True)
        theirs = answered(number=ann.tickets.get().number, customer={"id": ann.pk, "name": "Maxine"}, to=ANN, preview="The Max model")
        proven = answered(seen={"to": [ANN.upper()]})
        assert found(max_) == set()
        assert found(ann) == {theirs, proven}
        assert "IdempotentRequest.json" not in exported(max_)
        forget_by_name(max_)
        assert IdempotentRequest.objects.filter(body="{}").count() == 0


def test_an_address_is_matched_whole(acme: World, folder: Path):
    with acting_for(acme.tenant):
        ann = person(acme, "Ann", ann=True)
        answered(to=JOANN)
        assert found(ann) == set()
        put(folder, JOANN, acme.tenant.pk)
        put(folder, f"Ann <{ANN.title()}>", acme.tenant.pk)
        assert [path.name for path in mails_to(ann)] == ["1.log"]


def test_saved_answers_are_known_by_ids_of_ours_and_not_by_numbers_of_others(acme: World):
    with acting_for(acme.tenant):
        ann = person(acme, "")
        ticket, message = ann.tickets.get(), ann.tickets.get().messages.get()
        at = message.created_at.isoformat()
        mine = {
            answered(id=ann.pk, name="", identities=[]),
            answered(results=[{"ticket": ticket.number, "call": {"arguments": {}}}]),
            answered(seq=1, body="Hello", created_at=at.replace("+00:00", "Z")),
        }
        answered(id=ann.pk, ticket=ticket.number + 50, call={"arguments": {"number": ticket.number, "customer": ann.pk}})
        answered(seq=2, body="Hello", created_at=at)
        assert found(ann) == mine


def test_mails_are_told_apart_by_workspace_and_not_by_their_subject(acme: World, globex: World, folder: Path):
    with acting_for(acme.tenant):
        ann = person(acme, "Ann", ann=True)
        put(folder, ANN, globex.tenant.pk, f"Not {acme.brand.name}")
        put(folder, ANN, acme.tenant.pk, "Su código")
        assert [path.name for path in mails_to(ann)] == ["1.log"]


def test_a_claimed_address_gives_away_no_mail_and_an_erasure_takes_its_own_codes_alone(acme: World, folder: Path, monkeypatch: Any):
    # Kept alive: the name of a file is the second and the backend's place in memory.
    alive = [get_connection("django.core.mail.backends.filebased.EmailBackend", file_path=str(folder)) for _ in range(2)]
    ways = iter(alive)
    monkeypatch.setattr("django.core.mail.message.EmailMessage.get_connection", lambda *_: next(ways))
    with acting_for(acme.tenant):
        thief, ann = person(acme, "Ann", ann=False), person(acme, "Ann", ann=True)
        codes = {each.pk: ask_for_code(ticket_id=each.tickets.get().pk, email=ANN) for each in (thief, ann)}
        for code in codes.values():
            send_code(code.pk)
        assert len(list(folder.iterdir())) == 2
        assert mails_to(thief) == []
        assert len(mails_to(ann)) == 2
        forget_by_name(thief)
        assert len(list(folder.iterdir())) == 1
        assert OneTimeCode.objects.filter(pk=codes[ann.pk].pk).exists()
