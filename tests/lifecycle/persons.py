"""Persons with a canary in every column that is theirs, and the places where canaries are looked for."""

import contextlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, models
from django.utils import timezone

from agents.actions.models import Approval, Confirmation, State, ToolCall
from agents.runtime.models import AgentRun, Step
from supportdesk.core.jobs import enqueue
from supportdesk.core.models import IdempotentRequest, Job, Presence, ServiceIdentity
from supportdesk.core.sealed import SealedField
from supportdesk.lifecycle.erasing import ask_for_erasure, erase
from supportdesk.lifecycle.exports import write
from supportdesk.lifecycle.inventory import HELD, Held
from supportdesk.lifecycle.models import DataRules, Erasure, KeptOriginal, LegalHold
from tests.factories import World
from tests.surface.furniture import look_alike
from tickets.models import Attachment, Company, Customer, Message, Ticket

SAME_NAME = "Ida Ekholm"
WRITTEN = (models.CharField, models.TextField, models.JSONField)


@dataclass
class Person:
    """One customer of a world and the word that stands in all their columns."""

    world: World
    customer: Customer
    ticket: Ticket
    mark: str
    planted: list[str]


def settled(ticket: Ticket) -> None:
    """Nothing of the case is under way any more."""
    Approval.objects.filter(ticket=ticket).delete()
    Confirmation.objects.filter(call__ticket=ticket).delete()
    ToolCall.objects.filter(ticket=ticket).update(state=State.CANCELLED, settled_at=timezone.now())
    AgentRun.objects.filter(ticket=ticket).update(state=AgentRun.State.DONE, finished_at=timezone.now())


def make_person(world: World, mark: str) -> Person:
    """Somebody called Ida Ekholm with one of everything; inside `acting_for`."""
    made = look_alike(world, f"{world.brand.pk}-{Customer.objects.count()}-")
    ticket, customer = made.ticket, made.customer
    settled(ticket)
    call = ToolCall.objects.filter(ticket=ticket).first()
    assert call
    now = timezone.now()
    Confirmation.objects.create(call=call, shown_hash="0" * 64, answer="yes", expires_at=now, answered_at=now)
    Approval.objects.create(call=call, ticket=ticket, shown_hash="1" * 64, decision="void", decided_at=now, expires_at=now)
    Presence.objects.create(tenant=world.tenant, ticket_id=ticket.pk, kind="progress", changed_at=now)
    DataRules.objects.get_or_create(defaults={"keeps_originals": True})
    message = Message.objects.filter(ticket=ticket, author="customer").first()
    assert message
    LegalHold.objects.create(customer=customer, reason="over", placed_by=world.owner, lifted_by=world.owner, lifted_at=now)
    Erasure.objects.create(customer=customer, asked_by=world.owner, state=Erasure.State.FAILED, due_at=now)
    job = enqueue("tickets.send_code", code_id=ticket.codes.first().pk)
    assert job
    Job.objects.filter(pk=job.pk).update(state=Job.State.DEAD, last_error=f"{mark}-last-error")
    service = ServiceIdentity.objects.create(name=f"Programme {mark}", scopes=[])
    # The service's own name is no customer's: it says the mark only until here.
    ServiceIdentity.objects.filter(pk=service.pk).update(name=f"Programme {service.pk}")
    body = json.dumps({"number": ticket.number, "subject": f"{mark}-answer"})
    once = {"fingerprint": "f" * 64, "claim": "c", "lease_until": now, "expires_at": now, "status": 201}
    IdempotentRequest.objects.create(service=service, key=f"k{service.pk}", body=body, **once)
    planted = [name for held in HELD for name in plant(held, customer.pk, mark)]
    KeptOriginal.objects.create(message=message).sealed_body.put(f"{mark}-original")
    company = Company.objects.get(customers=customer)
    Company.objects.filter(pk=company.pk).update(name=f"{mark}-company", domain=f"{mark}-domain")
    for file in Attachment.objects.filter(ticket=ticket):
        place = f"{world.tenant.pk}/xx/{mark.lower()}{file.pk}"
        default_storage.delete(place)
        default_storage.save(place, ContentFile(f"{mark}-in-a-file".encode()))
        Attachment.objects.filter(pk=file.pk).update(file=place)
    mail(world, f"{mark}-value-0@mail.example", mark)
    Customer.objects.filter(pk=customer.pk).update(name=f"{SAME_NAME} {mark}")
    customer.refresh_from_db()
    ticket.refresh_from_db()
    return Person(world, customer, ticket, mark, planted)


