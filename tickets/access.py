"""Who may sit at a chat session: signed in by the host site, somebody else at the same computer, leaving, and being shown out."""

import secrets
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from supportdesk.core.events import Actor, record, teammate
from supportdesk.core.jobs import enqueue
from supportdesk.core.models import Environment, Membership
from tickets.errors import NotSigned, SomebodyElse
from tickets.identity import PROOF_MINUTES, enter_code, prove_from, verified_identity
from tickets.models import Channel, ChatSession, Customer, CustomerIdentity, IdentityProof, OneTimeCode, Ticket
from tickets.receiving import hash_of, open_session
from tickets.signed import Signed, not_signed, read_signed, spend
from tickets.writing import locked

HANDOFF_SECONDS = 60
SIGNED = "host_signed"


def sign_in(*, channel: Channel, signed_text: object, previous: ChatSession | None = None) -> tuple[ChatSession, str]:
    """Let in whom the host site signed, once: on the session they have, then with an empty token, else on a new one.

    A session of anybody else, or of nobody known, ends here: what was said there is not this person's.

    Raises:
        NotSigned: the token is not believed; nothing changed.
    """
    signed = read_signed(channel, signed_text)
    with transaction.atomic():
        spend(signed)
        session, token = _signed_session(channel, signed)
        return _joined(session, token, previous)


def hand_off(*, channel: Channel, signed_text: object, origin: str) -> str:
    """The same for a form the host site posts: a code that fetches the session's token once, within a minute.

    Raises:
        NotSigned: the token is not believed, or the form is not of the key's site.
    """
    signed = read_signed(channel, signed_text)
    # Only the site itself may say who sits here: a form of any other page would sign people in as somebody they are not.
    if origin != signed.key.site:
        raise not_signed()
    code = secrets.token_urlsafe(24)
    with transaction.atomic():
        spend(signed)
        session, _token = _signed_session(channel, signed)
        session.handoff_hash, session.handoff_until = hash_of(code), timezone.now() + timedelta(seconds=HANDOFF_SECONDS)
        session.save(update_fields=["handoff_hash", "handoff_until"])
    return code


@transaction.atomic
def take_handoff(*, channel: Channel, code: str, previous: ChatSession | None = None) -> tuple[ChatSession, str]:
    """The session a handoff is for, and its token; the token is empty where the page's own session goes on.

    Raises:
        NotSigned: no such code, used, or older than a minute.
    """
    waiting = ChatSession.objects.filter(channel=channel, handoff_hash=hash_of(code), handoff_until__gt=timezone.now(), revoked_at=None)
    session = waiting.first() if code else None
    secret = secrets.token_urlsafe(24)
    if session is None or not waiting.filter(pk=session.pk).update(handoff_hash="", handoff_until=None, secret_hash=hash_of(secret)):
        raise not_signed()
    return _joined(ChatSession.objects.select_related("proven_identity").get(pk=session.pk), f"{session.public_id}.{secret}", previous)


def _joined(session: ChatSession, token: str, previous: ChatSession | None) -> tuple[ChatSession, str]:
    """The previous session with the new proof, if it is the same person's, else the new one."""
    if previous is None or previous.pk == session.pk:
        return session, token
    held = ChatSession.objects.select_for_update().get(pk=previous.pk)
    if held.revoked_at or held.proven_by != SIGNED or held.customer_id != session.customer_id:
        _end([held.pk], held.ticket_id, by=Actor("customer", held.customer_id), code="chat.session_ended")
        return session, token
    held.proven_identity, held.proven_until = session.proven_identity, session.proven_until
    held.save(update_fields=["proven_identity", "proven_until"])
    session.delete()
    if held.ticket_id is not None:
        _prove_again(held, locked(held.ticket_id))
    return held, ""


def _prove_again(session: ChatSession, ticket: Ticket) -> None:
    """The ticket's proof holds as long as the session's; where none holds any more, a new one, which the agent hears of."""
    holding = IdentityProof.objects.filter(ticket=ticket, identity=session.proven_identity, revoked_at=None, expires_at__gt=timezone.now())
    if not holding.update(expires_at=session.proven_until):
        prove_from(session, ticket)
        enqueue("runtime.start_run", dedupe=f"ticket:{ticket.pk}", ticket_id=ticket.pk, trigger="identity_proven")


def _signed_session(channel: Channel, signed: Signed) -> tuple[ChatSession, str]:
    identity, customer = _person(channel, signed)
    until = timezone.now() + timedelta(minutes=PROOF_MINUTES)
    session, token = open_session(channel, customer, proven_identity=identity, proven_by=SIGNED, proven_until=until)
    record("identity.signed", by=Actor("customer", customer.pk), session=session.pk, host_key=signed.key.pk)
    return session, token


