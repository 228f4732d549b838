"""Single sign-on against a real provider: nobody signs in by a claim, only by issuer and subject of their own workspace's provider."""

from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.test import Client, RequestFactory

from supportdesk.accounts.models import SignInRules, SignOn
from supportdesk.accounts.provider import StrictAdapter, app_of
from supportdesk.core.models import Event, Membership, Role, User
from supportdesk.core.tenancy import acting_for
from tests.accounts.idp import SIGN_ON, Idp, altered, asked, came_back, connect, is_in, running, sent, signed_on
from tests.accounts.people import CODE, PROVE, code_of, enrol, forget_codes, let_proof_age, sign_in
from tests.factories import World, make_member

SUBJECT = "subject-1"


@pytest.fixture(scope="module")
def idps() -> Iterator[tuple[Idp, Idp]]:
    with running() as one, running() as other:
        yield one, other


@pytest.fixture
def idp(idps: tuple[Idp, Idp], settings: Any) -> Idp:
    settings.OUTBOUND_PRIVATE_HOSTS = [each.place for each in idps]
    return idps[0]


@pytest.fixture
def other(idps: tuple[Idp, Idp], idp: Idp) -> Idp:
    return idps[1]


@pytest.fixture
def bob(acme: World, idp: Idp) -> Membership:
    """Bob works at Acme, which has a provider that knows him."""
    member = make_member(acme.tenant, Role.RESPONDER, name="Bob Brown", email="bob@people.example")
    connect(acme, idp)
    idp.knows(SUBJECT, email=member.user.email, email_verified=True)
    return member


def test_a_teammate_comes_in_and_is_known_by_issuer_and_subject_from_then_on(acme: World, idp: Idp, bob: Membership) -> None:
    client = signed_on(acme, idp, SUBJECT)
    assert client.session["_auth_user_id"] == str(bob.user_id)
    row = SocialAccount.objects.get()
    assert (row.uid, row.provider, row.extra_data) == (SUBJECT, f"{acme.tenant.pk}|{idp.issuer}", {})
    assert not SocialToken.objects.exists()
    assert Event.objects.filter(tenant=acme.tenant, code="sign_on.linked").count() == 1


@pytest.mark.reliability(10, "issuer and subject")
def test_later_the_address_says_nothing(acme: World, idp: Idp, bob: Membership) -> None:
    signed_on(acme, idp, SUBJECT)
    make_member(acme.tenant, Role.ADMIN, name="Ada Admin", email="ada@people.example")
    idp.knows(SUBJECT, email="ada@people.example", email_verified=True)
    assert signed_on(acme, idp, SUBJECT).session["_auth_user_id"] == str(bob.user_id)
    idp.knows(SUBJECT)
    assert signed_on(acme, idp, SUBJECT).session["_auth_user_id"] == str(bob.user_id)


@pytest.mark.reliability(10, "issuer and subject")
def test_another_subject_with_the_same_address_is_somebody_else(acme: World, idp: Idp, bob: Membership) -> None:
    signed_on(acme, idp, SUBJECT)
    idp.knows("subject-2", email=bob.user.email, email_verified=True)
    assert not is_in(signed_on(acme, idp, "subject-2"))
    assert SocialAccount.objects.count() == 1


@pytest.mark.reliability(10, "issuer and subject")
def test_the_same_subject_of_another_issuer_is_somebody_else(acme: World, idp: Idp, other: Idp, bob: Membership) -> None:
    signed_on(acme, idp, SUBJECT)
    with acting_for(acme.tenant):
        SignOn.objects.update(issuer=other.issuer)
    other.knows(SUBJECT, email="stranger@people.example", email_verified=True)
    assert not is_in(signed_on(acme, other, SUBJECT))


@pytest.mark.reliability(10, "issuer and subject")
def test_the_same_issuer_and_subject_at_another_workspace_is_somebody_else(acme: World, globex: World, idp: Idp, bob: Membership) -> None:
    signed_on(acme, idp, SUBJECT)
    connect(globex, idp)
    assert not is_in(signed_on(globex, idp, SUBJECT))


@pytest.mark.reliability(10, "unverified mail")
@pytest.mark.parametrize("verified", [False, None, "true", 1, "false", [True]])
def test_an_address_that_is_not_verified_opens_nothing(acme: World, idp: Idp, bob: Membership, verified: Any) -> None:
    idp.knows("unverified", email=bob.user.email, **({} if verified is None else {"email_verified": verified}))
    assert not is_in(signed_on(acme, idp, "unverified"))
    assert not SocialAccount.objects.exists()


