"""OpenID Connect on django-allauth: our row is its app, our door its HTTP, and the token is believed only when every check of it holds.

allauth keeps state and PKCE, exchanges the code and runs the rest of signing in (second factor included); what it leaves out is here: the
token's signature whatever way it came, the nonce, and that the discovery document is the issuer's own.
"""

import base64
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import jwt
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from supportdesk.accounts.models import SignOn
from supportdesk.accounts.sign_on import NotSpokenFor, is_spoken_for, key_of, linked, person_of, sign_on_of
from supportdesk.core import safe_http
from supportdesk.core.models import Tenant, User
from supportdesk.core.stepup import mark_proved, safe_next

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
# How far clocks may differ, and how fresh a sign-in must be that proves who it is.
LEEWAY, FRESH = 60, 120
FAILED = "Single sign-on did not work. Try again, or ask an administrator of your workspace."


@dataclass(frozen=True)
class Reply:
    """An answer of the door in the shape allauth reads."""

    answer: safe_http.Answer

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        return self.answer.status

    @property
    def headers(self) -> dict[str, str]:
        """Names in small letters."""
        return {name.lower(): value for name, value in self.answer.headers.items()}

    @property
    def text(self) -> str:
        """The body as text."""
        return self.answer.body.decode(errors="replace")

    @property
    def content(self) -> bytes:
        """Nothing: allauth quotes it in errors, and it may hold a token."""
        return b""

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            OAuth2Error: when it is none.
        """
        try:
            return self.answer.json()
        except ValueError as error:
            raise OAuth2Error("No JSON came back.") from error

    def raise_for_status(self) -> None:
        """Only an answer of 200 is one.

        Raises:
            OAuth2Error: for any other.
        """
        if self.answer.status != 200:
            raise OAuth2Error(f"The provider answered {self.answer.status}.")


class DoorSession:
    """What allauth takes for its HTTP client: every request goes through the outbound door."""

    def __enter__(self) -> "DoorSession":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def get(self, url: str, headers: dict[str, str] | None = None) -> Reply:
        """A GET request."""
        return self.request("GET", url, headers=headers)

    def request(
        self, method: str, url: str, *, params: Any = None, data: Any = None, headers: dict[str, str] | None = None, auth: Any = None
    ) -> Reply:
        """One request.

        Raises:
            OAuth2Error: when the door refuses the address or nothing complete comes back.
        """
        sent = dict(headers or {})
        if auth is not None:
            sent["Authorization"] = "Basic " + base64.b64encode(f"{auth.username}:{auth.password}".encode()).decode()
        try:
            target = f"{url}?{urlencode(params)}" if params else url
            return Reply(safe_http.request(method, target, headers=sent, form=data))
        except (safe_http.Refused, safe_http.NoAnswer) as error:
            raise OAuth2Error("The provider was not reached.") from error


class StrictAdapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """allauth's own, believing nothing it has not checked."""

    @property
    def openid_config(self) -> dict[str, Any]:
        """The issuer's discovery document.

        Raises:
            OAuth2Error: when it is another issuer's, or lacks an address.
        """
        found: dict[str, Any] = super().openid_config
        needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if found.get("issuer") != self.get_provider().app.settings["issuer"] or not all(
            isinstance(found.get(each), str) for each in needed
        ):
            raise OAuth2Error("The discovery document is not this issuer's.")
        return found

    @property
    def basic_auth(self) -> bool:
        """How the secret is shown: in the header, as the standard has it where nothing is said, unless only a form field is taken."""
        return "client_secret_basic" in self.openid_config.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        """Where the provider sends people back to: the workspace's own address."""
        return str(request.build_absolute_uri(reverse("console:sign_on_back", args=[app.settings["tenant"]])))

    def complete_login(self, request: HttpRequest, app: SocialApp, token: Any, **kwargs: Any) -> Any:
        """The claims of the ID token, checked; the user info endpoint is not asked."""
        id_token = kwargs["response"].get("id_token")
        if not isinstance(id_token, str):
            raise OAuth2Error("No ID token.")
        claims = self._checked(app, id_token)
        request.sign_on_claims = claims  # type: ignore[attr-defined]
        return self.get_provider().sociallogin_from_response(request, claims)

    def _checked(self, app: SocialApp, id_token: str) -> dict[str, Any]:
        """Signature, issuer, audience, authorised party and times."""
        try:
            header = jwt.get_unverified_header(id_token)
            if header.get("alg") not in ALGORITHMS:
                raise OAuth2Error("This algorithm is not taken.")
            claims: dict[str, Any] = jwt.decode(
                id_token,
                key=self._key(header),
                algorithms=[header["alg"]],
                audience=app.client_id,
                issuer=app.settings["issuer"],
                leeway=LEEWAY,
                options={"require": ["exp", "iat", "iss", "aud", "sub"], "verify_iat": True},
            )
        except (jwt.PyJWTError, KeyError, TypeError, ValueError) as error:
            raise OAuth2Error("The ID token does not hold.") from error
        others = [each for each in claims["aud"] if each != app.client_id] if isinstance(claims["aud"], list) else []
        if others or claims.get("azp", app.client_id) != app.client_id:
            raise OAuth2Error("The ID token is for somebody else.")
        if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 190:
            raise OAuth2Error("The ID token names nobody.")
        return claims

    def _key(self, header: dict[str, Any]) -> Any:
        with DoorSession() as door:
            reply = door.get(self.openid_config["jwks_uri"])
        reply.raise_for_status()
        keys = [
            each for each in reply.json().get("keys", ()) if each.get("use", "sig") == "sig" and each.get("kty") in ("RSA", "EC", "OKP")
        ]
        named = [each for each in keys if each.get("kid") == header.get("kid")] if header.get("kid") else keys
        if len(named) != 1:
            raise OAuth2Error("The key is not one of the issuer's.")
        return jwt.PyJWK.from_json(json.dumps(named[0]), algorithm=header["alg"]).key


