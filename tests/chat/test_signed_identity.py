"""A host site signs who its customer is: believed once, soon, from a live key of this very chat, and in no other case."""

import base64
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.test import Client
from django.utils import timezone

from supportdesk.core.events import SYSTEM_ACTOR
from supportdesk.core.models import Brand, Environment, Event
from supportdesk.core.sealing import CannotOpen
from supportdesk.core.tenancy import acting_for
from tests.chat.signing import IDA, claims, host_key, signed
from tests.factories import World, say
from tickets.errors import Refusal
from tickets.identity import Level, level_of, proof_of
from tickets.models import Channel, ChatSession, Customer, CustomerIdentity, HostKey, IdentityProof, Message, SpentToken
from tickets.receiving import session_of
from tickets.signed import LONGEST, make_key, revoke_key

pytestmark = pytest.mark.reliability(16, "signed identity")
SESSION, THREAD = "/chat/acme/web/session/", "/chat/acme/web/thread/"


def enter(client: Client, identity: object, previous: str = "", path: str = SESSION) -> Any:
    """Show a signed token."""
    headers = {"Authorization": f"Chat {previous}"} if previous else {}
    return client.post(path, json.dumps({"identity": identity}), content_type="application/json", headers=headers)


def opened(world: World, token: str) -> ChatSession:
    found = session_of(world.channel, token)
    assert found is not None
    return found


def test_a_signed_customer_is_proved_on_their_ticket_without_a_code(acme: World, client: Client) -> None:
    answer = enter(client, signed(acme, *host_key(acme)))
    assert answer.status_code == 201
    with acting_for(acme.tenant):
        session = opened(acme, answer.json()["token"])
        ticket = say(session, "Where is my order?").ticket
        proof = proof_of(ticket)
        assert proof is not None
        assert (proof.method, proof.identity.kind, proof.identity.value) == ("host_signed", "email", IDA)
        assert timedelta(minutes=58) < proof.expires_at - timezone.now() <= timedelta(minutes=60)
        assert set(CustomerIdentity.objects.values_list("kind", "value", "is_verified")) == {
            ("email", IDA, True),
            ("external", "main:C-1001", True),
        }
        assert ticket.customer.name == "Ida Marchetti"
        assert list(Message.objects.filter(ticket=ticket).order_by("seq").values_list("kind", flat=True)) == ["news", "text"]
    page = client.get(THREAD, headers={"Authorization": f"Chat {answer.json()['token']}"}).content.decode()
    assert "Signed in with your account" in page
    assert "C-1001" not in page


def test_an_address_the_site_did_not_verify_is_a_claim_and_opens_no_account(acme: World, client: Client) -> None:
    answer = enter(client, signed(acme, *host_key(acme), email_verified=False))
    with acting_for(acme.tenant):
        ticket = say(opened(acme, answer.json()["token"])).ticket
        proof = proof_of(ticket)
        assert proof is not None
        assert proof.identity.kind == "external"
        assert not CustomerIdentity.objects.get(kind="email").is_verified
        assert level_of(ticket) == Level.PROVEN


@pytest.mark.parametrize("verified", [1, "true", None, [True], {"a": 1}])
def test_only_true_is_verified(verified: Any, acme: World, client: Client) -> None:
    assert enter(client, signed(acme, *host_key(acme), email_verified=verified)).status_code == 201
    with acting_for(acme.tenant):
        assert not CustomerIdentity.objects.get(kind="email").is_verified


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_a_public_key_does_too(algorithm: str, acme: World, client: Client) -> None:
    private: Any = ec.generate_private_key(ec.SECP256R1()) if algorithm == "ES256" else rsa.generate_private_key(65537, 2048)
    pem = private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    key, secret = host_key(acme, algorithm=algorithm, public_key=pem)
    assert not secret
    assert not key.sealed_secret
    assert enter(client, signed(acme, key, private)).status_code == 201
    # The public key is known to all: as a secret of HS256 it signs nothing.
    forged = by_hand({"alg": "HS256", "kid": key.kid}, claims(acme), pem.encode())
    assert enter(client, forged).status_code == 403


def by_hand(header: dict[str, Any], said: dict[str, Any], secret: bytes) -> str:
    """A token as an attacker writes it, past the library's own refusals."""
    import hashlib
    import hmac

    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, said)]
    signature = hmac.new(secret, b".".join(parts), hashlib.sha256).digest() if secret else b""
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