@pytest.mark.reliability(10, "look-alike domains")
@pytest.mark.parametrize(
    "email",
    [
        "bob@peоple.example",
        "bob@sub.people.example",
        "bob@people.example.evil.example",
        "bob@evilpeople.example",
        "bob@people.example@evil.example",
        "bob@evil.example@people.example",
        "bob@people.example.",
        "bob@people.example\n",
        "@people.example",
        "bob@",
        "bob@ｐeople.example",
        "bob@xn--peple-jye.example",
        "bob@people.examp1e",
        "boß@people.example",
        ["bob@people.example"],
        {"bob@people.example": 1},
    ],
)
def test_a_look_alike_is_nobody(acme: World, idp: Idp, bob: Membership, email: Any) -> None:
    idp.knows("look-alike", email=email, email_verified=True)
    assert not is_in(signed_on(acme, idp, "look-alike"))
    assert not SocialAccount.objects.exists()


@pytest.mark.reliability(10, "look-alike domains")
def test_a_teammate_whose_address_lies_elsewhere_is_not_spoken_for(acme: World, idp: Idp, bob: Membership) -> None:
    """Even where the address is a teammate's, letter by letter."""
    for email in ("eve@other.example", "eve@sub.people.example", "eve@people.example.evil.example"):
        make_member(acme.tenant, Role.VIEWER, name="Eve Elsewhere", email=email)
        idp.knows("elsewhere", email=email, email_verified=True)
        assert not is_in(signed_on(acme, idp, "elsewhere")), email


@pytest.mark.reliability(10, "unverified mail")
def test_nobody_signs_up_and_people_of_other_workspaces_are_not_spoken_for(acme: World, globex: World, idp: Idp, bob: Membership) -> None:
    make_member(globex.tenant, Role.ADMIN, name="Gina Globex", email="gina@people.example")
    both = make_member(acme.tenant, Role.VIEWER, name="Dora Double", email="dora@people.example")
    make_member(globex.tenant, Role.ADMIN, user=both.user)
    make_member(acme.tenant, Role.OWNER, name="Olga Owner", email="olga@people.example")
    make_member(acme.tenant, Role.VIEWER, name="Root", email="root@people.example", is_superuser=True)
    gone = make_member(acme.tenant, Role.VIEWER, name="Gone", email="gone@people.example")
    Membership.objects.filter(pk=gone.pk).update(is_active=False)
    people = User.objects.count()
    for name in ("new", "gina", "dora", "olga", "root", "gone"):
        idp.knows(name, email=f"{name}@people.example", email_verified=True)
        assert not is_in(signed_on(acme, idp, name)), name
    assert User.objects.count() == people
    assert not SocialAccount.objects.exists()


@pytest.mark.reliability(10, "issuer and subject")
def test_whoever_joins_a_second_workspace_is_no_longer_spoken_for(acme: World, globex: World, idp: Idp, bob: Membership) -> None:
    assert is_in(signed_on(acme, idp, SUBJECT))
    make_member(globex.tenant, Role.ADMIN, user=bob.user)
    assert not is_in(signed_on(acme, idp, SUBJECT))


def test_it_asks_with_state_nonce_and_pkce(acme: World, idp: Idp, bob: Membership) -> None:
    question = asked(sent(Client(), acme))
    assert len(question["state"]) >= 22
    assert len(question["nonce"]) >= 22
    assert (question["code_challenge_method"], question["response_type"]) == ("S256", "code")
    assert question["redirect_uri"] == "http://testserver/console/sign-on/acme/back/"
    assert "openid" in question["scope"]
    assert "secret" not in str(question)


@pytest.mark.reliability(10, "issuer and subject")
def test_an_answer_is_taken_once_and_by_the_browser_that_asked(acme: World, globex: World, idp: Idp, bob: Membership) -> None:
    client, thief = Client(), Client()
    url = idp.consent(sent(client, acme), SUBJECT)
    came_back(thief, url)
    assert not is_in(thief)
    came_back(client, url)
    assert is_in(client)
    client.post("/console/sign-out/")
    came_back(client, url)
    assert not is_in(client)
    sent(thief, acme)
    came_back(thief, altered(idp.consent(sent(Client(), acme), SUBJECT), state=asked(sent(Client(), acme))["state"]))
    assert not is_in(thief)


@pytest.mark.reliability(10, "issuer and subject")
def test_the_answer_of_one_workspaces_provider_opens_nothing_at_another(acme: World, globex: World, idp: Idp, bob: Membership) -> None:
    connect(globex, idp)
    client = Client()
    url = idp.consent(sent(client, acme), SUBJECT)
    came_back(client, url.replace("/acme/", "/globex/"))
    assert not is_in(client)


