"""Originals of masked messages: kept sealed where a workspace chose so, read with a proof and an event each time, gone with the message."""

from django.db import transaction

from supportdesk.core.events import record, teammate
from supportdesk.core.models import Membership
from supportdesk.lifecycle.models import DataRules, KeptOriginal
from tickets.models import Message


def keeps_originals() -> bool:
    """Whether the workspace chose to keep them; not unless it did."""
    return bool(DataRules.objects.filter(keeps_originals=True).exists())


def keep(message: Message, original: str) -> None:
    """Seal what a message said before it was masked, in the transaction that stores it, if the workspace keeps originals."""
    if keeps_originals():
        KeptOriginal.objects.create(message=message).sealed_body.put(original)


@transaction.atomic
def choose(*, keeps: bool, by: Membership) -> None:
    """Keep originals from now on, or no longer; those kept before stay until their message goes."""
    rules, _made = DataRules.objects.get_or_create()
    if rules.keeps_originals == keeps:
        return
    rules.keeps_originals = keeps
    rules.save(update_fields=["keeps_originals"])
    record("data_rules.changed", by=teammate(by), changed={"keeps_originals": keeps})


@transaction.atomic
def read(*, original_id: int, by: Membership) -> str:
    """The original of one message; that it was read is an event.

    Raises:
        KeptOriginal.DoesNotExist: for an id that is not the workspace's.
        CannotOpen: when its key is gone.
    """
    kept = KeptOriginal.objects.select_related("message").get(pk=original_id)
    record("original.read", by=teammate(by), ticket_id=kept.message.ticket_id, message=kept.message_id)
    return str(kept.sealed_body.open())
