"""Owners and administrators make and revoke keys in Django admin; the text is shown once, and nobody acts as a colleague."""

import re

import pytest
from django.test import Client

from supportdesk.core.models import ApiKey, Membership, Role, ServiceIdentity
from supportdesk.core.tenancy import acting_for
from tests.admin.conftest import SignIn, owner, sign_in  # noqa: F401
from tests.admin.pages import send, text, url
from tests.api.worlds import Caller, new_key
from tests.factories import World, make_member

KEY = re.compile(r"sd_(?:live|test)_[0-9a-f]{12}_[A-Za-z0-9_-]{43}")


@pytest.fixture
def administrator(acme: World) -> Membership:
    return make_member(acme.tenant, Role.ADMIN, name="Ada Adams")


def test_a_key_is_made_shown_once_used_and_revoked(owner: Client, acme: World):  # noqa: F811
    page = send(owner, url(ServiceIdentity, "add"), name="Shop backend", environment="live", scopes=["ticket.list", "ticket.see"])
    assert page.status_code == 200
    with acting_for(acme.tenant):
        service = ServiceIdentity.objects.get()
    assert service.scopes == ["ticket.list", "ticket.see"]
    (key,) = set(KEY.findall(text(send(owner, url(ApiKey, "add"), service=service.pk, name="first"))))
    row = ApiKey.objects.get()
    assert Caller(key).get("tickets").status_code == 200
    for address in (url(ApiKey, "changelist"), url(ApiKey, "change", row.pk), url(ServiceIdentity, "change", service.pk)):
        assert not KEY.search(text(owner.get(address, follow=True)))
    owner.post(url(ApiKey, "changelist"), {"action": "revoke", "_selected_action": [str(row.pk)]})
    assert Caller(key).get("tickets").status_code == 401


def test_a_scope_the_table_does_not_have_cannot_be_chosen(owner: Client, acme: World):  # noqa: F811
    send(owner, url(ServiceIdentity, "add"), name="Shop backend", environment="live", scopes=["ticket.eat"])
    with acting_for(acme.tenant):
        assert not ServiceIdentity.objects.exists()


def test_an_administrator_makes_no_key_that_acts_as_the_owner(
    acme: World,
    sign_in: SignIn,  # noqa: F811
    administrator: Membership,
):
    new_key(acme, "approval.decide", member=acme.owner, name="owners")
    browser = sign_in(administrator)
    scopes = ["approval.decide"]
    send(browser, url(ServiceIdentity, "add"), name="sly", environment="live", scopes=scopes, membership=acme.owner.pk)
    send(browser, url(ServiceIdentity, "add"), name="own", environment="live", scopes=scopes, membership=administrator.pk)
    with acting_for(acme.tenant):
        owners = ServiceIdentity.objects.get(name="owners")
        assert set(ServiceIdentity.objects.values_list("name", flat=True)) == {"owners", "own"}
    assert not KEY.search(text(send(browser, url(ApiKey, "add"), service=owners.pk, name="sly")))
    send(browser, url(ServiceIdentity, "change", owners.pk), membership=administrator.pk, scopes=["key.edit"])
    owners.refresh_from_db()
    assert (owners.membership_id, owners.scopes) == (acme.owner.pk, scopes)


def test_a_supervisor_sees_no_keys(acme: World, sign_in: SignIn):  # noqa: F811
    browser = sign_in(make_member(acme.tenant, Role.SUPERVISOR, name="Sam Stone"))
    for model in (ApiKey, ServiceIdentity):
        assert browser.get(url(model, "changelist")).status_code == 403
