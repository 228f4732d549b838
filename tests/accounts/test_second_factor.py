"""A second factor: set up with a picture and a code, asked for at sign-in, left by recovery codes that open once."""

import re
from typing import Any

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.test import Client

from supportdesk.accounts import second_factor
from supportdesk.core.models import Event
from supportdesk.core.sealing import CannotOpen
from tests.accounts.people import CODE, PROFILE, SIGN_IN, code_of, enrol, forget_codes, let_proof_age, proof, sign_in
from tests.factories import PASSWORD, World, make_member

PAGE = "/console/profile/second-factor/"


def secret_shown(page: Any) -> str:
    """The secret as the page writes it for those who cannot scan."""
    found = re.search(r"<code>([A-Z2-7 ]+)</code>", page.content.decode())
    assert found
    return found[1].replace(" ", "")


def test_it_is_set_up_by_scanning_and_one_code_and_the_recovery_codes_are_shown_once(acme: World) -> None:
    client = sign_in(acme.owner)
    page = client.get(PAGE)
    assert 'src="data:image/svg+xml;base64,' in page.content.decode()
    wrong = client.post(PAGE, {"code": "000000"})
    assert (wrong.status_code, secret_shown(wrong)) == (422, secret_shown(page))
    done = client.post(PAGE, {"code": code_of(secret_shown(page))})
    assert len(re.findall(r"<li><code>\d{4} \d{4}</code></li>", done.content.decode())) == 10
    assert done["Cache-Control"].startswith("max-age=0")
    assert "10 recovery codes left" in client.get(PROFILE).content.decode()
    assert Event.objects.filter(code="second_factor.added", tenant=acme.tenant).count() == 1


def test_sign_in_asks_for_the_code_and_the_password_alone_opens_nothing(acme: World, client: Client) -> None:
    secret, _codes = enrol(acme.owner.user)
    first = client.post(SIGN_IN, {"username": acme.owner.user.email, "password": PASSWORD, "next": "/console/approvals/"})
    assert first["Location"] == CODE
    assert "_auth_user_id" not in client.session
    assert client.get("/console/")["Location"].startswith(SIGN_IN)
    assert client.post(CODE, {"code": "000000"}).status_code == 422
    assert client.post(CODE, {"code": code_of(secret)})["Location"] == "/console/approvals/"
    assert client.get("/console/approvals/").status_code == 200


def test_the_code_page_belongs_to_whoever_gave_the_password(client: Client, db: None) -> None:
    assert client.get(CODE)["Location"] == SIGN_IN
    assert client.post(CODE, {"code": "123456"})["Location"] == SIGN_IN


def test_the_same_code_opens_once(acme: World) -> None:
    secret, _codes = enrol(acme.owner.user)
    code = code_of(secret)
    for opened in (True, False):
        client = sign_in(acme.owner)
        client.post(CODE, {"code": code})
        assert ("_auth_user_id" in client.session) is opened


def test_the_codes_just_before_and_after_fit_and_others_do_not(acme: World) -> None:
    secret, _codes = enrol(acme.owner.user)
    for periods, opened in ((-1, True), (1, True), (-4, False), (4, False)):
        forget_codes()
        client = sign_in(acme.owner)
        client.post(CODE, {"code": code_of(secret, periods)})
        assert ("_auth_user_id" in client.session) is opened


def test_a_recovery_code_opens_once(acme: World) -> None:
    _secret, codes = enrol(acme.owner.user)
    for opened in (True, False):
        client = sign_in(acme.owner)
        client.post(CODE, {"code": f"{codes[0][:4]} {codes[0][4:]}"})
        assert ("_auth_user_id" in client.session) is opened
    assert second_factor.recovery_codes_left(acme.owner.user) == 9


@pytest.mark.reliability(12, "lock")
def test_codes_cannot_be_guessed_whatever_the_address(acme: World) -> None:
    secret, _codes = enrol(acme.owner.user)
    client = sign_in(acme.owner)
    for attempt in range(12):
        said = client.post(CODE, {"code": f"{attempt:06d}"}, REMOTE_ADDR=f"10.0.0.{attempt}").content.decode()
    assert second_factor.TOO_MANY in said
    client.post(CODE, {"code": code_of(secret)}, REMOTE_ADDR="10.0.0.77")
    assert "_auth_user_id" not in client.session


def test_secrets_are_sealed_to_their_owner(acme: World) -> None:
    secret, codes = enrol(acme.owner.user)
    stored = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in stored
    assert not any(code in stored for code in codes)
    row = Authenticator.objects.get(user=acme.owner.user, type="totp")
    other = make_member(acme.tenant, name="Bob Berg").user
    Authenticator.objects.create(user=other, type="totp", data=row.data)
    with pytest.raises(CannotOpen), second_factor.secrets_of(other):
        get_adapter().decrypt(row.data["secret"])
    with pytest.raises(CannotOpen):
        get_adapter().decrypt(row.data["secret"])


def test_the_secret_that_waits_is_sealed_in_the_session(acme: World) -> None:
    client = sign_in(acme.owner)
    secret = secret_shown(client.get(PAGE))
    assert secret not in str(dict(client.session))


def test_new_recovery_codes_end_the_old_ones_and_ask_who_it_is(acme: World) -> None:
    _secret, codes = enrol(acme.owner.user)
    client = Client()
    client.force_login(acme.owner.user, backend="django.contrib.auth.backends.ModelBackend")
    let_proof_age(client)
    assert client.post("/console/profile/recovery-codes/").status_code == 403
    made = client.post("/console/profile/recovery-codes/", proof(codes[0]))
    assert made.status_code == 200
    assert "Your new recovery codes" in made.content.decode()
    assert codes[1][:4] + " " + codes[1][4:] not in made.content.decode()
    again = sign_in(acme.owner)
    again.post(CODE, {"code": codes[1]})
    assert "_auth_user_id" not in again.session


def test_taking_it_away_asks_who_it_is_and_ends_other_sessions(acme: World) -> None:
    secret, _codes = enrol(acme.owner.user)
    here, there = (Client() for _ in range(2))
    for client in (here, there):
        client.force_login(acme.owner.user, backend="django.contrib.auth.backends.ModelBackend")
        client.get("/console/")
    let_proof_age(here)
    assert here.post("/console/profile/second-factor/remove/").status_code == 403
    assert here.post("/console/profile/second-factor/remove/", proof(code_of(secret)))["Location"] == PROFILE
    assert not second_factor.has_second_factor(acme.owner.user)
    assert there.get("/console/")["Location"].startswith(SIGN_IN)
    assert here.get("/console/").status_code == 200
