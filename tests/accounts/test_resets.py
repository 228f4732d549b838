"""A new password by mail: one answer for everybody, a link that opens once and soon, three mails an hour."""

import logging
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from supportdesk.accounts import resets
from supportdesk.accounts.models import PasswordReset
from supportdesk.core.jobs import run_due
from supportdesk.core.logs import redacted
from supportdesk.core.models import Event, Job
from supportdesk.core.tenancy import acting_for
from tests.accounts.people import SIGN_IN, sign_in
from tests.factories import PASSWORD, World, make_member

FORGOTTEN, SET = "/console/password/forgotten/", "/console/password/new/"
NEW = "another long pass phrase"


def ask(address: str, **more: Any) -> Any:
    return Client().post(FORGOTTEN, {"email": address}, **more)


def token_of(world: World) -> str:
    """Ask for a mail and read the token in it."""
    ask(world.owner.user.email)
    send_all()
    return str(re.findall(r"/console/password/new/([\w-]+)/", str(mail.outbox[-1].body))[0])


def send_all() -> None:
    for row in PasswordReset.objects.filter(token_hash="").exclude(user=None):
        with acting_for(row.user.memberships.get().tenant):
            resets.send(row.pk)


def choose(token: str, password: str = NEW) -> tuple[Client, Any]:
    client = Client()
    client.get(f"{SET}{token}/")
    return client, client.post(SET, {"password": password})


@pytest.mark.reliability(9, "resets")
def test_the_link_opens_once_and_the_password_is_the_new_one(acme: World) -> None:
    token = token_of(acme)
    _client, done = choose(token)
    assert done["Location"] == SIGN_IN
    assert "_auth_user_id" in sign_in(acme.owner, password=NEW).session
    assert "_auth_user_id" not in sign_in(acme.owner, password=PASSWORD).session
    assert choose(token, "a third long pass phrase")[1].status_code == 410
    assert {"password.reset", "password.changed"} <= set(Event.objects.filter(tenant=acme.tenant).values_list("code", flat=True))


@pytest.mark.reliability(9, "resets")
@pytest.mark.parametrize(
    "change",
    [
        lambda token: "x",
        lambda token: token.swapcase(),
        lambda token: token + "=",
        lambda token: token[:-1],
        lambda token: "null",
        lambda token: "[]",
        lambda token: "%00" + token[1:],
        lambda token: resets.hashed(token),
    ],
)
def test_any_other_token_opens_nothing_and_they_all_look_alike(acme: World, change: Any) -> None:
    _client, answer = choose(change(token_of(acme)))
    assert answer.status_code == 410
    assert "It was used already, or its hour is up." in answer.content.decode()
    assert "_auth_user_id" in sign_in(acme.owner).session


@pytest.mark.reliability(9, "resets")
@pytest.mark.parametrize("token", [None, "", [], ["x"], 7, True, {"a": 1}, "A" * 43])
def test_what_is_no_token_finds_nothing(acme: World, token: object) -> None:
    token_of(acme)
    assert resets.found(token) is None
    with pytest.raises(resets.UsedLink):
        resets.redeem(token=token, password=NEW)


@pytest.mark.reliability(9, "resets")
def test_the_link_is_over_after_an_hour(acme: World) -> None:
    token = token_of(acme)
    row = PasswordReset.objects.get()
    assert row.expires_at - row.created_at <= timedelta(hours=1)
    PasswordReset.objects.update(expires_at=timezone.now())
    assert choose(token)[1].status_code == 410


@pytest.mark.reliability(9, "resets")
def test_one_link_ends_the_others_of_the_same_person_and_nobody_elses(acme: World, globex: World) -> None:
    first, second, other = token_of(acme), token_of(acme), token_of(globex)
    choose(second)
    assert choose(first)[1].status_code == 410
    assert choose(other)[1].status_code == 302


@pytest.mark.reliability(9, "resets")
def test_the_token_is_128_bits_and_stored_as_a_hash(acme: World) -> None:
    token = token_of(acme)
    row = PasswordReset.objects.values().get()
    assert len(token) * 6 >= 128
    assert not any(token in str(value) for value in row.values())
    assert acme.owner.user.email not in str(row)
    assert token not in str(list(Job.objects.values())) + str(list(Event.objects.values()))


def test_the_token_leaves_the_address_before_any_page_is_drawn_and_is_blotted_out_of_logs(acme: World) -> None:
    token, client = token_of(acme), Client()
    opened = client.get(f"{SET}{token}/")
    assert (opened.status_code, opened["Location"], opened["Referrer-Policy"]) == (302, SET, "no-referrer")
    assert token not in client.get(SET).content.decode()
    assert token not in redacted(f"Internal Server Error: {SET}{token}/")
    assert "[redacted]" in redacted(f"GET {SET}{token}/ 302")


def test_a_weak_password_is_refused_and_the_link_still_opens(acme: World) -> None:
    token = token_of(acme)
    client, answer = choose(token, "password")
    assert answer.status_code == 422
    assert client.post(SET, {"password": NEW}).status_code == 302


@pytest.mark.reliability(12, "enumeration")
def test_the_answer_is_the_same_for_every_address(acme: World) -> None:
    closed = make_member(acme.tenant, name="Cleo Closed").user
    closed.is_active = False
    closed.save(update_fields=["is_active"])
    answers = [ask(address) for address in (acme.owner.user.email, "nobody@nowhere.example", closed.email, acme.owner.user.email.upper())]
    assert {answer.status_code for answer in answers} == {200}
    assert len({re.sub(r'"X-CSRFToken": "\w+"|value="\w{64}"', "", answer.content.decode()) for answer in answers}) == 1


@pytest.mark.reliability(12, "reset flood")
def test_an_address_gets_three_mails_an_hour_however_often_and_from_wherever_it_is_asked(acme: World, globex: World) -> None:
    answers = [ask(acme.owner.user.email, REMOTE_ADDR=f"10.0.1.{n}") for n in range(12)]
    assert len({answer.status_code for answer in answers}) == 1
    assert Job.objects.filter(name="accounts.send_reset").count() == 3
    send_all()
    assert len(mail.outbox) == 3
    ask(globex.owner.user.email)
    assert Job.objects.filter(name="accounts.send_reset").count() == 4
    PasswordReset.objects.update(created_at=timezone.now() - timedelta(minutes=61))
    ask(acme.owner.user.email)
    assert Job.objects.filter(name="accounts.send_reset").count() == 5


@pytest.mark.reliability(12, "reset flood")
def test_one_client_cannot_ask_for_everybody(acme: World) -> None:
    people = [make_member(acme.tenant, name=f"Person{n} Long").user.email for n in range(25)]
    answers = {ask(address).status_code for address in people}
    assert answers == {200}
    assert Job.objects.filter(name="accounts.send_reset").count() == 20


def test_the_mail_goes_out_by_a_job_that_carries_no_token(acme: World) -> None:
    ask(acme.owner.user.email)
    assert mail.outbox == []
    assert run_due() >= 1
    assert mail.outbox[0].to == [acme.owner.user.email]
    assert "http://testserver/console/password/new/" in str(mail.outbox[0].body)


def test_a_name_that_is_not_ours_is_never_mailed(acme: World) -> None:
    assert ask(acme.owner.user.email, HTTP_HOST="evil.example").status_code == 400
    assert PasswordReset.objects.count() == 0


def test_nothing_of_it_is_logged(acme: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        token = token_of(acme)
        choose(token)
    assert not any(token in redacted(record.getMessage()) for record in caplog.records)
