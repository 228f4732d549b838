"""PostgreSQL with the tenant in every transaction.

Row-level security compares `tenant_id` with the setting `app.tenant`. It is set local to the transaction, at its start, so it
survives savepoints and can never leak to the next user of a pooled connection. A statement outside a transaction gets a short
transaction of its own.
"""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.backends.postgresql import base
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, TransactionStatus


def _tenant() -> int | None:
    # Imported late: the tenancy module defines a model, and models ask for this backend while they are made.
    from supportdesk.core.tenancy import acting_tenant_id

    return acting_tenant_id()


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's PostgreSQL backend, telling the database for whom it works."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect, with the wall on lone statements in place."""
        connection = super().get_new_connection(conn_params)
        if _lone_statement not in self.execute_wrappers:
            self.execute_wrappers.append(_lone_statement)
        return connection

    def _set_autocommit(self, autocommit: bool) -> None:
        super()._set_autocommit(autocommit)  # type: ignore[misc]
        if not autocommit and not self._begin_for_tenant():
            self._set_tenant()

    def _begin_for_tenant(self) -> bool:
        """Begin the transaction and tell the tenant in one round trip; False where BEGIN must say more, or there is no tenant to tell."""
        connection, tenant = self.connection, _tenant()
        if connection is None or tenant is None or connection.info.transaction_status != TransactionStatus.IDLE:
            return False
        if (connection.isolation_level, connection.read_only, connection.deferrable) != (None, None, None):
            return False
        with self.wrap_database_errors:
            done = connection.pgconn.exec_(f"BEGIN; SELECT set_config('app.tenant', '{int(tenant)}', true)".encode())
            if done.status != ExecStatus.TUPLES_OK:
                raise error_from_result(done)
        return True

    def raise_wall(self) -> None:
        """Tell an open transaction that the tenant changed."""
        if self.connection is None or not self.in_atomic_block or self.needs_rollback:
            return
        if self.connection.info.transaction_status != TransactionStatus.INERROR:
            self._set_tenant()

    def _set_tenant(self) -> None:
        tenant = _tenant()
        # Without a tenant a fresh transaction has nothing to reset; one that had a tenant must lose it.
        if self.connection is not None and (tenant is not None or self.in_atomic_block):
            self.connection.execute("SELECT set_config('app.tenant', %s, true)", [str(tenant or "")])


def _lone_statement(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    connection = context["connection"]
    if connection.in_atomic_block or not connection.get_autocommit() or _tenant() is None:
        return execute(sql, params, many, context)
    with transaction.atomic(using=connection.alias):
        return execute(sql, params, many, context)
