"""The one idiom of the tenant walls: `with acting_for(tenant):`.

Inside it, scoped managers filter by the tenant and an unscoped query is an error; on PostgreSQL every transaction also carries
the tenant as a setting that row-level security reads (see `supportdesk.core.postgres`).
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, cast

from django.db import DEFAULT_DB_ALIAS, connections, models, transaction
from django_scopes import scope
from django_scopes.exceptions import ScopeError
from django_scopes.state import get_scope

if TYPE_CHECKING:
    from supportdesk.core.models import Tenant

M = TypeVar("M", bound=models.Model)


@contextmanager
def acting_for(tenant: "Tenant") -> Iterator["Tenant"]:
    """Work for one tenant; nests, and gives back the outer tenant at the end."""
    try:
        with scope(tenant=tenant):
            _tell_databases()
            yield tenant
    finally:
        _tell_databases()


def one_reading() -> AbstractContextManager[Any]:
    """One transaction for everything a page reads: PostgreSQL is told of the tenant once, not at each statement.

    SQLite has nothing to be told, and a transaction there is the one writer's.
    """
    return transaction.atomic() if connections[DEFAULT_DB_ALIAS].vendor == "postgresql" else nullcontext()


def _tell_databases() -> None:
    """Switch the tenant of transactions that are already open."""
    for connection in connections.all(initialized_only=True):
        if hasattr(connection, "raise_wall"):
            connection.raise_wall()


def acting_tenant_id() -> int | None:
    """The id of the tenant being acted for, or None outside every scope."""
    tenant = get_scope().get("tenant")
    return cast(int, tenant.pk) if tenant is not None else None


def acting_tenant() -> "Tenant":
    """The tenant being acted for.

    Raises:
        ScopeError: outside `acting_for`.
    """
    tenant = get_scope().get("tenant")
    if tenant is None:
        raise ScopeError("No tenant: enter `with acting_for(tenant):` first.")
    return cast("Tenant", tenant)


class TenantManager(models.Manager[M]):
    """Sees the rows of the tenant being acted for; outside `acting_for` every query is an error."""

    use_in_migrations = False

    def get_queryset(self) -> models.QuerySet[M]:
        """The tenant's rows.

        Raises:
            ScopeError: outside `acting_for`.
        """
        return super().get_queryset().filter(tenant_id=acting_tenant().pk)


class TenantModel(models.Model):
    """A row that belongs to one tenant; its table carries the walls (`supportdesk.core.walls.TenantWalls`)."""

    tenant = models.ForeignKey("core.Tenant", on_delete=models.PROTECT, related_name="+", editable=False)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store the row for the tenant being acted for.

        Raises:
            ScopeError: outside `acting_for`, or for another tenant's row.
        """
        tenant = acting_tenant()
        owner: int | None = self.tenant_id
        if owner is None:
            self.tenant = tenant
        elif owner != tenant.pk:
            raise ScopeError(f"This {self._meta.verbose_name} belongs to another tenant.")
        super().save(*args, **kwargs)