NOW = int(time.time())
Make = Callable[[World, HostKey, str], object]
REFUSED: dict[str, Make] = {
    "nothing": lambda w, k, s: "",
    "no text": lambda w, k, s: {"a": 1},
    "noise": lambda w, k, s: "a.b.c",
    "not ascii": lambda w, k, s: "ü.ü.ü",
    "deep": lambda w, k, s: base64.urlsafe_b64encode(b"[" * 2_500).decode() + ".a.b",
    "too long": lambda w, k, s: signed(w, k, s, name="x" * 5_000),
    "another secret": lambda w, k, s: signed(w, k, "x" * 43),
    "no signature": lambda w, k, s: signed(w, k, s).rpartition(".")[0] + ".",
    "changed after signing": lambda w, k, s: swapped(w, k, s),
    "alg none": lambda w, k, s: by_hand({"alg": "none", "kid": k.kid}, claims(w), b""),
    "alg none, signed": lambda w, k, s: by_hand({"alg": "none", "kid": k.kid}, claims(w), s.encode()),
    "another alg": lambda w, k, s: jwt.encode(claims(w), s * 2, algorithm="HS512", headers={"kid": k.kid}),
    "no kid": lambda w, k, s: jwt.encode(claims(w), s, algorithm="HS256"),
    "foreign kid": lambda w, k, s: signed(w, k, s, header={"kid": "host_0000000000000000"}),
    "kid no text": lambda w, k, s: by_hand({"alg": "HS256", "kid": ["a"]}, claims(w), s.encode()),
    "kid with a NUL": lambda w, k, s: by_hand({"alg": "HS256", "kid": "\x00"}, claims(w), s.encode()),
    "a key it brings along": lambda w, k, s: by_hand(
        {"alg": "HS256", "kid": "mine", "jwk": {"kty": "oct", "k": "eA"}, "jku": "https://evil.example/"}, claims(w), b"x"
    ),
    "critical extension": lambda w, k, s: by_hand({"alg": "HS256", "kid": k.kid, "crit": ["b64"], "b64": False}, claims(w), s.encode()),
    "expired": lambda w, k, s: signed(w, k, s, iat=NOW - 600, exp=NOW - 120),
    "from the future": lambda w, k, s: signed(w, k, s, iat=NOW + 300, exp=NOW + 500),
    "not yet": lambda w, k, s: signed(w, k, s, nbf=NOW + 300),
    "holds too long": lambda w, k, s: signed(w, k, s, exp=NOW + 3_600),
    "ends before it begins": lambda w, k, s: signed(w, k, s, iat=NOW + 20, exp=NOW + 10),
    "huge times": lambda w, k, s: signed(w, k, s, iat=10**30, exp=10**30 + 5),
    "times as text": lambda w, k, s: signed(w, k, s, iat=str(NOW), exp=str(NOW + 60)),
    "fractions": lambda w, k, s: signed(w, k, s, iat=NOW + 0.5, exp=NOW + 60.5),
    "true as a time": lambda w, k, s: signed(w, k, s, iat=True),
    "another chat": lambda w, k, s: signed(w, k, s, aud="acme/other"),
    "another workspace": lambda w, k, s: signed(w, k, s, aud="globex/web"),
    "many chats": lambda w, k, s: signed(w, k, s, aud=["acme/web", "globex/web"]),
    **{f"without {name}": lambda w, k, s, name=name: signed(w, k, s, **{name: None}) for name in ("sub", "iat", "exp", "aud", "jti")},
    "empty sub": lambda w, k, s: signed(w, k, s, sub="  "),
    "sub a number": lambda w, k, s: by_hand({"alg": "HS256", "kid": k.kid}, claims(w, sub=7), s.encode()),
    "sub too long": lambda w, k, s: signed(w, k, s, sub="x" * 141),
    "sub with a NUL": lambda w, k, s: signed(w, k, s, sub="a\x00b"),
    "empty jti": lambda w, k, s: signed(w, k, s, jti=""),
    "an address that is none": lambda w, k, s: signed(w, k, s, email="nobody"),
    "an address as a list": lambda w, k, s: signed(w, k, s, email=[IDA]),
}


def swapped(world: World, key: HostKey, secret: str) -> str:
    """An honest signature under other claims."""
    head, _body, signature = signed(world, key, secret).split(".")
    other = signed(world, key, secret, sub="C-1002").split(".")[1]
    return ".".join((head, other, signature))


@pytest.mark.parametrize("case", REFUSED)
def test_everything_else_is_refused_in_one_sentence_and_leaves_nothing(case: str, acme: World, client: Client) -> None:
    key, secret = host_key(acme)
    answer = enter(client, REFUSED[case](acme, key, secret))
    assert (answer.status_code, answer.json()) == (
        403,
        {
            "error": {
                "code": "not_signed",
                "message": "This sign-in did not work. Go back to the page you came from and open the chat again.",
            }
        },
    )
    with acting_for(acme.tenant):
        assert [model.objects.count() for model in (ChatSession, CustomerIdentity, SpentToken)] == [0, 0, 0]


def test_a_token_works_once(acme: World, client: Client) -> None:
    token = signed(acme, *host_key(acme))
    assert [enter(client, token).status_code for _ in range(3)] == [201, 403, 403]
    with acting_for(acme.tenant):
        assert ChatSession.objects.count() == 1


def test_a_key_of_another_workspace_or_channel_signs_nothing_here(acme: World, globex: World, client: Client) -> None:
    theirs = host_key(globex)
    assert enter(client, signed(acme, *theirs)).status_code == 403
    with acting_for(acme.tenant):
        other = Channel.objects.create(brand=acme.brand, key="shop", kind="chat", name="Shop chat")
    ours = host_key(acme, channel=other)
    assert enter(client, signed(acme, *ours)).status_code == 403
    assert enter(client, signed(acme, *ours, aud="acme/shop"), path="/chat/acme/shop/session/").status_code == 201