def _person(channel: Channel, signed: Signed) -> tuple[CustomerIdentity, Customer]:
    """The identity a proof rests on, and its customer: the address where the site verified it, else the site's own id.

    An address that belongs to another customer of ours stays theirs: two known people are not merged by one side's word.
    """
    realm = channel.brand.key if channel.environment == Environment.LIVE else f"{channel.brand.key}.{channel.environment}"
    external = f"{realm}:{signed.subject}"
    address = CustomerIdentity.objects.filter(kind=CustomerIdentity.Kind.EMAIL, value=signed.email, is_verified=True)
    owner = address.select_related("customer").first() if signed.is_email_verified and signed.email else None
    subject = verified_identity(
        CustomerIdentity.Kind.EXTERNAL, external, lambda: owner.customer if owner else Customer.objects.create(name=signed.name)
    )
    customer = subject.customer
    if signed.name and not customer.name:
        customer.name = signed.name
        customer.save(update_fields=["name"])
    if not signed.email:
        return subject, customer
    if signed.is_email_verified:
        known = verified_identity(CustomerIdentity.Kind.EMAIL, signed.email, lambda: customer)
        return (known if known.customer_id == customer.pk else subject), customer
    claim = {"customer": customer, "kind": CustomerIdentity.Kind.EMAIL, "value": signed.email}
    if not CustomerIdentity.objects.filter(**claim).exists():
        CustomerIdentity.objects.create(**claim)
    return subject, customer


def prove_by_code(*, session: ChatSession, digits: object) -> str:
    """Enter a mailed code on the session's ticket. Somebody else than the ticket's person gets a session of their own: its token.

    Raises:
        WrongCode: wrong, used, expired or tried too often.
    """
    try:
        enter_code(ticket_id=session.ticket_id or 0, digits=digits)
    except SomebodyElse as other:
        return _begin_anew(session, other.email)
    return ""


@transaction.atomic
def _begin_anew(session: ChatSession, email: str) -> str:
    """A new session of whoever proved the address; the one before ends, and so does what was proved there."""
    identity = verified_identity(CustomerIdentity.Kind.EMAIL, email, Customer.objects.create)
    until = timezone.now() + timedelta(minutes=PROOF_MINUTES)
    _end([session.pk], session.ticket_id, by=Actor("customer", session.customer_id), code="chat.session_ended")
    _session, token = open_session(session.channel, identity.customer, proven_identity=identity, proven_by="email_code", proven_until=until)
    return token


@transaction.atomic
def leave(session: ChatSession) -> None:
    """End a session at its visitor's wish: its token opens nothing any more, and nobody is proved on the ticket."""
    _end([session.pk], session.ticket_id, by=Actor("customer", session.customer_id), code="chat.left")


@transaction.atomic
def end_access(*, ticket_id: int, by: Membership) -> int:
    """Show the customer out of this ticket: sessions, proofs and codes end now. Returns how many sessions there were."""
    sessions = list(ChatSession.objects.select_for_update().filter(ticket_id=ticket_id, revoked_at=None).order_by("pk"))
    locked(ticket_id)
    _end([session.pk for session in sessions], ticket_id, by=teammate(by), code="customer.access_ended")
    return len(sessions)


def can_be_shown_out(ticket: Ticket) -> bool:
    """Whether anybody's session or proof still opens this ticket."""
    now = timezone.now()
    sessions = ChatSession.objects.filter(ticket=ticket, revoked_at=None, expires_at__gt=now)
    return bool(sessions.exists() or IdentityProof.objects.filter(ticket=ticket, revoked_at=None, expires_at__gt=now).exists())


def _end(sessions: list[int], ticket_id: int | None, *, by: Actor, code: str) -> None:
    now = timezone.now()
    ChatSession.objects.filter(pk__in=sessions, revoked_at=None).update(revoked_at=now, proven_until=None, handoff_hash="")
    if ticket_id is not None:
        IdentityProof.objects.filter(ticket_id=ticket_id, revoked_at=None).update(revoked_at=now)
        OneTimeCode.objects.filter(ticket_id=ticket_id, used_at=None, expires_at__gt=now).update(expires_at=now)
    record(code, by=by, ticket_id=ticket_id, changed={"sessions": len(sessions)})


__all__ = ["NotSigned", "can_be_shown_out", "end_access", "hand_off", "leave", "not_signed", "prove_by_code", "sign_in", "take_handoff"]
