"""A planted secret comes out of nothing: no page, no form, no dump, no log, no error page, no mail about an error, no history."""

import io
import json
import logging
import logging.config
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as site
from django.core import mail, serializers
from django.core.management import call_command
from django.db import connection, models
from django.forms import model_to_dict
from django.test import Client
from django.urls import get_resolver
from django.utils.log import AdminEmailHandler
from pytest_django import Settings
from rest_framework.serializers import ModelSerializer

from agents.actions.models import Connector
from supportdesk.core.logs import Redact
from supportdesk.core.sealed import SealedField, sealed_columns
from supportdesk.core.sealing import CannotOpen
from supportdesk.core.tenancy import acting_for
from tests.admin.pages import text, url
from tests.factories import World

CANARY = "zx81-canary-token-QmFzZTY0"
pytestmark = pytest.mark.django_db


@pytest.fixture
def connector(acme: World) -> Connector:
    with acting_for(acme.tenant):
        made: Connector = Connector.objects.create(key="shop", name="Shop", base_url="https://93.184.215.14")
        made.set_token(CANARY)
    return made


def simple_pages(patterns: Any, prefix: str = "/") -> list[str]:
    """Every address without a variable part."""
    found: list[str] = []
    for pattern in patterns:
        route = prefix + str(pattern.pattern).replace("^", "").replace("$", "").replace("\\Z", "")
        if hasattr(pattern, "url_patterns"):
            found += simple_pages(pattern.url_patterns, route)
        elif not any(mark in route for mark in "<(?"):
            found.append(route)
    return found


def test_every_column_named_sealed_is_one_that_shows_nothing_and_rotates():
    """A secret kept in a plain text column would be shown by whatever lists columns, and forgotten by a rotation."""
    plain = [
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.concrete_fields
        if field.name.startswith("sealed") and not isinstance(field, SealedField)
    ]
    assert plain == []
    assert (Connector, Connector._meta.get_field("sealed_token")) in list(sealed_columns())


@pytest.mark.reliability(69, "api and forms")
def test_nothing_that_reads_columns_reads_a_secret(acme: World, connector: Connector):
    class Everything(ModelSerializer):
        class Meta:
            model = Connector
            fields = "__all__"

    with acting_for(acme.tenant):
        row = Connector.objects.get()
        ciphertext = row.sealed_token.ciphertext
        told = [
            *(repr(each) for each in (row, row.sealed_token, Connector.objects.values().get(), Connector.objects.values_list().get())),
            *(repr(Everything(row).data), repr(model_to_dict(row)), repr(vars(row)), serializers.serialize("json", [row])),
            json.dumps(Everything(row).data, default=str),
        ]
        assert row.sealed_token.open() == CANARY
        deferred = Connector.objects.defer("sealed_token").get()
        assert deferred.token() == CANARY
    assert [each for each in told if CANARY in each or ciphertext in each] == []


@pytest.mark.reliability(69, "api and forms")
def test_no_page_shows_a_secret_to_an_owner(owner: Client, acme: World, connector: Connector):
    pages = simple_pages(get_resolver().url_patterns)
    assert len(pages) > 60
    pages += [url(Connector, what, connector.pk) for what in ("change", "history", "delete")]
    with acting_for(acme.tenant):
        ciphertext = Connector.objects.get().sealed_token.ciphertext
    for page in pages:
        answer = owner.get(page)
        held = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert CANARY.encode() not in held, page
        assert ciphertext.encode() not in held, page


@pytest.mark.reliability(69, "copied ciphertext")
def test_a_ciphertext_copied_to_another_row_or_workspace_does_not_open(acme: World, globex: World, connector: Connector):
    with acting_for(acme.tenant):
        stolen = Connector.objects.get().sealed_token.ciphertext
        beside = Connector.objects.create(key="beside", name="Beside", base_url="https://93.184.215.14", sealed_token=stolen)
        with pytest.raises(CannotOpen):
            Connector.objects.get(pk=beside.pk).token()
    with acting_for(globex.tenant):
        theirs = Connector.objects.create(key="shop", name="Shop", base_url="https://93.184.215.14", sealed_token=stolen)
        with pytest.raises(CannotOpen):
            Connector.objects.get(pk=theirs.pk).token()


@pytest.mark.reliability(69, "dumps")
def test_no_dump_holds_a_secret(acme: World, connector: Connector):
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        dump = "\n".join(connection.connection.iterdump())
        assert "93.184.215.14" in dump
        assert CANARY not in dump
    with acting_for(acme.tenant):
        out = io.StringIO()
        call_command("dumpdata", "actions.connector", stdout=out)
        assert "93.184.215.14" in out.getvalue()
        assert CANARY not in out.getvalue()


@pytest.mark.reliability(69, "api and forms")
def test_no_history_table_keeps_a_secret():
    kept = [
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        if model.__name__.startswith("Historical")
        for field in model._meta.concrete_fields
        if isinstance(field, SealedField)
    ]
    assert kept == []


def test_a_history_that_would_keep_a_secret_stops_the_start():
    class Kept(models.Model):  # noqa: DJ008
        class Meta:
            app_label = "core"
            managed = False

        sealed_thing = SealedField("thing")

    class Copies:
        model = Kept

    try:
        Kept._meta.simple_history_manager_attribute = "history"
        Kept.history = Copies
        assert "supportdesk.E010" in [each.id for each in Kept._meta.get_field("sealed_thing").check()]
    finally:
        apps.all_models["core"].pop("kept")
        apps.clear_cache()


class Broken(Exception):
    """What the forced error raises."""


@pytest.mark.reliability(69, "logs", "error pages")
@pytest.mark.parametrize("is_debug", [False, True])
def test_an_error_with_a_secret_at_hand_tells_it_to_nobody(
    owner: Client, connector: Connector, settings: Settings, monkeypatch: pytest.MonkeyPatch, is_debug: bool
):
    """The secret is in local variables, in the form that was sent, and in the words of the error itself."""

    def breaks(self: Connector, token: str) -> None:
        opened = self.token()
        raise Broken(f"Authorization: Bearer {opened} / token={token} / {opened!r}")

    written = io.StringIO()
    handler = logging.StreamHandler(written)
    logging_of_the_site: Any = site.LOGGING
    handler.setFormatter(logging.Formatter(logging_of_the_site["formatters"]["plain"]["format"]))
    assert logging_of_the_site["handlers"]["stderr"]["filters"] == ["redact"]
    handler.addFilter(Redact())
    mails = AdminEmailHandler(include_html=True)
    monkeypatch.setattr(Connector, "set_token", breaks)
    settings.DEBUG, settings.ADMINS = is_debug, [("Ops", "ops@people.example")]
    owner.raise_request_exception = False
    logger = logging.getLogger("django.request")
    logger.addHandler(handler)
    logger.addHandler(mails)
    try:
        answer = owner.post(
            url(Connector, "change", connector.pk),
            {"key": "shop", "name": "Shop", "base_url": "https://93.184.215.14", "environment": "live", "new_token": f"token={CANARY}"},
        )
    finally:
        logger.removeHandler(handler)
        logger.removeHandler(mails)
    assert answer.status_code == 500
    assert "Broken" in written.getvalue()
    told = [text(answer), written.getvalue(), *(each.body + "".join(str(part[0]) for part in each.alternatives) for each in mail.outbox)]
    assert len(told) >= 3
    assert [n for n, each in enumerate(told) if CANARY in each] == []
