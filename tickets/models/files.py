"""Files that came with a message."""

import secrets

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import models
from django.utils import timezone

from supportdesk.core.tenancy import TenantModel
from tickets.models.tickets import Message, Ticket


def random_name() -> str:
    """128 bits: a file's address cannot be guessed."""
    return secrets.token_hex(16)


def stored_as(attachment: "Attachment", filename: str) -> str:
    """Where the bytes lie: never under the sender's file name."""
    return f"{attachment.tenant_id}/{attachment.public_id[:2]}/{attachment.public_id}"


class Attachment(TenantModel):
    """One file of one ticket; served only by the authorising view, as a download, with the type read from its content."""

    public_id = models.CharField(max_length=32, unique=True, default=random_name)
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="attachments")
    message = models.ForeignKey(Message, on_delete=models.CASCADE, null=True, blank=True, related_name="attachments")
    uploaded_by = models.CharField(max_length=10, help_text="customer or teammate")
    name = models.CharField(max_length=150)
    content_type = models.CharField(max_length=80)
    size = models.PositiveIntegerField(help_text="Bytes.")
    sha256 = models.CharField(max_length=64)
    file = models.FileField(storage=default_storage, upload_to=stored_as, max_length=200)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name

    def opened(self) -> "File[bytes]":
        """The bytes, from the workspace's own folder.

        Raises:
            FileNotFoundError: when the row names a place outside it.
        """
        place = self.file.name or ""
        if not place.startswith(f"{self.tenant_id}/") or ".." in place.split("/"):
            raise FileNotFoundError(f"File {self.pk} lies outside its workspace's folder.")
        found: File[bytes] = self.file.open("rb")
        return found
