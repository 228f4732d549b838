"""Identity a business's own site signs: its keys, and what makes a signed token believed."""

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import jwt
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from supportdesk.core.events import Actor, record
from supportdesk.core.sealing import CannotOpen
from tickets.errors import NotSigned, Refusal
from tickets.models import Channel, HostKey, SpentToken
from tickets.receiving import hash_of

LIVE_KEYS = 2
MAX_CHARACTERS = 4_096
MAX_SECONDS = 600
# Two machines' clocks.
SKEW_SECONDS = 30
KID = re.compile(r"host_[0-9a-f]{16}")
CLAIMS = ("sub", "iat", "exp", "aud", "jti")
# The brand's key (50), its environment and colons stand before a `sub` in an identity's 200 characters.
LONGEST = {"sub": 140, "jti": 200, "email": 200, "name": 120}


@dataclass(frozen=True)
class Signed:
    """What a site signed: its own id of the customer, and the address and name it has for them."""

    key: HostKey
    subject: str
    email: str
    is_email_verified: bool
    name: str
    jti: str
    expires_at: datetime


def audience_of(channel: Channel) -> str:
    """Whom a token must be meant for: `workspace/channel`."""
    return f"{channel.tenant.slug}/{channel.key}"


def origin_of(site: str) -> str:
    """The site as browsers name it in their Origin header.

    Raises:
        Refusal: it is no `https://host`.
    """
    try:
        parts = urlsplit(site.strip().lower())
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        parts, port = urlsplit(""), ""
    is_near = parts.hostname in ("localhost", "127.0.0.1")
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and is_near)) or parts.username is not None:
        raise Refusal("Write the site as https://shop.example, without a path.")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise Refusal("Write the site as https://shop.example, without a path.")
    return f"{parts.scheme}://{parts.hostname}{port}"


def make_key(*, channel: Channel, name: str, site: str, algorithm: str, public_key: str = "", by: Actor) -> tuple[HostKey, str]:
    """A new key of a chat channel, and its secret, which is shown once; empty for public keys.

    Raises:
        Refusal: not a chat, two keys live already, no site, or a public key that is none.
    """
    if channel.kind != Channel.Kind.CHAT:
        raise Refusal("Only a chat takes signed customers.")
    origin, pem = origin_of(site), public_key.strip()
    secret = secrets.token_urlsafe(32) if algorithm == HostKey.Algorithm.HS256 else ""
    if bool(secret) == bool(pem):
        raise Refusal("HS256 makes its secret here; ES256 and RS256 need your public key.")
    if pem:
        check_public_key(algorithm, pem)
    with transaction.atomic():
        # The channel row is the lock: two people who make a key at once take turns.
        Channel.objects.select_for_update().only("pk").get(pk=channel.pk)
        if HostKey.objects.filter(channel=channel, revoked_at=None).count() >= LIVE_KEYS:
            raise Refusal("This chat has two keys already. Revoke the older one first.")
        key = HostKey.objects.create(
            channel=channel, name=name, site=origin, algorithm=algorithm, public_key=pem, kid=f"host_{secrets.token_hex(8)}"
        )
        if secret:
            key.sealed_secret.put(secret)
        record("host_key.made", by=by, host_key=key.pk, channel=channel.pk)
    return key, secret


@transaction.atomic
def revoke_key(key: HostKey, *, by: Actor) -> bool:
    """End a key now: it signs nobody in any more. Sessions it opened go on. False when it was ended before."""
    if not HostKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
        return False
    record("host_key.revoked", by=by, host_key=key.pk)
    return True


def check_public_key(algorithm: str, pem: str) -> None:
    """Let only a public key of the algorithm pass.

    Raises:
        Refusal: a private key, another kind of key, too short, or no key.
    """
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(pem.encode())
    except Exception as error:
        raise Refusal("This is no public key in PEM. Never send the private one.") from error
    is_ec = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    is_rsa = isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048
    if not (is_ec if algorithm == HostKey.Algorithm.ES256 else is_rsa):
        raise Refusal("ES256 needs a P-256 key, RS256 an RSA key of 2048 bits or more.")


def read_signed(channel: Channel, text: object) -> Signed:
    """What a token says, if a live key of this very channel signed it with the key's own algorithm; nothing is used up yet.

    Raises:
        NotSigned: in every other case, in one sentence.
    """
    try:
        return _read(channel, text)
    # Whatever a hostile token makes a parser do, the answer is the same.
    except (HostKey.DoesNotExist, jwt.PyJWTError, CannotOpen, LookupError, ValueError, TypeError, RecursionError, OverflowError) as error:
        raise not_signed() from error


def not_signed() -> NotSigned:
    """The one answer to every token that is not believed."""
    return NotSigned(_("This sign-in did not work. Go back to the page you came from and open the chat again."))


def _read(channel: Channel, text: object) -> Signed:
    if not isinstance(text, str) or len(text) > MAX_CHARACTERS or not text.isascii():
        raise ValueError
    kid = jwt.get_unverified_header(text).get("kid")
    if not isinstance(kid, str) or not KID.fullmatch(kid):
        raise LookupError
    key = HostKey.objects.get(channel=channel, kid=kid, revoked_at=None)
    claims: dict[str, Any] = jwt.decode(
        text,
        key.verifying_key(),
        algorithms=[key.algorithm],
        audience=audience_of(channel),
        leeway=SKEW_SECONDS,
        options={"require": list(CLAIMS), "strict_aud": True},
    )
    if type(claims["iat"]) is not int or type(claims["exp"]) is not int or not 0 < claims["exp"] - claims["iat"] <= MAX_SECONDS:
        raise ValueError
    said = {name: claims.get(name, "") for name in LONGEST}
    for name, value in said.items():
        if not isinstance(value, str) or len(value) > LONGEST[name] or not value.isprintable():
            raise ValueError
    if not said["sub"].strip() or not said["jti"].strip():
        raise ValueError
    return Signed(
        key=key,
        subject=said["sub"],
        email=_address(said["email"]),
        is_email_verified=claims.get("email_verified") is True,
        name=said["name"].strip(),
        jti=said["jti"],
        expires_at=datetime.fromtimestamp(claims["exp"], UTC),
    )


def _address(email: str) -> str:
    address = email.strip().lower()
    if address:
        try:
            validate_email(address)
        except ValidationError as error:
            raise ValueError from error
    return address


def spend(signed: Signed) -> None:
    """Use a token up, inside the caller's transaction.

    Raises:
        NotSigned: it was used before.
    """
    now = timezone.now()
    SpentToken.objects.filter(expires_at__lt=now).delete()
    try:
        with transaction.atomic():
            kept_until = signed.expires_at + timedelta(seconds=2 * SKEW_SECONDS)
            SpentToken.objects.create(key=signed.key, jti_hash=hash_of(signed.jti), expires_at=kept_until)
    except IntegrityError as error:
        raise not_signed() from error
