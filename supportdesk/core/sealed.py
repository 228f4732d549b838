"""Columns of secrets: sealed for their own row, used and replaced, never shown.

    sealed_token = SealedField("token")
    connector.sealed_token.put("s3cret")      # seals for this row and stores it
    connector.sealed_token.open()             # the secret, for the one who uses it
    bool(connector.sealed_token)              # whether there is one

Whatever else reads the column (`values()`, a serializer, an admin form, `dumpdata`, `repr`) gets the word `[sealed]`.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self, overload

from django.apps import apps
from django.core import checks
from django.db import models
from django.db.models.query_utils import DeferredAttribute

from supportdesk.core.sealing import CannotOpen, seal, unseal

SHOWN = "[sealed]"


class Sealed:
    """A sealed text, with the row it belongs to once it was read from one; it shows nothing of itself."""

    __slots__ = ("_field", "_row", "_text")

    def __init__(self, text: str = "", row: models.Model | None = None, field: "SealedField | None" = None) -> None:
        self._text, self._row, self._field = text, row, field

    def __bool__(self) -> bool:
        return bool(self._text)

    def __str__(self) -> str:
        return SHOWN if self._text else ""

    def __repr__(self) -> str:
        return f"<Sealed {str(self) or 'empty'}>"

    def __eq__(self, other: object) -> bool:
        return self.ciphertext == (other.ciphertext if isinstance(other, Sealed) else other)

    def __hash__(self) -> int:
        return hash(self._text)

    @property
    def ciphertext(self) -> str:
        """What the column holds; it opens nowhere else."""
        return self._text

    def open(self) -> str:
        """The secret in the clear, or an empty string where none is stored.

        Raises:
            CannotOpen: when it was sealed for another row, was changed, or its key is gone.
        """
        if not self._text:
            return ""
        if self._row is None or self._field is None:
            raise CannotOpen("A secret opens on its own row alone.")
        return unseal(self._text, place=self._field.place(self._row))

    def put(self, secret: str) -> None:
        """Seal the secret for its stored row and store it; an empty one takes it away.

        Raises:
            CannotOpen: for a row that has no id yet.
        """
        if self._row is None or self._field is None or self._row.pk is None:
            raise CannotOpen("A secret is sealed for a stored row.")
        self._text = seal(secret, place=self._field.place(self._row)) if secret else ""
        setattr(self._row, self._field.attname, self._text)
        self._row.save(update_fields=[self._field.name])


class _Handle(DeferredAttribute):
    """What `row.sealed_x` answers: the sealed text with its row."""

    field: Any

    def __get__(self, instance: models.Model | None, cls: type[models.Model] | None = None) -> Any:
        if instance is None:
            return self
        held = super().__get__(instance, cls)
        return Sealed(held.ciphertext if isinstance(held, Sealed) else str(held or ""), instance, self.field)

    def __set__(self, instance: models.Model, value: object) -> None:
        # Without the row: a row that held itself through its secret would never be let go of.
        instance.__dict__[self.field.attname] = Sealed(value.ciphertext if isinstance(value, Sealed) else str(value or ""))


class SealedField(models.TextField):  # type: ignore[type-arg]
    """A text column that holds a ciphertext bound to tenant, model, `name` and row."""

    descriptor_class = _Handle

    def __init__(self, called: str = "", **options: Any) -> None:
        self.called = called
        super().__init__(**{**options, "blank": True, "editable": False, "default": options.get("default", "")})

    if TYPE_CHECKING:
        # At run time rows answer through the descriptor.
        @overload  # type: ignore[override]
        def __get__(self, instance: None, owner: Any) -> Self: ...
        @overload
        def __get__(self, instance: models.Model, owner: Any) -> Sealed: ...
        def __get__(self, instance: models.Model | None, owner: Any) -> "Self | Sealed": ...

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        """In a migration it is a plain text column: no migration can open a secret."""
        name, _path, _args, options = super().deconstruct()
        options.pop("default", None)
        return name, "django.db.models.TextField", [], options

    def place(self, row: models.Model) -> str:
        """Where its ciphertext opens: tenant, model, name of the secret, row."""
        label = row._meta.label.rpartition(".")
        return f"{getattr(row, 'tenant_id', '')}|{label[0]}.{label[2]}|{self.called or self.name}|{row.pk}"

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Sealed:
        """A column that was read; without a row it cannot be opened."""
        return Sealed(value or "")

    def to_python(self, value: Any) -> Any:
        """A sealed text stays one."""
        return value

    def get_prep_value(self, value: Any) -> Any:
        """What the database is given."""
        return value.ciphertext if isinstance(value, Sealed) else value

    def value_to_string(self, obj: models.Model) -> str:
        """Nothing: a dump of rows holds no secret, sealed or not."""
        return ""

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        """No form brings one."""
        return value

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        """A kept history of the row would keep every secret it ever had."""
        found = list(super().check(**kwargs))
        manager = getattr(self.model, getattr(self.model._meta, "simple_history_manager_attribute", ""), None)
        if manager is not None and self.name in {field.name for field in manager.model._meta.get_fields()}:
            found.append(
                checks.Error(
                    "The history of this model keeps its secret.",
                    hint=f'HistoricalRecords(excluded_fields=["{self.name}"])',
                    obj=self,
                    id="supportdesk.E010",
                )
            )
        return found


def sealed_columns() -> Iterator[tuple[type[models.Model], SealedField]]:
    """Every column of secrets in the installation."""
    for model in apps.get_models():
        yield from ((model, field) for field in model._meta.concrete_fields if isinstance(field, SealedField))
