"""Taking files in: bounded, typed by content, stored under a random name."""

import hashlib
import unicodedata

import filetype
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils.translation import gettext as _

from supportdesk.core.events import Actor, record
from supportdesk.core.masking import masked, masked_file
from tickets.errors import Unacceptable
from tickets.models import Attachment, Ticket


def safe_name(name: str) -> str:
    """The file's name without folders, control characters or direction tricks; at most 100 characters."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(char for char in last if unicodedata.category(char)[0] != "C").strip(" .")
    stem, dot, ending = kept.rpartition(".")
    return f"{stem[:90]}{dot}{ending[:9]}" if dot else kept[:100] or "file"


@transaction.atomic
def attach(*, ticket: Ticket, name: str, content: bytes, by: Actor) -> Attachment:
    """Store one file on a ticket; the type is read from the content, never believed; text is masked as messages are.

    Raises:
        Unacceptable: empty, or larger than ATTACHMENT_MAX_BYTES.
    """
    if not content:
        raise Unacceptable(_("This file is empty."))
    if len(content) > settings.ATTACHMENT_MAX_BYTES:
        raise Unacceptable(_("This file is too large: at most %(n)s MB.") % {"n": settings.ATTACHMENT_MAX_BYTES // (1024 * 1024)})
    content = masked_file(content)
    row = Attachment(
        ticket=ticket,
        uploaded_by=by.kind,
        name=safe_name(masked(name)),
        content_type=filetype.guess_mime(content) or "application/octet-stream",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        tenant=ticket.tenant,
    )
    row.file.save(row.name, ContentFile(content), save=False)
    row.save()
    record("file.added", by=by, ticket_id=ticket.pk, attachment=row.pk)
    return row