@pytest.mark.reliability(10, "issuer and subject")
@pytest.mark.parametrize("nonce", ["", "another nonce"])
def test_a_token_with_another_nonce_is_refused(acme: World, idp: Idp, bob: Membership, nonce: str) -> None:
    client = Client()
    came_back(client, idp.consent(altered(sent(client, acme), nonce=nonce), SUBJECT))
    assert not is_in(client)


def token_for(idp: Idp, client_id: str) -> str:
    """A real ID token of this provider, for an app of that name."""
    back = idp.consent(
        f"{idp.issuer}/oauth2/authorize?client_id={client_id}&response_type=code&redirect_uri=http://a.example/&scope=openid%20email",
        SUBJECT,
    )
    form = {"grant_type": "authorization_code", "code": asked(back)["code"], "client_id": client_id, "redirect_uri": "http://a.example/"}
    return str(httpx.post(f"{idp.issuer}/oauth2/token", data={**form, "client_secret": "x"}).json()["id_token"])


@pytest.mark.reliability(10, "issuer and subject")
def test_a_token_for_another_app_of_another_issuer_or_with_another_signature_is_refused(
    acme: World, idp: Idp, other: Idp, bob: Membership
) -> None:
    with acting_for(acme.tenant):
        app = app_of(SignOn.objects.get())
    adapter = StrictAdapter(RequestFactory().get("/"), "acme")
    good = token_for(idp, "desk")
    claims = adapter._checked(app, good)
    assert claims["sub"] == SUBJECT
    secret = "a made-up secret that is long enough for it"
    kid = jwt.get_unverified_header(good).get("kid", "")
    forged = {**claims, "sub": "subject-9"}
    bad = [
        token_for(idp, "another-app"),
        token_for(other, "desk"),
        jwt.encode(forged, secret, "HS256", headers={"kid": kid}),
        jwt.encode(forged, "", "none", headers={"kid": kid}),
        good.rpartition(".")[0] + "." + "A" * 342,
        good.rpartition(".")[0] + ".",
        ".".join([good.split(".")[0], jwt.encode(forged, secret, "HS256").split(".")[1], good.split(".")[2]]),
        "",
        "null",
        "a.b.c",
    ]
    for token in bad:
        with pytest.raises(OAuth2Error):
            adapter._checked(app, token)


HEADERS = (
    *("X-Forwarded-User", "Remote-User", "REMOTE_USER", "X-Remote-User", "X-Auth-Request-Email", "X-Auth-Request-User", "X-User"),
    *("X-Forwarded-Email", "X-Forwarded-Preferred-Username", "X-Authenticated-User", "X-WEBAUTH-USER", "X-Email", "X-User-Id", "From"),
    *("X-Goog-Authenticated-User-Email", "Cf-Access-Authenticated-User-Email", "X-MS-CLIENT-PRINCIPAL-NAME", "X-Amzn-Oidc-Identity"),
    *("X-Amzn-Oidc-Data", "X-SSL-Client-S-DN", "SSL_CLIENT_S_DN", "X-Client-Cert", "X-Membership", "X-Tenant", "X-Original-User"),
)


@pytest.mark.reliability(10, "identity headers")
@pytest.mark.parametrize("value", ["email", "pk", "name"])
def test_a_header_that_names_somebody_names_nobody(acme: World, value: str) -> None:
    user = acme.owner.user
    User.objects.filter(pk=user.pk).update(is_superuser=True, is_staff=True)
    sent_as = str(getattr(user, value))
    for header in HEADERS:
        name = f"HTTP_{header.upper().replace('-', '_')}"
        for path in ("/console/", "/admin/", "/operator/", "/console/profile/", "/api/v1/tickets"):
            client = Client(raise_request_exception=False)
            # As a header, and as a server would hand on a variable of its own.
            answers = [client.get(path, **{key: sent_as}) for key in (name, header.upper().replace("-", "_"))]
            assert {answer.status_code for answer in answers} <= {302, 401}, (header, path)
            assert not is_in(client)


def test_the_second_factor_is_asked_for_all_the_same(acme: World, idp: Idp, bob: Membership) -> None:
    secret, _codes = enrol(bob.user)
    forget_codes()
    client = signed_on(acme, idp, SUBJECT)
    assert not is_in(client)
    assert "access_token" not in str(dict(client.session.items()))
    assert "'token'" not in str(dict(client.session.items()))
    with acting_for(acme.tenant):
        SignOn.objects.update(is_on=False)
    assert client.post(CODE, {"code": code_of(secret)})["Location"] == "/console/sign-in/"
    with acting_for(acme.tenant):
        SignOn.objects.update(is_on=True)
    client = signed_on(acme, idp, SUBJECT)
    client.post(CODE, {"code": code_of(secret)})
    assert is_in(client)