class Provider(OpenIDConnectProvider):  # type: ignore[misc]
    """One workspace's provider. None of its claims is stored."""

    oauth2_adapter_class = StrictAdapter

    def extract_uid(self, data: dict[str, Any]) -> str:
        """The subject."""
        return str(data["sub"])

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        """Nothing: what is stored of a person is whom the provider calls what."""
        return {}

    def serialize(self) -> dict[str, Any]:
        """How a sign-in that waits for its second factor names it."""
        return {"id": self.app.provider_id}

    def get_oauth2_adapter(self, request: HttpRequest) -> StrictAdapter:
        """By the workspace's short name, as addresses have it."""
        return StrictAdapter(request, self.app.settings["tenant"])


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Single sign-on opens accounts that are there; it makes none, and none by address alone."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Never."""
        return False

    def can_authenticate_by_email(self, login: Any, email: str) -> bool:
        """Never: the first time has conditions of its own."""
        return False

    def get_requests_session(self) -> DoorSession:
        """The door."""
        return DoorSession()

    def generate_state_param(self, state: dict[str, Any]) -> str:
        """256 bits."""
        return secrets.token_urlsafe(32)

    def list_apps(self, request: HttpRequest, provider: Any = None, client_id: Any = None) -> list[SocialApp]:
        """The provider of the workspace with this short name, or the one people are known under this key of.

        Without a name there is none, and none lies in allauth's table.
        """
        number, bar, _issuer = str(provider or "").partition("|")
        named = {"pk": int(number)} if bar and number.isdigit() else {"slug": str(provider or "")}
        row = sign_on_of(Tenant.objects.filter(**named, is_active=True).first())
        app = app_of(row) if row is not None else None
        return [app] if app is not None and (not bar or app.provider_id == provider) else []

    def get_provider(self, request: HttpRequest, provider: Any, client_id: Any = None) -> Provider:
        """Ours, for the workspace with this short name.

        Raises:
            SocialApp.DoesNotExist: when it has none.
        """
        return Provider(request, app=self.get_app(request, provider=provider))

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """The token's nonce, then whose account it opens; or that the one who is signed in proved it again.

        Raises:
            ImmediateHttpResponse: when it opens nothing, or nothing more is to be done.
        """
        claims: dict[str, Any] = request.sign_on_claims  # type: ignore[attr-defined]
        state = sociallogin.state
        # Nothing is asked in the person's name later: the token is not kept, not even in the session.
        sociallogin.token = None
        if not state.get("nonce") or not secrets.compare_digest(str(claims.get("nonce", "")), state["nonce"]):
            raise ImmediateHttpResponse(failed(request))
        tenant = Tenant.objects.get(pk=int(sociallogin.account.provider.partition("|")[0]))
        try:
            user = person_of(tenant=tenant, issuer=claims["iss"], claims=claims)
        except NotSpokenFor as error:
            raise ImmediateHttpResponse(failed(request)) from error
        if state.get("proves"):
            raise ImmediateHttpResponse(_proved(request, user, claims, state))
        if not sociallogin.is_existing:
            sociallogin.connect(request, user)
            linked(user, tenant=tenant)

    def on_authentication_error(self, request: HttpRequest, provider: Any, *args: Any, **kwargs: Any) -> None:
        """One answer for everything that goes wrong.

        Raises:
            ImmediateHttpResponse: always.
        """
        raise ImmediateHttpResponse(failed(request))


