"""Who writes: claimed addresses, one-time codes, and proofs that hold for one ticket until they expire."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum

from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone, translation
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from supportdesk.core.events import Actor, record
from supportdesk.core.jobs import enqueue
from supportdesk.core.shared import counted
from supportdesk.core.tenancy import acting_tenant
from tickets.errors import Refusal, SomebodyElse, Unacceptable, WrongCode
from tickets.models import Author, ChatSession, Customer, CustomerIdentity, IdentityProof, Kind, OneTimeCode, Ticket
from tickets.writing import append, locked, raise_turn

CODE_MINUTES = 10
PROOF_MINUTES = 60
MAX_TRIES = 5
MAX_CODES_AN_HOUR = 5
# From one network, whatever tickets and addresses it names; and from the whole workspace, so that it is nobody's mail cannon.
MAX_CODES_A_NETWORK = 20
MAX_CODES_A_DAY = 2_000
RESEND_SECONDS = 45
_followers: list[str] = []


def when_moved(path: str) -> None:
    """Say which function is given each ticket that moves and the id of its customer until now, before it moves; from `AppConfig.ready`."""
    _followers[:] = [path]


class Level(StrEnum):
    """How sure we are who writes."""

    NONE = "none"
    CLAIMED = "claimed"
    PROVEN = "proven"


def proof_of(ticket: Ticket) -> IdentityProof | None:
    """The proof that holds on this ticket now."""
    proof: IdentityProof | None = (
        IdentityProof.objects.select_related("identity")
        .filter(ticket=ticket, revoked_at=None, expires_at__gt=timezone.now())
        .order_by("-proved_at")
        .first()
    )
    return proof


def claim_of(ticket: Ticket) -> str:
    """The address claimed on this ticket, by the customer or by the program that relays them, or an empty string."""
    code = OneTimeCode.objects.filter(ticket=ticket).order_by("-id").first()
    if code:
        return code.email
    told = CustomerIdentity.objects.filter(customer=ticket.customer_id, kind=CustomerIdentity.Kind.EMAIL, is_verified=False)
    return str(told.order_by("-id").values_list("value", flat=True).first() or "")


def level_of(ticket: Ticket) -> Level:
    """How sure we are who writes on this ticket."""
    return level_with(ticket, proof_of(ticket))


def level_with(ticket: Ticket, proof: IdentityProof | None) -> Level:
    """The same, for who has read the ticket's proof already."""
    if proof:
        return Level.PROVEN
    return Level.CLAIMED if claim_of(ticket) else Level.NONE


def masked(email: str) -> str:
    """The address as a stranger may see it: i•••@mail.example."""
    name, _at, host = email.partition("@")
    return f"{name[:1]}•••@{host}" if host else "•••"


@transaction.atomic
def ask_for_code(*, ticket_id: int, email: object, network: str = "") -> OneTimeCode:
    """Mail a one-time code to the address the customer claims; the answer is the same whether or not we know it.

    `network` is where the customer sits, if that is known. Every cap is refused in the same words.

    Raises:
        Unacceptable: for something that is no address.
        Refusal: asked again too soon or too often.
    """
    if not isinstance(email, str) or len(email) > 200:
        raise Unacceptable(_("Enter an email address, like name@example.com."))
    address = email.strip().lower()
    try:
        validate_email(address)
    except Exception as error:
        raise Unacceptable(_("Enter an email address, like name@example.com.")) from error
    ticket = locked(ticket_id)
    now = timezone.now()
    recent = OneTimeCode.objects.filter(ticket=ticket, created_at__gt=now - timedelta(hours=1))
    last = recent.order_by("-id").first()
    if last and (now - last.created_at).total_seconds() < RESEND_SECONDS and last.email == address:
        raise Refusal(_("A code is on its way. You can ask for a new one in a moment."))
    if recent.count() >= MAX_CODES_AN_HOUR or _codes_to(address) >= MAX_CODES_AN_HOUR or _is_mail_cannon(network):
        raise Refusal(_("Too many codes were asked for. Try again in an hour, or talk to a person."))
    OneTimeCode.objects.filter(ticket=ticket, used_at=None).update(expires_at=now)
    code = OneTimeCode.objects.create(ticket=ticket, email=address, expires_at=now + timedelta(minutes=CODE_MINUTES))
    record("identity.code_asked", by=Actor("customer", ticket.customer_id), ticket_id=ticket.pk, one_time_code=code.pk)
    enqueue("tickets.send_code", code_id=code.pk)
    made: OneTimeCode = code
    return made


