"""Every kind of row and every column of a customer's row has somebody's decision."""

import pytest
from django.db import models

from supportdesk.lifecycle import inventory
from supportdesk.lifecycle.inventory import HELD, Held, undecided
from tests.lifecycle.persons import WRITTEN


@pytest.mark.reliability(66, "export")
def test_every_model_and_every_column_about_customers_is_decided():
    assert undecided() == []


def test_a_model_and_a_column_nobody_decided_on_are_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(inventory, "BY_MODEL", {each.model: each for each in HELD if each.model != "tickets.Escalation"})
    assert undecided() == ["tickets.Escalation: is it about customers? Say so in supportdesk/lifecycle/inventory.py"]
    pin = Held("releases.Pin", ticket="ticket", erased={}, kept=("ticket",))
    monkeypatch.setattr(inventory, "BY_MODEL", {**{each.model: each for each in HELD}, "releases.Pin": pin})
    assert undecided() == ["releases.Pin.release: what becomes of it?"]


def test_what_stays_of_a_person_holds_no_words():
    """Kept columns of text are choices, codes and fields of our own; JSON that stays is a list of rule codes."""
    from django.apps import apps

    stays = set()
    for held in HELD:
        for name in held.kept:
            column = apps.get_model(held.model)._meta.get_field(name)
            if isinstance(column, WRITTEN) and not getattr(column, "choices", None):
                stays.add(f"{held.model}.{name}")
        assert (
            not any(isinstance(each, models.FileField) for each in apps.get_model(held.model)._meta.concrete_fields) or held.erased is None
        )
    assert stays == {
        *("actions.Confirmation.answer", "actions.Approval.voices", "actions.ToolCall.tool", "actions.ToolCall.verdict"),
        *("actions.ToolCall.currency", "runtime.Step.name", "runtime.AgentRun.trigger", "runtime.AgentRun.cause"),
        *("runtime.AgentRun.outcome", "lifecycle.Emptied.why", "tickets.Ticket.resolved_by"),
    }
