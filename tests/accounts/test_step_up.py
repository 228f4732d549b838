"""Sensitive steps ask again who it is when the last proof is older than ten minutes; what was typed is kept."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from agents.actions.ledger import approval_hash
from agents.actions.models import Approval, Connector, State
from agents.releases.models import Agent, Label
from agents.releases.services import make_release
from policies.models import Limit
from supportdesk.accounts.models import SignInRules
from supportdesk.core.events import SYSTEM_ACTOR
from supportdesk.core.keys import make_key
from supportdesk.core.models import ApiKey, Membership, ServiceIdentity
from supportdesk.core.permissions import PERMISSIONS, STEP_UP
from supportdesk.core.same_page import FIELD
from supportdesk.core.stepup import PROOF_FIELD, PROOF_SECONDS
from supportdesk.core.tenancy import acting_for
from tests.accounts.people import PROVE, code_of, enrol, forget_codes, let_proof_age, proof
from tests.admin.conftest import Drafts, make_drafts
from tests.admin.pages import form_data, url
from tests.api.worlds import Caller
from tests.console import approvals
from tests.console.approvals import bounded_policy
from tests.factories import World


@pytest.fixture
def at_acme(acme: World) -> Iterator[World]:
    with acting_for(acme.tenant):
        yield acme


@pytest.fixture
def drafts(acme: World) -> Drafts:
    return make_drafts(acme)


@pytest.fixture
def alice(acme: World) -> Client:
    """The owner, who proved who she is too long ago."""
    return long_ago(acme.owner)


def long_ago(member: Membership) -> Client:
    member.user.is_staff = True
    member.user.save(update_fields=["is_staff"])
    client = Client()
    client.force_login(member.user, backend="django.contrib.auth.backends.ModelBackend")
    let_proof_age(client)
    return client


def kept(answer: Any) -> list[tuple[str, str]]:
    """The hidden fields of the page that asks."""
    return re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', answer.content.decode())


def waiting_approval(*args: Any, **fields: Any) -> Approval:
    """One that waits, with the hash its page shows."""
    approval = approvals.waiting_approval(*args, **fields)
    approval.shown_hash = approval_hash(approval.call)
    approval.save(update_fields=["shown_hash"])
    return approval


def asks(answer: Any) -> bool:
    return answer.status_code == 403 and f'name="{PROOF_FIELD}"' in answer.content.decode()


def sent(client: Client, address: str, data: dict[str, Any]) -> Any:
    """Post, be asked, and post the page that asks with the password."""
    asked = client.post(address, data)
    assert asks(asked)
    again = {name: value for name, value in data.items() if value is not None}
    assert {name for name, _value in kept(asked)} - {"csrfmiddlewaretoken", FIELD} == set(again)
    return client.post(address, {**again, **proof()})


@pytest.mark.reliability(13, "secrets")
def test_replacing_a_connectors_secret_asks_and_keeps_what_was_typed(alice: Client, acme: World) -> None:
    with acting_for(acme.tenant):
        shop = Connector.objects.create(key="shop", name="Shop", base_url="https://shop.example")
    address = url(Connector, "change", shop.pk)
    data = {**form_data(alice.get(address)), "new_token": "tok-of-the-shop"}
    data = {name: value for name, value in data.items() if value is not None}
    asked = alice.post(address, data)
    assert asks(asked)
    assert ("new_token", "tok-of-the-shop") in kept(asked)
    assert "no-store" in asked["Cache-Control"]
    assert "tok-of-the-shop" not in str(dict(alice.session))
    with acting_for(acme.tenant):
        assert Connector.objects.get().sealed_token == ""
    assert alice.post(address, {**data, **proof("wrong")}).status_code == 422
    assert alice.post(address, {**data, **proof()}).status_code == 302
    with acting_for(acme.tenant):
        assert Connector.objects.get().sealed_token != ""


@pytest.mark.reliability(13, "secrets")
def test_making_a_key_asks(alice: Client, acme: World) -> None:
    with acting_for(acme.tenant):
        service = ServiceIdentity.objects.create(name="Backend", scopes=["ticket.list"])
    data = {"service": str(service.pk), "name": "shop backend", "expires_at_0": "", "expires_at_1": ""}
    assert asks(alice.post(url(ApiKey, "add"), data))
    assert asks(alice.post("/console/profile/keys/", {"name": "Mine", "scopes": "ticket.list", "days": "30"}))
    assert not ApiKey.objects.exists()
    assert sent(alice, url(ApiKey, "add"), data).status_code == 302
    assert ApiKey.objects.count() == 1


@pytest.mark.reliability(13, "publishing")
@pytest.mark.parametrize("by", ["button", "action"])
def test_publishing_a_policy_asks(alice: Client, drafts: Drafts, acme: World, by: str) -> None:
    if by == "action":
        address, data = url(type(drafts.policy), "changelist"), {"action": "publish", "_selected_action": str(drafts.policy.pk)}
    else:
        address = url(type(drafts.policy), "change", drafts.policy.pk)
        found = form_data(alice.get(address)) | {"policies_policy_publish_after_saving": "1"}
        data = {name: str(value) for name, value in found.items() if value is not None}
    assert asks(alice.post(address, data))
    with acting_for(acme.tenant):
        assert not drafts.policy.versions.exists()
    alice.post(address, {**data, **proof()}, follow=True)
    with acting_for(acme.tenant):
        assert drafts.policy.versions.count() == 1


@pytest.mark.reliability(13, "publishing")
def test_making_a_release_live_asks(alice: Client, drafts: Drafts, acme: World) -> None:
    with acting_for(acme.tenant):
        from policies.publishing import publish_policy, publish_prompt

        publish_policy(drafts.policy, by=SYSTEM_ACTOR)
        publish_prompt(drafts.prompt, by=SYSTEM_ACTOR)
        agent = Agent.objects.create(brand=acme.brand, prompt=drafts.prompt, policy=drafts.policy)
        release = make_release(agent, by=SYSTEM_ACTOR, name="test")
        labels = Label.objects.count()
    data = {"action": "make_live", "_selected_action": str(release.pk)}
    assert asks(alice.post(url(type(release), "changelist"), data))
    with acting_for(acme.tenant):
        assert Label.objects.count() == labels


@pytest.mark.reliability(13, "limits")
def test_raising_a_limit_asks_on_each_page_that_can(alice: Client, drafts: Drafts, acme: World) -> None:
    for row, name in ((drafts.limit, "amount"), (drafts.policy, "limits-0-amount")):
        address = url(type(row), "change", row.pk)
        data = {key: value for key, value in form_data(alice.get(address)).items() if value is not None}
        assert name in data
        assert asks(alice.post(address, {**data, name: "EUR 9000.00"}))
        assert asks(alice.post(url(type(row), "delete", row.pk), {"post": "yes"}))
    with acting_for(acme.tenant):
        assert Limit.objects.get().amount == {"EUR": 20_000}


@pytest.mark.reliability(13, "limits")
def test_changing_how_people_sign_in_asks(alice: Client, acme: World) -> None:
    data = {"session_hours": "3", "step_up_amount": "99999999"}
    assert asks(alice.post(url(SignInRules, "add"), data))
    with acting_for(acme.tenant):
        assert not SignInRules.objects.exists()
    assert sent(alice, url(SignInRules, "add"), data).status_code == 302


@pytest.mark.reliability(13, "approvals")
@pytest.mark.parametrize(("amount", "currency", "asked"), [(50_000, "EUR", False), (50_001, "EUR", True), (100, "USD", True)])
def test_approving_above_the_amount_asks(at_acme: World, amount: int, currency: str, asked: bool) -> None:
    arguments = {"order_number": "N-20418", "amount": amount, "currency": currency, "reason": "broken"}
    approval = waiting_approval(at_acme, bounded_policy(), amount=amount, currency=currency, arguments=arguments)
    client = long_ago(at_acme.owner)
    address, data = f"/console/approvals/{approval.pk}/approve/", {"shown": approval.shown_hash}
    answer = client.post(address, data)
    assert asks(answer) is asked
    approval.call.refresh_from_db()
    assert approval.call.state == (State.WAITING if asked else State.APPROVED)
    if asked:
        assert client.post(address, {**data, **proof()}).status_code == 302
        approval.call.refresh_from_db()
        assert approval.call.state == State.APPROVED


@pytest.mark.reliability(13, "approvals")
def test_editing_to_an_amount_above_asks_too_and_rejecting_never_does(at_acme: World) -> None:
    approval = waiting_approval(at_acme, bounded_policy(), before={}, amount=60_000)
    client = long_ago(at_acme.owner)
    assert asks(client.post(f"/console/approvals/{approval.pk}/edit/", {"shown": approval.shown_hash, "amount": "10.00"}))
    assert not asks(client.post(f"/console/approvals/{approval.pk}/reject/", {"reason": "Not now"}))
    approval.refresh_from_db()
    assert approval.decision == "reject"


@pytest.mark.reliability(13, "approvals")
def test_a_key_that_acts_as_a_teammate_cannot_approve_above_the_amount(at_acme: World) -> None:
    approval = waiting_approval(at_acme, bounded_policy(), amount=60_000)
    service = ServiceIdentity.objects.create(name="Script", scopes=["approval.decide", "approval.see"], membership=at_acme.owner)
    caller = Caller(make_key(service=service, name="k")[1])
    for verb, body in (
        ("approve", {"hash": approval.shown_hash}),
        ("edit", {"hash": approval.shown_hash, "arguments": {"amount": 100}}),
    ):
        answer = caller.post(f"approvals/{approval.pk}/{verb}", body)
        assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")
    assert caller.post(f"approvals/{approval.pk}/reject", {"reason": "Not now"}).status_code == 200


def test_the_workspace_says_above_which_amount(at_acme: World) -> None:
    SignInRules.objects.create(step_up_amount=1_000)
    approval = waiting_approval(at_acme, bounded_policy())
    assert asks(long_ago(at_acme.owner).post(f"/console/approvals/{approval.pk}/approve/", {"shown": approval.shown_hash}))


def test_a_page_of_htmx_is_sent_to_the_page_that_asks_and_comes_back(at_acme: World) -> None:
    approval = waiting_approval(at_acme, bounded_policy(), amount=60_000)
    client = long_ago(at_acme.owner)
    where = f"http://testserver/console/approvals/{approval.pk}/"
    headers = {"HX-Request": "true", "HX-Current-URL": where}
    answer = client.post(f"/console/approvals/{approval.pk}/approve/", {"shown": approval.shown_hash}, headers=headers)
    asked = answer["HX-Redirect"]
    assert asked == f"{PROVE}?next=%2Fconsole%2Fapprovals%2F{approval.pk}%2F"
    assert client.get(asked).status_code == 200
    assert client.post(asked, proof("wrong")).status_code == 422
    assert client.post(asked, proof())["Location"] == f"/console/approvals/{approval.pk}/"
    done = client.post(f"/console/approvals/{approval.pk}/approve/", {"shown": approval.shown_hash}, headers=headers)
    assert "HX-Redirect" not in done
    approval.call.refresh_from_db()
    assert approval.call.state == State.APPROVED


def test_the_page_that_asks_leads_nowhere_else(acme: World) -> None:
    client = long_ago(acme.owner)
    for elsewhere in ("https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"):
        answer = client.post(f"{PROVE}?next={elsewhere}", proof())
        assert answer["Location"] == "/console/"
        let_proof_age(client)


def test_a_fresh_sign_in_is_a_proof_for_ten_minutes_and_no_longer(acme: World) -> None:
    client = Client()
    client.force_login(acme.owner.user, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/console/profile/second-factor/").status_code == 200
    let_proof_age(client, PROOF_SECONDS - 30)
    assert client.get("/console/profile/second-factor/").status_code == 200
    for seconds in (PROOF_SECONDS + 1, -3600):
        let_proof_age(client, seconds)
        assert client.get("/console/profile/second-factor/")["Location"].startswith(PROVE)


def test_with_a_second_factor_the_password_is_no_proof(acme: World) -> None:
    secret, _codes = enrol(acme.owner.user)
    forget_codes()
    client = long_ago(acme.owner)
    asked = client.get(PROVE).content.decode()
    assert "Code of your authenticator app" in asked
    assert client.post(PROVE, proof()).status_code == 422
    assert client.post(PROVE, proof(code_of(secret))).status_code == 302


@pytest.mark.reliability(12, "lock")
def test_the_page_that_asks_is_no_place_to_guess_passwords(acme: World) -> None:
    client = long_ago(acme.owner)
    for _ in range(9):
        said = client.post(PROVE, proof("nope")).content.decode()
    assert "Too many tries" in said
    assert client.post(PROVE, proof()).status_code == 422


def test_what_was_posted_comes_back_escaped(alice: Client, acme: World) -> None:
    hostile = '"><script>alert(1)</script>'
    page = alice.post("/console/profile/keys/", {"name": hostile, "days": "30"}).content.decode()
    assert escape(hostile) in page
    assert hostile not in page


def test_the_set_names_permissions_of_the_table_and_all_that_was_agreed() -> None:
    assert set(PERMISSIONS) >= STEP_UP
    agreed = {"policy.publish", "release.promote", "key.edit", "audit.export", "customer.export", "customer.erase", "retention.edit"}
    assert agreed | {"sign_in.edit", "connector.edit"} <= STEP_UP


def test_whoever_may_not_is_refused_and_not_asked(acme: World) -> None:
    from supportdesk.core.models import Role
    from tests.factories import make_member

    client = long_ago(make_member(acme.tenant, Role.VIEWER, name="Vera Vik"))
    answer = client.post(url(SignInRules, "add"), {"session_hours": "3", "step_up_amount": "1"})
    assert answer.status_code == 403
    assert PROOF_FIELD not in answer.content.decode()
