"""Names for what may not be named: keyed hashes, so that equal stays equal and nobody can try out who it was."""

from django.conf import settings
from django.utils.crypto import salted_hmac

from supportdesk.core.tenancy import acting_tenant
from tickets.models import Customer


def scrambled(text: object, *, key: str = "") -> str:
    """The keyed hash of a text for the workspace being acted for."""
    return salted_hmac("supportdesk.lifecycle", f"{acting_tenant().pk}|{text}", secret=key or None, algorithm="sha256").hexdigest()


def every_hash(text: object) -> set[str]:
    """Its hashes under today's key and those before it."""
    return {scrambled(text, key=key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)}


def pseudonym(customer: Customer) -> str:
    """What an erased person is called: Erased customer 1f3a."""
    return f"Erased customer {scrambled(f'customer:{customer.pk}')[:4]}"