def _codes_to(address: str) -> int:
    since = timezone.now() - timedelta(hours=1)
    return int(OneTimeCode.objects.filter(email=address, created_at__gt=since).count())


def _is_mail_cannon(network: str) -> bool:
    """Whether the network or the whole workspace had more mails than anybody needs; counts this one for the network."""
    if OneTimeCode.objects.filter(created_at__gt=timezone.now() - timedelta(days=1)).count() >= MAX_CODES_A_DAY:
        return True
    if not network:
        return False
    hour = int(time.time() // 3600)
    return counted(acting_tenant().pk, "codes", network, hour, seconds=2 * 3600) > MAX_CODES_A_NETWORK


def send_code(code_id: int) -> None:
    """Job: make the code and mail it. A second run makes and mails a new one, which replaces the first."""
    row = OneTimeCode.objects.select_related("ticket__brand", "ticket__customer").get(pk=code_id)
    if row.used_at or row.expires_at <= timezone.now():
        return
    digits = f"{secrets.randbelow(1_000_000):06d}"
    row.code_hash, row.sent_at = _hashed(row, digits), timezone.now()
    row.save(update_fields=["code_hash", "sent_at"])
    with translation.override(row.ticket.language or "en"):
        EmailMessage(
            subject=_("Your code for %(brand)s") % {"brand": row.ticket.brand.name},
            body=_(
                "Your code is %(code)s.\n\nEnter it in the chat with %(brand)s within %(minutes)s minutes. "
                "If you did not ask for it, ignore this mail; nothing happens."
            )
            % {"code": f"{digits[:3]} {digits[3:]}", "brand": row.ticket.brand.name, "minutes": CODE_MINUTES},
            to=[row.email],
            # Whoever erases a person finds their mails in the mail folder by these.
            headers={"X-SupportDesk-Tenant": str(row.tenant_id), "X-SupportDesk-Ticket": str(row.ticket.number)},
        ).send()


def enter_code(*, ticket_id: int, digits: object) -> IdentityProof:
    """Prove who writes with the mailed code; the proof holds for this ticket for an hour.

    Raises:
        WrongCode: wrong, used, expired or tried too often; a wrong try counts.
        SomebodyElse: the code is right and used now, but this ticket is another person's: nothing of it may be shown to this one.
    """
    typed = "".join(char for char in digits if char.isascii() and char.isdigit()) if isinstance(digits, str) else ""
    if len(typed) != 6:
        raise WrongCode(_("That code has %(n)s digits, it needs 6.") % {"n": len(typed)})
    with transaction.atomic():
        # The customer first, as holds and erasures take them; sessions before their ticket, as an arriving message takes them:
        # otherwise two could wait for each other. A message that arrives refers to the customer, which this lock lets it do.
        list(
            Customer.objects.select_for_update(no_key=True).filter(pk__in=Ticket.objects.filter(pk=ticket_id).values("customer")).only("pk")
        )
        list(ChatSession.objects.select_for_update().filter(ticket_id=ticket_id).order_by("pk").only("pk"))
        proof, code = _try(locked(ticket_id), typed)
    if code is None:
        raise WrongCode(_("That code is not right or no longer valid. Check it, or ask for a new one."))
    if proof is None:
        raise SomebodyElse(_("This conversation belongs to somebody else. Begin a new one."), email=code.email)
    return proof


def _try(ticket: Ticket, typed: str) -> tuple[IdentityProof | None, OneTimeCode | None]:
    code = (
        OneTimeCode.objects.filter(ticket=ticket, used_at=None, expires_at__gt=timezone.now()).exclude(code_hash="").order_by("-id").first()
    )
    # The conditional update counts the try before the comparison, so parallel guesses cannot share one.
    if code is None or not OneTimeCode.objects.filter(pk=code.pk, used_at=None, tries__lt=MAX_TRIES).update(tries=F("tries") + 1):
        return None, None
    if not hmac.compare_digest(code.code_hash, _hashed(code, typed)):
        record("identity.code_refused", by=Actor("customer", ticket.customer_id), ticket_id=ticket.pk, one_time_code=code.pk)
        return None, None
    OneTimeCode.objects.filter(pk=code.pk).update(used_at=timezone.now())
    if belongs_to_another(ticket, code.email):
        return None, code
    proof = prove(ticket, _verified(ticket, code.email), by=Actor("customer", ticket.customer_id))
    enqueue("runtime.start_run", dedupe=f"ticket:{ticket.pk}", ticket_id=ticket.pk, trigger="identity_proven")
    return proof, code


def belongs_to_another(ticket: Ticket, email: str) -> bool:
    """Whether the ticket is that of somebody who was proved, on it or before it, and is not known to be the owner of this address."""
    proven = IdentityProof.objects.filter(ticket=ticket)
    verified = CustomerIdentity.objects.filter(is_verified=True)
    known = verified.filter(kind=CustomerIdentity.Kind.EMAIL, value=email).first()
    if (proven.exclude(identity__customer=known.customer_id) if known else proven).exists():
        return True
    # A session outlives its proof: whoever sits at it by then must not become its customer by proving an address of their own.
    is_known_person = verified.filter(customer=ticket.customer_id).exists()
    return bool(is_known_person and (known is None or known.customer_id != ticket.customer_id))


def vouch(ticket: Ticket, *, email: str, by: Actor, name: str) -> IdentityProof:
    """Take a program's word for who writes on a locked ticket; it holds as long as a code's proof. `name` is the program's.

    The customer's message comes next and asks for the turn, so nothing is asked for here.

    Raises:
        SomebodyElse: another person was proved on this ticket.
    """
    held = proof_of(ticket)
    if held is not None and held.identity.value == email:
        return held
    if belongs_to_another(ticket, email):
        raise SomebodyElse("Another person was proved on this ticket. Open a new one.", email=email)
    return prove(ticket, _verified(ticket, email), by=by, method="vouched", told={"by": name})


def prove_from(session: ChatSession, ticket: Ticket) -> None:
    """Begin a locked ticket of the session with what was proved before it, while that holds."""
    if session.proven_identity is not None and session.proven_until and session.proven_until > timezone.now():
        by = Actor("customer", session.customer_id)
        prove(ticket, session.proven_identity, by=by, method=session.proven_by, until=session.proven_until)


def prove(
    ticket: Ticket,
    identity: CustomerIdentity,
    *,
    by: Actor,
    method: str = "email_code",
    until: datetime | None = None,
    told: dict[str, str] | None = None,
) -> IdentityProof:
    """Let the identity hold on a locked ticket, for an hour unless `until` says otherwise, and tell so in the thread."""
    expires_at = until or timezone.now() + timedelta(minutes=PROOF_MINUTES)
    proof: IdentityProof = IdentityProof.objects.create(ticket=ticket, identity=identity, method=method, expires_at=expires_at)
    record("identity.proven", by=by, ticket_id=ticket.pk, proof=proof.pk, changed={"method": method})
    raise_turn(ticket)
    append(
        ticket,
        author=Author.SYSTEM,
        kind=Kind.NEWS,
        body="identity proven",
        data={"code": "proven", "method": method, "until": expires_at.isoformat(), **(told or {})},
    )
    return proof


def _verified(ticket: Ticket, email: str) -> CustomerIdentity:
    """The verified identity of this address, and its customer on the ticket: the visitor becomes whom they proved to be."""
    known = verified_identity(CustomerIdentity.Kind.EMAIL, email, lambda: ticket.customer)
    if known.customer_id != ticket.customer_id:
        for path in _followers:
            import_string(path)(ticket, ticket.customer_id)
        ticket.customer = known.customer
        ticket.save(update_fields=["customer"])
        ticket.sessions.update(customer=known.customer)
    return known


def verified_identity(kind: str, value: str, owner: Callable[[], Customer]) -> CustomerIdentity:
    """The one verified identity of this value; a new one is its `owner`'s."""
    verified = CustomerIdentity.objects.select_related("customer").filter(kind=kind, value=value, is_verified=True)
    known: CustomerIdentity | None = verified.first()
    if known is None:
        try:
            with transaction.atomic():
                known = CustomerIdentity.objects.create(
                    customer=owner(), kind=kind, value=value, is_verified=True, verified_at=timezone.now()
                )
        except IntegrityError:
            # Proven elsewhere in this very moment: that customer it is.
            known = verified.get()
    return known


def _hashed(code: OneTimeCode, digits: str) -> str:
    return hashlib.sha256(f"{code.pk}:{code.ticket_id}:{digits}".encode()).hexdigest()
