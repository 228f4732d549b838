"""An export is complete, tells of one person only, opens for who asked, for a day."""

import json
import zipfile
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from supportdesk.core.models import Event
from supportdesk.core.tenancy import acting_for
from supportdesk.lifecycle.exports import ask_for_export, end_export, make_export, open_export, write
from supportdesk.lifecycle.inventory import HELD
from supportdesk.lifecycle.models import CustomerExport, KeptOriginal
from tests.factories import World
from tests.lifecycle.persons import Person, erased, exported, written_columns
from tests.reliability.report import figure
from tickets.errors import Refusal
from tickets.models import Customer

People = Callable[[], tuple[World, Person, Person, Person]]


@pytest.mark.reliability(66, "export")
def test_an_export_tells_everything_of_one_person_and_of_nobody_else(db: None, make_people: People):
    acme, ida, neighbour, elsewhere = make_people()
    with acting_for(acme.tenant):
        files = exported(ida.customer)
    everything = b"\n".join(files.values()).decode()
    missing = []
    for held in HELD:
        name = f"{held.model.rpartition('.')[2]}.json"
        for column in written_columns(held):
            if column.name in held.unseen or f"{held.model}.{column.name}" not in ida.planted:
                continue
            told = json.loads(files[name])
            if not any(ida.mark in json.dumps(row[column.name]) for row in told):
                missing.append(f"{held.model}.{column.name}")
    figure("columns an export tells", len(ida.planted))
    assert missing == []
    for words in ("original", "in-a-file", "in-a-mail", "answer", "last-error", "company"):
        assert f"{ida.mark}-{words}" in everything, words
    assert neighbour.mark not in everything
    assert elsewhere.mark not in everything
    assert "customer" in files["Event.json"].decode()


@pytest.mark.reliability(66, "export")
def test_an_export_shows_no_secrets_of_ours(db: None, make_people: People):
    acme, ida, _neighbour, _elsewhere = make_people()
    with acting_for(acme.tenant):
        files = exported(ida.customer)
    text = b"".join(files.values()).decode()
    assert not any(f'"{name}"' in text for name in ("secret_hash", "code_hash", "handoff_hash", "sealed_token"))


@pytest.mark.reliability(66, "export")
def test_an_export_opens_for_who_asked_for_a_day_and_is_gone_then(db: None, make_people: People):
    acme, ida, _neighbour, _elsewhere = make_people()
    from tests.factories import make_member

    with acting_for(acme.tenant):
        bob = make_member(acme.tenant, name="Bob Berg")
        export = ask_for_export(customer_id=ida.customer.pk, by=acme.owner)
        with pytest.raises(Refusal):
            ask_for_export(customer_id=ida.customer.pk, by=acme.owner)
        with pytest.raises(Refusal):
            open_export(export=export, by=acme.owner)
        make_export(export.pk)
        export.refresh_from_db()
        with open_export(export=export, by=acme.owner) as content:
            assert content.read(2) == b"PK"
        with pytest.raises(Refusal):
            open_export(export=export, by=bob)
        assert Event.objects.filter(code="customer.export_taken").count() == 1
        CustomerExport.objects.filter(pk=export.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
        export.refresh_from_db()
        with pytest.raises(Refusal):
            open_export(export=export, by=acme.owner)
        end_export(export.pk)
        assert not default_storage.exists(export.place)
        assert not CustomerExport.objects.filter(pk=export.pk).exists()


@pytest.mark.reliability(66, "export")
def test_an_export_that_an_erasure_overtook_leaves_no_zip(db: None, make_people: People, monkeypatch: pytest.MonkeyPatch):
    acme, ida, _neighbour, _elsewhere = make_people()

    def overtaken(zipped: zipfile.ZipFile, customer: Customer) -> None:
        write(zipped, customer)
        erased(ida)

    with acting_for(acme.tenant):
        export = ask_for_export(customer_id=ida.customer.pk, by=acme.owner)
        monkeypatch.setattr("supportdesk.lifecycle.exports.write", overtaken)
        make_export(export.pk)
        assert not default_storage.exists(export.place)
        assert not CustomerExport.objects.filter(pk=export.pk).exists()
        assert not Event.objects.filter(code="customer.exported").exists()


@pytest.mark.reliability(66, "export")
def test_an_original_whose_key_is_gone_does_not_keep_the_rest_back(db: None, make_people: People):
    acme, ida, neighbour, _elsewhere = make_people()
    with acting_for(acme.tenant):
        # Sealed for another row, as good as sealed with a lost key.
        other = KeptOriginal.objects.get(message__ticket=neighbour.ticket).sealed_body.ciphertext
        KeptOriginal.objects.filter(message__ticket=ida.ticket).update(sealed_body=other)
        files = exported(ida.customer)
    assert [row["sealed_body"] for row in json.loads(files["KeptOriginal.json"])] == ["[sealed]"]
    assert "Message.json" in files
