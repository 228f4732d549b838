"""Everything stored of one person as one zip: made by a job, for whoever asked, for a day."""

import json
import zipfile
from datetime import timedelta
from tempfile import TemporaryFile
from typing import IO, Any

from django.core.files import File
from django.core.files.storage import default_storage
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.utils import timezone

from supportdesk.core.events import record, teammate
from supportdesk.core.jobs import enqueue
from supportdesk.core.models import Membership
from supportdesk.core.sealed import SHOWN, Sealed
from supportdesk.core.sealing import CannotOpen
from supportdesk.lifecycle.inventory import Held, customer_rows
from supportdesk.lifecycle.models import CustomerExport
from tickets.errors import Refusal
from tickets.models import Attachment, Company, Customer, Ticket

OPEN = timedelta(hours=24)


@transaction.atomic
def ask_for_export(*, customer_id: int, by: Membership) -> CustomerExport:
    """Have everything stored of a person put together, for `by` alone.

    Raises:
        Refusal: one is being made for this teammate already, or some of the customer's tickets are out of their sight.
        Customer.DoesNotExist: for an id that is not the workspace's.
    """
    customer = Customer.objects.select_for_update().get(pk=customer_id)
    _must_see_all(customer_id, by)
    if CustomerExport.objects.filter(customer=customer, asked_by=by, ready_at=None, asked_at__gt=timezone.now() - OPEN).exists():
        raise Refusal("An export of this customer is being made already.")
    export: CustomerExport = CustomerExport.objects.create(customer=customer, asked_by=by)
    record("customer.export_asked", by=teammate(by), customer=customer_id, export=export.pk)
    enqueue("lifecycle.export", export_id=export.pk)
    return export


def _must_see_all(customer_id: int, by: Membership) -> None:
    """An export is whole or none: whoever does not see every ticket of the person would take out what is not theirs to read."""
    if Ticket.objects.hidden_from(by).filter(customer=customer_id).exists():
        raise Refusal("Somebody who sees every ticket of this customer has to take this out.")


def make_export(export_id: int) -> None:
    """Job: put the zip together; a second run makes it anew."""
    export: CustomerExport = CustomerExport.objects.select_related("customer__company").get(pk=export_id)
    if export.ready_at:
        return
    with TemporaryFile() as made:
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as zipped:
            write(zipped, export.customer)
        size = made.tell()
        made.seek(0)
        default_storage.delete(export.place)
        default_storage.save(export.place, File(made))
    now = timezone.now()
    with transaction.atomic():
        # The customer's row is the lock: an erasure meanwhile has dropped the export's row, and what was saved after that goes here.
        Customer.objects.select_for_update().only("pk").get(pk=export.customer_id)
        if not CustomerExport.objects.filter(pk=export.pk).update(ready_at=now, expires_at=now + OPEN, size=size):
            default_storage.delete(export.place)
            return
        record("customer.exported", customer=export.customer_id, export=export.pk)
        enqueue("lifecycle.end_export", after=OPEN.total_seconds() + 1, export_id=export.pk)


def end_export(export_id: int) -> None:
    """Job: a day is over, the zip goes."""
    for export in CustomerExport.objects.filter(pk=export_id, expires_at__lte=timezone.now()):
        drop_export(export)


def drop_export(export: CustomerExport) -> None:
    """Take the zip from the disk, then its row."""
    default_storage.delete(export.place)
    export.delete()


@transaction.atomic
def open_export(*, export: CustomerExport, by: Membership) -> IO[bytes]:
    """The zip, for the teammate who asked, while its day lasts.

    Raises:
        Refusal: it is not ready, or its day is over.
        FileNotFoundError: it is gone from the disk.
    """
    if not export.is_open or export.asked_by_id != by.pk:
        raise Refusal("This export is not ready, or no longer there.")
    _must_see_all(export.customer_id, by)
    record("customer.export_taken", by=teammate(by), customer=export.customer_id, export=export.pk)
    found: IO[bytes] = default_storage.open(export.place, "rb")
    return found


def write(zipped: zipfile.ZipFile, customer: Customer) -> None:
    """A file of JSON for each kind of row, and the attachments themselves."""
    # Late: what erases a person also reads where everything of them lies.
    from supportdesk.lifecycle.persons import events_about, ids_of, jobs_about, mails_to, saved_answers

    for held in customer_rows():
        rows = held.of_customer(customer.pk).order_by("pk")
        _put(zipped, held.model.rpartition(".")[2], [_told(row, held) for row in rows.iterator(chunk_size=500)])
    companies = Company.objects.filter(customers=customer)
    _put(zipped, "Company", [dict(row) for row in companies.values("id", "name", "domain")])
    _put(zipped, "Event", list(events_about(customer).values("at", "code", "actor_kind", "ticket_id", "subject", "changed")))
    _put(zipped, "Job", list(jobs_about(ids_of(customer)).values("name", "args", "state", "created_at", "last_error")))
    answers = saved_answers(customer)
    _put(zipped, "IdempotentRequest", [{"key": row.key, "at": row.created_at, "status": row.status, "body": row.body} for row in answers])
    for number, path in enumerate(mails_to(customer), start=1):
        zipped.write(path, f"mail/{number}.eml")
    for file in Attachment.objects.filter(ticket__customer=customer).order_by("pk"):
        try:
            with file.opened() as content, zipped.open(f"files/{file.pk}-{file.name.replace('/', '_')}", "w") as place:
                for chunk in content.chunks():
                    place.write(chunk)
        except FileNotFoundError:
            zipped.writestr(f"files/{file.pk}-is-missing.txt", "The row of this file names one that is not there.\n")


def _put(zipped: zipfile.ZipFile, name: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        zipped.writestr(f"{name}.json", json.dumps(rows, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1))


def _told(row: models.Model, held: Held) -> dict[str, Any]:
    told = {}
    for column in row._meta.concrete_fields:
        if column.name == "tenant" or column.name in held.unseen:
            continue
        value = getattr(row, column.attname)
        told[column.name] = _opened(value) if isinstance(value, Sealed) else value
    return told


def _opened(value: Sealed) -> str:
    """What was sealed; where its key is gone, the word for that: the rest of the export is the person's all the same."""
    try:
        return value.open()
    except CannotOpen:
        return SHOWN