def test_two_keys_live_at_once_and_a_revoked_one_is_dead(acme: World, client: Client) -> None:
    old, new = host_key(acme), host_key(acme)
    assert [enter(client, signed(acme, *each)).status_code for each in (old, new)] == [201, 201]
    with pytest.raises(Refusal):
        host_key(acme)
    with acting_for(acme.tenant):
        assert revoke_key(old[0], by=SYSTEM_ACTOR)
        assert not revoke_key(old[0], by=SYSTEM_ACTOR)
    assert [enter(client, signed(acme, *each)).status_code for each in (old, new)] == [403, 201]
    host_key(acme)


def test_the_secret_stands_nowhere_in_the_clear(acme: World) -> None:
    key, secret = host_key(acme)
    with acting_for(acme.tenant):
        assert secret not in f"{HostKey.objects.values().get()} {list(Event.objects.values())}"
        assert HostKey.objects.get().verifying_key() == secret
        other = HostKey.objects.create(channel=acme.channel, name="x", site="x", kid="copied", sealed_secret=key.sealed_secret)
        with pytest.raises(CannotOpen):
            other.verifying_key()


@pytest.mark.parametrize(
    "site",
    [
        "",
        "shop.example",
        "http://shop.example",
        "https://",
        "https://a@shop.example",
        "https://shop.example/x",
        "https://[",
        "javascript:x",
    ],
)
def test_a_key_names_its_site(site: str, acme: World) -> None:
    with pytest.raises(Refusal):
        host_key(acme, site=site)


def test_a_private_or_foreign_key_is_not_taken(acme: World) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    secret_pem = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    public_pem = private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    for algorithm, pem in [("ES256", secret_pem), ("RS256", public_pem), ("ES256", "x"), ("ES256", ""), ("HS256", public_pem)]:
        with pytest.raises(Refusal), acting_for(acme.tenant):
            make_key(channel=acme.channel, name="x", site="https://shop.example", algorithm=algorithm, public_key=pem, by=SYSTEM_ACTOR)


def test_two_known_people_are_not_merged_by_one_sides_word(acme: World, client: Client) -> None:
    key = host_key(acme)
    enter(client, signed(acme, *key))
    enter(client, signed(acme, *key, sub="C-2002", email="owen@mail.example"))
    answer = enter(client, signed(acme, *key, sub="C-2002", email=IDA))
    with acting_for(acme.tenant):
        assert Customer.objects.filter(identities__kind="external").distinct().count() == 2
        ticket = say(opened(acme, answer.json()["token"])).ticket
        proof = proof_of(ticket)
        assert proof is not None
        assert proof.identity.value == "main:C-2002"
        assert CustomerIdentity.objects.get(value=IDA).customer_id != ticket.customer_id


def test_a_test_channel_names_nobody_of_the_live_one(acme: World, client: Client) -> None:
    with acting_for(acme.tenant):
        Channel.objects.filter(pk=acme.channel.pk).update(environment="test")
        acme.channel.refresh_from_db()
    enter(client, signed(acme, *host_key(acme)))
    with acting_for(acme.tenant):
        assert CustomerIdentity.objects.get(kind="external").value == "main.test:C-1001"


@pytest.mark.reliability(16, "expiry")
def test_a_signed_proof_ends_with_its_hour_in_the_middle_of_the_ticket(acme: World, client: Client) -> None:
    key = host_key(acme)
    token = enter(client, signed(acme, *key)).json()["token"]
    with acting_for(acme.tenant):
        ticket = say(opened(acme, token)).ticket
        past = timezone.now() - timedelta(seconds=1)
        IdentityProof.objects.update(expires_at=past)
        ChatSession.objects.update(proven_until=past)
        say(opened(acme, token), "And now?")
        assert proof_of(ticket) is None
    again = enter(client, signed(acme, *key), previous=token)
    assert again.json()["token"] == token
    with acting_for(acme.tenant):
        assert proof_of(ticket) is not None
        assert IdentityProof.objects.count() == 2


def test_signing_in_again_while_it_holds_only_prolongs_it(acme: World, client: Client) -> None:
    key = host_key(acme)
    token = enter(client, signed(acme, *key)).json()["token"]
    with acting_for(acme.tenant):
        ticket = say(opened(acme, token)).ticket
        turn = ticket.turn
    assert enter(client, signed(acme, *key), previous=token).json()["token"] == token
    with acting_for(acme.tenant):
        ticket.refresh_from_db()
        assert (IdentityProof.objects.count(), ticket.turn) == (1, turn)
        assert ChatSession.objects.count() == 1


def test_the_longest_id_of_a_site_fits_behind_the_longest_name_of_a_brand() -> None:
    longest = f"{'b' * Brand._meta.get_field('key').max_length}.{max(Environment.values, key=len)}:{'s' * LONGEST['sub']}"
    assert len(longest) <= CustomerIdentity._meta.get_field("value").max_length