def test_where_the_workspace_asks_for_one_it_is_set_up_first(acme: World, idp: Idp, bob: Membership) -> None:
    with acting_for(acme.tenant):
        SignInRules.objects.create(require_second_factor=True)
    forget_codes()
    client = signed_on(acme, idp, SUBJECT)
    assert client.get("/console/")["Location"] == "/console/profile/second-factor/"


def test_where_it_is_required_passwords_open_nothing_but_for_owners(acme: World, idp: Idp, bob: Membership) -> None:
    with acting_for(acme.tenant):
        SignOn.objects.update(required=True)
    assert not is_in(sign_in(bob))
    assert is_in(sign_in(acme.owner))
    assert is_in(signed_on(acme, idp, SUBJECT))
    with acting_for(acme.tenant):
        SignOn.objects.update(is_on=False)
    assert is_in(sign_in(bob))
    assert not is_in(signed_on_anyhow(acme))


def signed_on_anyhow(world: World) -> Client:
    client = Client()
    assert sent(client, world) == "/console/sign-in/"
    return client


def test_a_workspace_without_a_provider_looks_like_none(acme: World) -> None:
    answers = [Client().post(SIGN_ON, {"workspace": name}) for name in (acme.tenant.slug, "nobody", "", "a\x00b", "ä" * 60)]
    assert {(answer.status_code, answer["Location"]) for answer in answers} == {(302, "/console/sign-in/")}
    for path in (f"{SIGN_ON}acme/back/", f"{SIGN_ON}nobody/back/?state=x&code=y", f"{SIGN_ON}acme/back/?error=access_denied"):
        assert Client().get(path)["Location"] == "/console/sign-in/"


def test_a_provider_on_an_inside_address_is_never_asked(acme: World, settings: Any) -> None:
    settings.OUTBOUND_PRIVATE_HOSTS = []
    with acting_for(acme.tenant):
        SignOn.objects.create(issuer="http://127.0.0.1:1", client_id="x", domains="people.example")
    assert sent(Client(), acme) == "/console/sign-in/"
    form = {"issuer": "http://169.254.169.254/", "client_id": "x", "domains": "a.example", "secret": "s"}
    answer = sign_in(acme.owner).post("/console/people/sign-on/", form)
    assert answer.status_code == 422
    assert "This host is not on the public internet." in answer.content.decode()


def test_the_provider_is_set_up_on_its_page_and_its_secret_is_not_shown(acme: World, idp: Idp) -> None:
    client = sign_in(acme.owner)
    form = {"issuer": idp.issuer, "client_id": "desk", "domains": "people.example", "secret": "very secret indeed", "is_on": "on"}
    assert client.post("/console/people/sign-on/", form).status_code == 302
    page = client.get("/console/people/sign-on/").content.decode()
    assert idp.issuer in page
    assert "very secret indeed" not in page
    assert client.post("/console/people/sign-on/", {**form, "secret": ""}).status_code == 302
    with acting_for(acme.tenant):
        assert SignOn.objects.get().sealed_secret.open() == "very secret indeed"
    assert "very secret" not in str(list(Event.objects.values()))
    let_proof_age(client)
    assert client.post("/console/people/sign-on/", form).status_code == 403


def test_who_has_no_password_proves_it_at_the_provider(acme: World, idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = make_member(acme.tenant, Role.ADMIN, name="Ada Admin", email="ada@people.example")
    ada.user.set_unusable_password()
    ada.user.save()
    connect(acme, idp)
    idp.knows("ada", email=ada.user.email, email_verified=True)
    client = signed_on(acme, idp, "ada")
    let_proof_age(client)
    assert client.get("/console/people/sign-on/").status_code == 302
    assert "Sign in at your identity provider" in client.get(f"{PROVE}?next=/console/people/sign-on/").content.decode()

    def proved(sub: str) -> bool:
        url = client.post(f"{SIGN_ON}prove/", {"next": "/console/people/sign-on/"})["Location"]
        assert (asked(url)["prompt"], asked(url)["max_age"]) == ("login", "0")
        idp.knows(sub, email=f"{sub}@people.example", email_verified=True)
        came_back(client, idp.consent(url, sub))
        return client.get("/console/people/sign-on/").status_code == 200

    make_member(acme.tenant, Role.ADMIN, name="Eve Else", email="eve@people.example")
    with monkeypatch.context() as patched:
        # The provider says that the person signed in there a while ago.
        patched.setattr("supportdesk.accounts.provider.FRESH", -1)
        assert not proved("ada")
    assert not proved("eve")
    assert proved("ada")
    assert client.session["_auth_user_id"] == str(ada.user_id)