def app_of(row: SignOn) -> SocialApp:
    """The row as allauth takes it; never stored."""
    settings = {
        "issuer": row.issuer,
        "server_url": row.issuer,
        "tenant": row.tenant.slug,
        "oauth_pkce_enabled": True,
        "fetch_userinfo": False,
    }
    return SocialApp(
        provider="openid_connect",
        provider_id=key_of(row.tenant, row.issuer),
        name=row.tenant.name[:40],
        client_id=row.client_id,
        secret=row.sealed_secret.open(),
        settings=settings,
    )


def sent_there(request: HttpRequest, tenant: Tenant | None, *, next_url: str, proves: bool = False) -> HttpResponse:
    """Off to the provider with a state, a nonce and a PKCE challenge; `proves` asks it to let the person sign in anew."""
    if sign_on_of(tenant) is None or tenant is None:
        return failed(request)
    nonce = secrets.token_urlsafe(32)
    asked = {"nonce": nonce, **({"prompt": "login", "max_age": "0"} if proves else {})}
    try:
        provider = SocialAdapter(request).get_provider(request, provider=tenant.slug)
        return provider.redirect(  # type: ignore[no-any-return]
            request, process="login", next_url=safe_next(request, next_url), auth_params=asked, nonce=nonce, proves=proves
        )
    except (OAuth2Error, ImmediateHttpResponse):
        return failed(request)


def can_prove(user: User, tenant: Tenant) -> bool:
    """Whether this person proves who they are at the provider."""
    row = sign_on_of(tenant)
    key = key_of(tenant, row.issuer) if row else ""
    return row is not None and is_spoken_for(user, tenant) and SocialAccount.objects.filter(user=user, provider=key).exists()


def failed(request: HttpRequest) -> HttpResponse:
    """Back to where one can try again, with one sentence for everything."""
    messages.error(request, FAILED)
    return redirect("console:profile" if request.user.is_authenticated else "console:sign_in")


def _proved(request: HttpRequest, user: User, claims: dict[str, Any], state: dict[str, Any]) -> HttpResponse:
    # Asked for at the moment it is needed: the two modules lean on each other.
    from supportdesk.accounts.proving import asked_of

    at = claims.get("auth_time")
    is_fresh = isinstance(at, int | float) and not isinstance(at, bool) and abs(time.time() - at) <= FRESH
    if not request.user.is_authenticated or request.user.pk != user.pk or not is_fresh or asked_of(request) != "sign_on":
        return failed(request)
    mark_proved(request.session)
    return redirect(safe_next(request, str(state.get("next") or "")))
