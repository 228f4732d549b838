"""Retention schedules: every hour each workspace's old data goes, in small batches, never what is held or still open."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from agents.runtime.models import AgentRun, Step
from supportdesk.core.events import record, teammate
from supportdesk.core.jobs import enqueue
from supportdesk.core.models import IdempotentRequest, Job, Membership, Presence, Tenant
from supportdesk.core.tenancy import acting_for, acting_tenant
from supportdesk.lifecycle.emptying import drop_files, empty_ticket, empty_traces, is_busy
from supportdesk.lifecycle.exports import drop_export
from supportdesk.lifecycle.holds import not_held
from supportdesk.lifecycle.models import DEFAULTS, MAX_DAYS, CustomerExport, Data, Emptied, Erasure, LegalHold, Schedule
from supportdesk.lifecycle.persons import forget, forget_by_name
from tickets.errors import Unacceptable
from tickets.models import Attachment, ChatSession, Customer, CustomerIdentity, OneTimeCode, Ticket

# Cases and people go one by one, rows of no weight many at a time; after some batches the job lets others have their turn.
FEW, MANY, BATCHES = 25, 500, 8
NAME = "lifecycle.apply_schedules"


def schedules() -> dict[str, tuple[int, bool]]:
    """For each kind of data: after how many days, and whether it goes at all."""
    chosen = {row.kind: (row.days, row.is_on) for row in Schedule.objects.all()}
    return DEFAULTS | chosen


@transaction.atomic
def set_schedule(*, kind: str, days: int, is_on: bool, by: Membership) -> None:
    """Choose how long one kind of data stays.

    Raises:
        Unacceptable: for no kind of ours, or days out of 1 to 3,650.
    """
    if kind not in Data.values or not 1 <= days <= MAX_DAYS:
        raise Unacceptable("Days are 1 to 3,650.")
    was = schedules()[kind]
    if was == (days, is_on):
        return
    Schedule.objects.update_or_create(kind=kind, defaults={"days": days, "is_on": is_on})
    record("schedule.changed", by=teammate(by), changed={"kind": kind, "days": [was[0], days], "is_on": [was[1], is_on]})


def ask_for_schedules() -> None:
    """Every hour, in some process: a job for each workspace that had none lately."""
    lately = timezone.now() - timedelta(minutes=50)
    for tenant in Tenant.objects.filter(is_active=True).order_by("pk"):
        with acting_for(tenant):
            if not Job.objects.filter(tenant=tenant, name=NAME, created_at__gt=lately).exists():
                enqueue(NAME, dedupe="schedules")


def apply_schedules() -> None:
    """Job: let go of what is older than its schedule; asks for itself again when there is more."""
    gone: dict[str, int] = {}
    has_more = False
    for kind, (days, is_on) in schedules().items():
        if not is_on:
            continue
        before = timezone.now() - timedelta(days=days)
        for _ in range(BATCHES):
            found = GO[kind](before)
            if not found:
                break
            gone[kind] = gone.get(kind, 0) + found
        else:
            has_more = True
    for export in CustomerExport.objects.filter(
        Q(expires_at__lte=timezone.now()) | Q(ready_at=None, asked_at__lt=timezone.now() - timedelta(days=2))
    ):
        drop_export(export)
    if gone:
        record("retention.applied", changed=gone)
    if has_more:
        enqueue(NAME, after=1.0, dedupe="schedules")


def _old_tickets(before: datetime) -> "list[int]":
    old = Ticket.objects.resolved().filter(resolved_at__lt=before, last_message_at__lt=before)
    done = Emptied.objects.filter(ticket=OuterRef("pk"), last_seq__gte=OuterRef("last_seq"))
    free = not_held(old.exclude(Exists(done)))
    return list(free.exclude(pk__in=is_busy(old).values("pk")).order_by("pk").values_list("pk", flat=True)[:FEW])


def _tickets(before: datetime) -> int:
    found = _old_tickets(before)
    for pk in found:
        with transaction.atomic():
            # Asked again under the locks: a customer may have written, a hold may stand by now.
            _lock_customers(Ticket.objects.filter(pk=pk))
            ticket = Ticket.objects.select_for_update().filter(pk=pk).resolved()
            if not_held(Ticket.objects.filter(pk__in=ticket.values_list("pk", flat=True))).exists():
                empty_ticket(pk, why="schedule")
    return len(found)


def _closed(before: datetime) -> "list[int]":
    """Resolved tickets no hold keeps and nothing is under way on, as a query."""
    old = Ticket.objects.resolved().filter(resolved_at__lt=before)
    return not_held(old).exclude(pk__in=is_busy(old).values("pk")).values("pk")  # type: ignore[return-value]


def _lock_customers(tickets: QuerySet[Ticket]) -> None:
    """Take the rows whoever places a hold takes; what holds keep is asked after this."""
    list(Customer.objects.select_for_update().filter(pk__in=tickets.values("customer")).order_by("pk").only("pk"))


@transaction.atomic
def _traces(before: datetime) -> int:
    full = Step.objects.filter(run=OuterRef("pk")).exclude(input={}, output={})
    runs = AgentRun.objects.filter(finished_at__lt=before, ticket__in=_closed(before)).filter(Exists(full))
    seen = list(runs.order_by("pk").values_list("pk", flat=True)[:FEW])
    _lock_customers(Ticket.objects.filter(runs__in=seen))
    if found := list(runs.filter(pk__in=seen).values_list("pk", flat=True)):
        empty_traces(found)
    return len(found)


@transaction.atomic
def _files(before: datetime) -> int:
    files = Attachment.objects.filter(created_at__lt=before, ticket__in=_closed(before))
    seen = list(files.order_by("pk").values_list("pk", flat=True)[:FEW])
    _lock_customers(Ticket.objects.filter(attachments__in=seen))
    return drop_files(files.filter(pk__in=seen))


@transaction.atomic
def _sessions(before: datetime) -> int:
    holds = LegalHold.objects.filter(lifted_at=None)
    kept = Q(customer__in=holds.exclude(customer=None).values("customer")) | Q(ticket__in=holds.exclude(ticket=None).values("ticket"))
    over = ChatSession.objects.filter(Q(revoked_at__lt=before) | Q(expires_at__lt=before)).exclude(kept)
    sessions = list(over.order_by("pk").values_list("pk", flat=True)[:MANY])
    ChatSession.objects.filter(pk__in=sessions).delete()
    held = Q(ticket__in=holds.exclude(ticket=None).values("ticket")) | Q(
        ticket__customer__in=holds.exclude(customer=None).values("customer")
    )
    codes = list(OneTimeCode.objects.filter(expires_at__lt=before).exclude(held).order_by("pk").values_list("pk", flat=True)[:MANY])
    OneTimeCode.objects.filter(pk__in=codes).delete()
    return len(sessions) + len(codes)


def _visitors(before: datetime) -> int:
    proven = CustomerIdentity.objects.filter(customer=OuterRef("pk"), is_verified=True)
    theirs = Ticket.objects.filter(customer=OuterRef("pk"))
    living = ChatSession.objects.filter(customer=OuterRef("pk"), revoked_at=None, expires_at__gt=timezone.now())
    holds = LegalHold.objects.filter(lifted_at=None).filter(Q(customer=OuterRef("pk")) | Q(ticket__customer=OuterRef("pk")))
    recent = theirs.filter(~Q(status="resolved") | Q(last_message_at__gte=before) | Q(pk__in=is_busy(Ticket.objects.all()).values("pk")))
    known = Erasure.objects.filter(customer=OuterRef("pk")).exclude(state=Erasure.State.FAILED)
    strangers = Customer.objects.filter(created_at__lt=before).exclude(Exists(proven)).exclude(Exists(recent))
    strangers = strangers.exclude(Exists(living)).exclude(Exists(holds)).exclude(Exists(known))
    found = list(strangers.order_by("pk").values_list("pk", flat=True)[:FEW])
    for pk in found:
        with transaction.atomic():
            customer = strangers.select_for_update(of=("self",)).filter(pk=pk).first()
            if customer is None:
                continue
            forget_by_name(customer)
            for ticket_id in Ticket.objects.filter(customer=customer).values_list("pk", flat=True):
                empty_ticket(ticket_id, why="erasure")
            forget(customer)
            now = timezone.now()
            Erasure.objects.create(customer=customer, asked_by=None, state=Erasure.State.DONE, asked_at=now, due_at=now, finished_at=now)
    return len(found)


@transaction.atomic
def _requests(before: datetime) -> int:
    old = IdempotentRequest.objects.filter(expires_at__lt=min(before, timezone.now()), created_at__lt=before)
    return _delete(IdempotentRequest, list(old.values_list("pk", flat=True)[:MANY]))


@transaction.atomic
def _jobs(before: datetime) -> int:
    old = Job.objects.filter(tenant=acting_tenant(), state=Job.State.DONE, finished_at__lt=before)
    return _delete(Job, list(old.values_list("pk", flat=True)[:MANY]))


@transaction.atomic
def _presence(before: datetime) -> int:
    holds = LegalHold.objects.filter(lifted_at=None)
    kept = Ticket.objects.filter(Q(pk__in=holds.values("ticket")) | Q(customer__in=holds.values("customer")))
    old = Presence.objects.filter(tenant=acting_tenant(), changed_at__lt=before).exclude(ticket_id__in=kept.values("pk"))
    return _delete(Presence, list(old.values_list("pk", flat=True)[:MANY]))


def _delete(model: type[IdempotentRequest] | type[Job] | type[Presence], found: list[int]) -> int:
    model._default_manager.filter(pk__in=found).delete()
    return len(found)


GO: dict[str, Callable[[datetime], int]] = {
    Data.TICKETS: _tickets,
    Data.TRACES: _traces,
    Data.FILES: _files,
    Data.SESSIONS: _sessions,
    Data.VISITORS: _visitors,
    Data.REQUESTS: _requests,
    Data.JOBS: _jobs,
    Data.PRESENCE: _presence,
}
