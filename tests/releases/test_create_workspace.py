"""A first workspace can be worked in at once, and permits the agent nothing."""

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from agents.releases.models import Label
from policies.decide import WantedCall, decide
from policies.facts import CATALOGUE
from policies.verdicts import Verdict
from supportdesk.core.models import Membership, Tenant, User
from supportdesk.core.tenancy import acting_for
from tickets.models import Channel
from tickets.receiving import open_session, receive_chat_message

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-enough-password"


def create(**more: str) -> Tenant:
    call_command("create_workspace", "acme-tools", "Acme Tools", owner="alice@acme.example", password=PASSWORD, **more)
    return Tenant.objects.get(slug="acme-tools")


def test_a_customer_can_write_at_once():
    with acting_for(create()):
        session, _token = open_session(Channel.objects.get(key="chat"))
        message = receive_chat_message(session=session, body="Hello?", client_id="1")
    assert message.seq == 1


def test_the_owner_can_sign_in_and_open_admin(client):
    tenant = create()
    owner = Membership.objects.get(tenant=tenant)
    assert (owner.role, owner.user.email, owner.user.is_staff) == ("owner", "alice@acme.example", True)
    assert owner.user.check_password(PASSWORD)
    client.force_login(owner.user)
    assert client.get("/console/").status_code == 200


def test_the_first_release_permits_no_act():
    with acting_for(create()):
        version = Label.objects.get(name="live").release.policy_version
        facts = {**dict.fromkeys(CATALOGUE), "identity.level": "proven", "session.confirmed": True, "account.is_own": True}
        wanted = WantedCall("create_refund", is_write=True, arguments={})
        assert decide(wanted, facts, version.rules()).verdict is Verdict.ASK


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"owner": "nobody"}, "email"),
        ({"password": "short"}, "short"),
        ({"slug": "not a slug"}, "slug"),
    ],
)
def test_bad_input_is_refused_and_nothing_is_written(fields: dict[str, str], said: str):
    given = {"slug": "acme-tools", "owner": "alice@acme.example", "password": PASSWORD, **fields}
    with pytest.raises(CommandError, match=said):
        call_command("create_workspace", given.pop("slug"), "Acme Tools", **given)
    assert not Tenant.objects.filter(name="Acme Tools").exists()
    assert not User.objects.filter(email="alice@acme.example").exists()


def test_a_taken_name_is_told():
    create()
    with pytest.raises(CommandError, match="already"):
        create()
