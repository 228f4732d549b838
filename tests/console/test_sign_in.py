"""Coming in, going out, changing the workspace."""

from django.conf import settings
from django.test import Client
from django.urls import reverse

from supportdesk.core.models import Membership, Role
from tests.console.conftest import Desk
from tests.factories import PASSWORD, World, make_member, make_user

SIGN_IN = "/console/sign-in/"


def sign_in(client: Client, email: str, password: str = PASSWORD, **more: str):
    """Fill in the form."""
    return client.post(SIGN_IN, {"username": email, "password": password, **more})


def test_email_and_password_lead_to_the_queue(acme: World, client: Client) -> None:
    response = sign_in(client, acme.owner.user.email.upper())
    assert response["Location"] == reverse("console:queue")
    assert client.get(response["Location"]).status_code == 200


def test_one_comes_back_to_the_page_one_wanted_but_never_to_another_site(acme: World, client: Client) -> None:
    assert sign_in(client, acme.owner.user.email, next="/console/tickets/7/")["Location"] == "/console/tickets/7/"
    assert sign_in(Client(), acme.owner.user.email, next="https://evil.example/")["Location"] == reverse("console:queue")


def test_a_wrong_password_says_so_and_counts_down(acme: World, client: Client) -> None:
    first = sign_in(client, acme.owner.user.email, "nope")
    assert first.status_code == 422
    assert "Email and password do not match." in first.content.decode()
    for _ in range(4):
        last = sign_in(client, acme.owner.user.email, "nope")
    assert "3 tries left." in last.content.decode()


def test_too_many_tries_lock_and_the_page_says_for_how_long(acme: World, client: Client) -> None:
    for _ in range(settings.AXES_FAILURE_LIMIT):
        response = sign_in(client, acme.owner.user.email, "nope")
    assert response.status_code == 429
    assert "locked for this address for 15 minutes" in response.content.decode()
    assert sign_in(client, acme.owner.user.email.upper()).status_code == 429


def test_a_lock_of_one_address_is_no_lock_of_another(acme: World, globex: World, client: Client) -> None:
    for _ in range(settings.AXES_FAILURE_LIMIT):
        sign_in(client, acme.owner.user.email, "nope")
    assert sign_in(client, globex.owner.user.email).status_code == 302


def test_an_empty_form_names_what_is_missing(acme: World, client: Client) -> None:
    page = sign_in(client, "", "").content.decode()
    assert "Enter your password." in page
    assert 'aria-invalid="true"' in page


def test_an_account_without_a_workspace_is_told_so(db: None, client: Client) -> None:
    user = make_user("Nora None")
    response = sign_in(client, user.email)
    assert "belongs to no workspace" in response.content.decode()
    assert "_auth_user_id" not in client.session


def test_signing_out_takes_a_post(acme: World, desk: Desk) -> None:
    client = desk(acme.owner)
    assert client.get("/console/sign-out/").status_code == 405
    assert client.post("/console/sign-out/").status_code == 302
    assert client.get("/console/")["Location"].startswith(SIGN_IN)


def test_only_ones_own_workspaces_can_be_chosen(acme: World, globex: World, desk: Desk) -> None:
    client = desk(acme.owner)
    assert client.post("/console/workspace/", {"membership": globex.owner.pk}).status_code == 404
    both = make_member(globex.tenant, Role.VIEWER, user=acme.owner.user)
    assert client.post("/console/workspace/", {"membership": both.pk}).status_code == 302
    assert "Globex" in client.get("/console/").content.decode()


def test_a_teammate_can_take_a_break(acme: World, desk: Desk) -> None:
    desk(acme.owner).post("/console/availability/", {"available": "0"})
    assert Membership.objects.get(pk=acme.owner.pk).is_available is False


def test_a_deactivated_teammate_is_out_at_once(acme: World, desk: Desk) -> None:
    client = desk(acme.owner)
    Membership.objects.filter(pk=acme.owner.pk).update(is_active=False)
    response = client.get("/console/")
    assert response["Location"].startswith(SIGN_IN)
    assert client.get(response["Location"]).status_code == 200
