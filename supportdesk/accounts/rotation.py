"""The secrets of second factors lie in allauth's own table: sealed again when the sealing keys change."""

from collections.abc import Iterator
from typing import Any

from allauth.mfa.models import Authenticator

from supportdesk.accounts.second_factor import place_of
from supportdesk.core.rotation import Elsewhere, Rotated
from supportdesk.core.sealing import CannotOpen, newest_key, seal, unseal

# The sealed values of a row's data, by kind: the app's secret, the seed of recovery codes.
SEALED = ("secret", "seed")


def rotate() -> Rotated:
    """Seal each secret again that an older key sealed; one that is replaced meanwhile stays as it was put."""
    told = Rotated("mfa.Authenticator.data")
    for row, name in _older():
        place = place_of(row.user_id)
        try:
            fresh = {**row.data, name: seal(unseal(row.data[name], place=place), place=place)}
        except CannotOpen:
            told.closed += 1
            continue
        told.resealed += Authenticator.objects.filter(pk=row.pk, data=row.data).update(data=fresh)
    return told


def left() -> Rotated:
    """How many still need an older key."""
    return Rotated("mfa.Authenticator.data", left=sum(1 for _each in _older()))


def _older() -> Iterator[tuple[Any, str]]:
    for row in Authenticator.objects.order_by("pk").iterator():
        for name in SEALED:
            if isinstance(row.data.get(name), str) and not row.data[name].startswith(f"{newest_key()}:"):
                yield row, name


ELSEWHERE = Elsewhere(rotate, left)
