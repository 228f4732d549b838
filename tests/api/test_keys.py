"""Keys: shown once, stored as a hash, and one refusal for everything that is none."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from supportdesk.core.keys import make_key, revoke
from supportdesk.core.models import ApiKey, Event, ServiceIdentity, Tenant
from supportdesk.core.tenancy import acting_for
from tests.api.worlds import Caller, new_key
from tests.factories import World


def test_the_secret_is_stored_nowhere(acme: World):
    text = new_key(acme)
    secret = text.split("_", 3)[3]
    row = ApiKey.objects.values().get()
    assert text.startswith(f"sd_live_{row['prefix']}_")
    assert not any(secret in str(value) for value in row.values())
    assert secret not in str(list(Event.objects.values()))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Bearer sd_live_000000000000_" + "A" * 43,
        "Bearer {key}x",
        "Bearer {key}\n",
        "Bearer " + "sd_live_" * 500,
        "Bearer sd_test_{rest}",
        "{key}",
        "Bearer {key} {key}",
        "Bearer ключ",
    ],
)
def test_whatever_is_no_key_is_the_same_401(acme: World, header: str):
    key = new_key(acme)
    sent = header.replace("{key}", key).replace("{rest}", key.removeprefix("sd_live_"))
    sent = sent.replace("\n", "%0A")
    answer = Client().get("/api/v1/tickets", headers={"authorization": sent})
    nothing = Client().get("/api/v1/tickets")
    assert (answer.status_code, answer.content) == (401, nothing.content)
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'
    assert Caller(key).get("tickets").status_code == 200


def test_revoked_expired_and_switched_off_keys_are_the_same_401(acme: World):
    expired = new_key(acme, expires_at=timezone.now() - timedelta(seconds=1))
    revoked, off, closed = new_key(acme), new_key(acme, name="off"), new_key(acme)
    with acting_for(acme.tenant):
        assert revoke(ApiKey.objects.get(prefix=revoked.split("_")[2]))
        ServiceIdentity.objects.filter(name="off").update(is_active=False)
    answers = [Caller(key).get("tickets") for key in (expired, revoked, off)]
    assert Caller(closed).get("tickets").status_code == 200
    Tenant.objects.filter(pk=acme.tenant.pk).update(is_active=False)
    answers.append(Caller(closed).get("tickets"))
    assert {(answer.status_code, answer.content) for answer in answers} == {(401, Client().get("/api/v1/tickets").content)}


def test_a_key_whose_service_belongs_to_another_workspace_opens_nothing(acme: World, globex: World):
    text = new_key(acme)
    with acting_for(globex.tenant):
        foreign = ServiceIdentity.objects.create(name="theirs", scopes=["ticket.list"])
    ApiKey.objects.update(service_id=foreign.pk)
    assert Caller(text).get("tickets").status_code == 401


def test_a_signed_in_browser_is_nobody_here(acme: World):
    browser = Client()
    browser.force_login(acme.owner.user, backend="django.contrib.auth.backends.ModelBackend")
    assert browser.get("/console/").status_code in (200, 302)
    assert browser.get("/api/v1/tickets").status_code == 401
    assert browser.post("/api/v1/tickets", {}, content_type="application/json").status_code == 401


def test_the_last_use_is_kept_to_the_minute(acme: World):
    caller = Caller(new_key(acme))
    caller.get("tickets")
    first = ApiKey.objects.get().last_used_at
    caller.get("tickets")
    assert ApiKey.objects.get().last_used_at == first
    ApiKey.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    caller.get("tickets")
    assert first
    assert ApiKey.objects.get().last_used_at > first


def test_the_command_prints_a_key_that_works_and_refuses_what_is_not_there(acme: World):
    out = StringIO()
    call_command("make_key", tenant="acme", name="smoke", scopes="ticket.list, ticket.see", stdout=out)
    assert Caller(out.getvalue().strip()).get("tickets").status_code == 200
    again = StringIO()
    call_command("make_key", tenant="acme", name="smoke", scopes="ticket.list", acts_as=acme.owner.user.email, stdout=again)
    with acting_for(acme.tenant):
        assert ServiceIdentity.objects.get().membership == acme.owner
    for wrong in ({"tenant": "nobody"}, {"scopes": "ticket.eat"}, {"acts_as": "nobody@people.example"}):
        with pytest.raises(CommandError):
            call_command("make_key", **{"tenant": "acme", "name": "smoke", "scopes": "ticket.list", **wrong})


def test_making_and_revoking_are_told_to_the_audit_trail(acme: World):
    with acting_for(acme.tenant):
        service = ServiceIdentity.objects.create(name="shop", scopes=[])
        key, _text = make_key(service=service, name="first")
        assert [revoke(key), revoke(key)] == [True, False]
    assert list(Event.objects.order_by("id").values_list("code", flat=True)) == ["key.made", "key.revoked"]
