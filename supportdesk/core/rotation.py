"""Sealing keys change while secrets are used: every sealed column is sealed again with the newest key, row by row."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import Q, TextField, Value
from django.db.models.functions import Cast, StrIndex

from supportdesk.core.models import Tenant
from supportdesk.core.sealed import SealedField, sealed_columns
from supportdesk.core.sealing import CannotOpen, newest_key, seal, unseal
from supportdesk.core.tenancy import acting_for

BATCH = 200


@dataclass(frozen=True)
class Elsewhere:
    """Secrets that are sealed outside a SealedField, such as inside a library's own table.

    `rotate` seals them again with the newest key and tells what it found; `left` counts those that need an older one.
    """

    rotate: Callable[[], "Rotated"]
    left: Callable[[], "Rotated"]


_elsewhere: list[Elsewhere] = []


def also(place: Elsewhere) -> None:
    """Let rotations take these secrets along; from `AppConfig.ready`."""
    _elsewhere.append(place)


@dataclass
class Rotated:
    """What a rotation found in one column: sealed again, and closed for good because their key is gone."""

    column: str
    resealed: int = 0
    closed: int = 0
    left: int = 0


def rotate(*, batch: int = BATCH) -> list[Rotated]:
    """Seal everything again that an older key sealed; secrets may be used and replaced meanwhile."""
    return [*(_each(model, field, batch) for model, field in sealed_columns()), *(each.rotate() for each in _elsewhere)]


def left_over() -> list[Rotated]:
    """How many rows of each column still need an older key."""
    found = []
    for model, field in sealed_columns():
        told = Rotated(f"{model._meta.label}.{field.name}")
        told.left = sum(_older(model, field, tenant).count() for tenant in _scopes(model))
        found.append(told)
    return [*found, *(each.left() for each in _elsewhere)]


def _scopes(model: type[models.Model]) -> Iterator[Tenant | None]:
    """Each tenant in turn, acting for it; once without one for a model outside the walls."""
    if not any(field.name == "tenant" for field in model._meta.concrete_fields):
        yield None
        return
    for tenant in Tenant.objects.order_by("pk"):
        with acting_for(tenant):
            yield tenant


def _older(model: type[models.Model], field: SealedField, tenant: Tenant | None) -> models.QuerySet[Any]:
    mine = Q(tenant_id=tenant.pk) if tenant is not None else Q()
    rows: models.QuerySet[Any] = model._base_manager.filter(mine).annotate(_text=Cast(field.name, TextField()))
    older: models.QuerySet[Any] = rows.exclude(_text="").annotate(_newest=StrIndex("_text", Value(f"{newest_key()}:"))).exclude(_newest=1)
    return older


def _each(model: type[models.Model], field: SealedField, batch: int) -> Rotated:
    told = Rotated(f"{model._meta.label}.{field.name}")
    for tenant in _scopes(model):
        after: Any = None
        while rows := list(_older(model, field, tenant).filter(**({"pk__gt": after} if after is not None else {})).order_by("pk")[:batch]):
            after = rows[-1].pk
            for row in rows:
                _reseal(row, field, told)
    return told


def _reseal(row: Any, field: SealedField, told: Rotated) -> None:
    place = field.place(row)
    try:
        fresh = seal(unseal(row._text, place=place), place=place)
    except CannotOpen:
        told.closed += 1
        return
    # Only while it is still what was opened: a secret that was replaced meanwhile is sealed with the newest key already.
    if type(row)._base_manager.filter(pk=row.pk, **{field.name: row._text}).update(**{field.name: fresh}):
        told.resealed += 1
