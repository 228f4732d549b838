"""Legal holds: while one stands, no schedule and no erasure touches anything of the customer or the ticket."""

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from supportdesk.core.events import SYSTEM_ACTOR, record, teammate
from supportdesk.core.models import Membership
from supportdesk.lifecycle.models import LegalHold
from tickets.errors import Refusal, Unacceptable
from tickets.models import Customer, Ticket

MAX_REASON = 300


def place_on_customer(*, customer_id: int, reason: str, by: Membership) -> LegalHold:
    """Hold everything of one customer.

    Raises:
        Unacceptable: without a reason, or with too long a one.
        Refusal: a hold stands already.
        Customer.DoesNotExist: for an id that is not the workspace's.
    """
    words = _reason(reason)
    with transaction.atomic():
        # The customer's row is the lock: an erasure under way finishes its step first, and sees the hold before the next.
        Customer.objects.select_for_update().get(pk=customer_id)
        hold = _placed(LegalHold(customer_id=customer_id, reason=words, placed_by=by))
        record("hold.placed", by=teammate(by), hold=hold.pk, customer=customer_id)
    return hold


def place_on_ticket(*, ticket_id: int, reason: str, by: Membership) -> LegalHold:
    """Hold everything of one ticket, and with it the erasure of its customer.

    Raises:
        Unacceptable: without a reason, or with too long a one.
        Refusal: a hold stands already.
        Ticket.DoesNotExist: for an id that is not the workspace's.
    """
    words = _reason(reason)
    with transaction.atomic():
        ticket = Ticket.objects.only("pk", "customer").get(pk=ticket_id)
        Customer.objects.select_for_update().get(pk=ticket.customer_id)
        hold = _placed(LegalHold(ticket_id=ticket_id, reason=words, placed_by=by))
        record("hold.placed", by=teammate(by), ticket_id=ticket_id, hold=hold.pk)
    return hold


@transaction.atomic
def lift(*, hold_id: int, by: Membership) -> LegalHold:
    """End a hold.

    Raises:
        Refusal: it was lifted before.
        LegalHold.DoesNotExist: for an id that is not the workspace's.
    """
    hold: LegalHold = LegalHold.objects.get(pk=hold_id)
    if not LegalHold.objects.filter(pk=hold_id, lifted_at=None).update(lifted_at=timezone.now(), lifted_by=by):
        raise Refusal("This hold was lifted before.")
    record("hold.lifted", by=teammate(by), ticket_id=hold.ticket_id, hold=hold.pk, customer=hold.customer_id)
    return hold


def go_along(ticket: Ticket, customer_id: int) -> None:
    """Put the customer's standing hold on a ticket that moves to somebody else; belongs inside the caller's transaction."""
    # The customer's row is the lock: a hold being placed on them is seen, or comes after the ticket left.
    Customer.objects.select_for_update(no_key=True).only("pk").get(pk=customer_id)
    hold = LegalHold.objects.standing().filter(customer=customer_id).first()
    if hold is None or LegalHold.objects.standing().filter(ticket=ticket).exists():
        return
    made = _placed(LegalHold(ticket=ticket, reason=hold.reason, placed_by_id=hold.placed_by_id))
    record("hold.placed", by=SYSTEM_ACTOR, ticket_id=ticket.pk, hold=made.pk)


def standing_on(customer_id: int) -> QuerySet[LegalHold]:
    """The holds that keep anything of this customer."""
    found: QuerySet[LegalHold] = LegalHold.objects.filter(lifted_at=None).filter(Q(customer=customer_id) | Q(ticket__customer=customer_id))
    return found.select_related("ticket", "placed_by__user").order_by("placed_at")


def not_held(tickets: QuerySet[Ticket]) -> QuerySet[Ticket]:
    """Those of the tickets that no hold keeps, neither their own nor their customer's."""
    standing = LegalHold.objects.filter(lifted_at=None)
    return tickets.exclude(Exists(standing.filter(Q(ticket=OuterRef("pk")) | Q(customer=OuterRef("customer")))))


def _reason(reason: str) -> str:
    words = " ".join(reason.replace("\x00", "").split())
    if not words or len(words) > MAX_REASON:
        raise Unacceptable(f"A hold needs a reason of at most {MAX_REASON} characters.")
    return words


def _placed(hold: LegalHold) -> LegalHold:
    try:
        with transaction.atomic():
            hold.save()
    except IntegrityError as error:
        raise Refusal("A hold stands here already.") from error
    return hold
