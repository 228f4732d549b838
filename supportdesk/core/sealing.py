"""Secrets at rest: AES-GCM with tenant, model, field and row as associated data, so a ciphertext copied to another row does not open."""

import base64
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from supportdesk.core.logs import hide


class CannotOpen(Exception):
    """The sealed text was changed, belongs to another row, or its key is gone."""


def _keys() -> dict[str, AESGCM]:
    return _parsed(tuple(settings.SEALING_KEYS))


@lru_cache(maxsize=4)
def _parsed(entries: tuple[str, ...]) -> dict[str, AESGCM]:
    keys = {}
    for entry in entries:
        name, _, material = entry.partition(":")
        try:
            raw = base64.b64decode(material, validate=True)
        except ValueError:
            raw = b""
        if not name or len(raw) != 32:
            raise ImproperlyConfigured(f"SEALING_KEYS: key {name!r} must be 32 bytes in base64.")
        keys[name] = AESGCM(raw)
    return keys


def newest_key() -> str:
    """The name of the key that seals from now on."""
    return next(iter(_keys()))


def seal(secret: str, *, place: str) -> str:
    """The secret as text that only opens at the same place, e.g. `7|actions.Connector|token|3`; newest key."""
    name, key = next(iter(_keys().items()))
    hide(secret)
    nonce = os.urandom(12)
    return f"{name}:{base64.b64encode(nonce + key.encrypt(nonce, secret.encode(), place.encode())).decode()}"


def unseal(sealed: str, *, place: str) -> str:
    """The secret again.

    Raises:
        CannotOpen: when it was sealed elsewhere, changed, or with a key that is gone.
    """
    name, _, body = sealed.partition(":")
    try:
        raw = base64.b64decode(body)
        secret = _keys()[name].decrypt(raw[:12], raw[12:], place.encode()).decode()
    except (KeyError, ValueError, InvalidTag) as error:
        raise CannotOpen("This secret does not open here; enter it again.") from error
    hide(secret)
    return secret