def plant(held: Held, customer_id: int, mark: str) -> list[str]:
    """The mark in every column of words that the inventory promises to erase, found by introspection."""
    planted = []
    if held.model == "runtime.Step":
        # Steps are added, never changed: on PostgreSQL nobody could.
        for step in list(held.of_customer(customer_id)):
            Step.objects.create(
                run=step.run,
                number=step.number + 50,
                kind=step.kind,
                input={"canary": f"{mark}-input"},
                output={"canary": f"{mark}-output"},
            )
        return ["runtime.Step.input", "runtime.Step.output"]
    for number, row in enumerate(held.of_customer(customer_id).order_by("pk")):
        for column in written_columns(held):
            word = f"{mark}-{column.name}-{number}"
            value: Any = (
                {"canary": word} if isinstance(column, models.JSONField) else word if len(word) <= (column.max_length or 200) else mark
            )
            if column.name in ("value", "email"):
                value = f"{mark}-value-{number}@mail.example"
            if held.model == "tickets.Message" and column.name == "kind":
                continue
            type(row)._default_manager.filter(pk=row.pk).update(**{column.name: value})
            planted.append(f"{held.model}.{column.name}")
    return planted


def written_columns(held: Held) -> list[Any]:
    """The columns of words of one kind that do not stay and hold no choice, hash or random id of ours."""
    from django.apps import apps

    model = apps.get_model(held.model)
    return [
        column
        for column in model._meta.concrete_fields
        if isinstance(column, WRITTEN)
        and not isinstance(column, SealedField)
        and not column.choices
        and column.name not in held.kept
        and not column.name.endswith("_hash")
        and column.name not in ("public_id", "sha256", "file")
        and not column.primary_key
    ]


def mail(world: World, address: str, mark: str) -> None:
    """A mail in the folder of mails."""
    folder = Path(settings.EMAIL_FILE_PATH)
    folder.mkdir(parents=True, exist_ok=True)
    own = f"X-SupportDesk-Tenant: {world.tenant.pk}"
    text = f"Subject: Your code for {world.brand.name}\nFrom: desk@localhost\nTo: {address}\n{own}\n\n{mark}-in-a-mail\n"
    (folder / f"{mark}.log").write_text(text)


def erased(person: Person) -> Erasure:
    """The person, erased by the job; inside `acting_for`."""
    erasure = ask_for_erasure(customer_id=person.customer.pk, by=person.world.owner)
    erase(erasure.pk)
    erasure.refresh_from_db()
    return erasure


def exported(customer: Customer) -> dict[str, bytes]:
    """The files of a person's export, by their names; inside `acting_for`."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as zipped:
        write(zipped, customer)
    with zipfile.ZipFile(made) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


def where(mark: str) -> list[str]:
    """Every place of this installation whose raw bytes hold the mark, whatever its letters' case."""
    found, wanted = [], mark.lower().encode()
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite" and not connection.in_atomic_block:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    roots = [Path(settings.MEDIA_ROOT), Path(settings.EMAIL_FILE_PATH), Path(settings.CHROMA_PATH), Path(settings.ERASED_LIST).parent]
    if connection.vendor == "sqlite":
        roots.append(Path(str(connection.settings_dict["NAME"])).parent)
    for root in roots:
        for path in root.rglob("*"):
            with contextlib.suppress(OSError):
                if path.is_file() and wanted in path.read_bytes().lower():
                    found.append(str(path))
    if wanted in repr(getattr(cache, "_cache", "")).lower().encode():
        found.append("cache")
    return sorted(set(found))


def rows_with(mark: str) -> list[str]:
    """Every table with a row that holds the mark, as the connection sees them."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')
            if any(mark.lower() in str(row).lower() for row in cursor.fetchall()):
                found.append(table)
    return found
