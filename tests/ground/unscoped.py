"""Catches statements about tenants' rows that are made for no tenant: what row-level security would answer with nothing."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.apps import apps
from django.db import connections

from supportdesk.core.signals import has_walls
from supportdesk.core.tenancy import acting_tenant_id


class Unscoped(AssertionError):
    """A walled table was asked for outside `acting_for`."""


def walled_tables() -> set[str]:
    """The tables of tenants' rows."""
    return {model._meta.db_table for model in apps.get_models(include_auto_created=True) if has_walls(model)}


@contextmanager
def only_scoped() -> Iterator[None]:
    """Refuse every statement that names a walled table while nobody is acted for."""
    named = re.compile('"(' + "|".join(sorted(walled_tables())) + ')"')

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if acting_tenant_id() is None and (found := named.search(sql)):
            raise Unscoped(f"{found[1]} was asked for without a tenant: {sql[:120]}")
        return execute(sql, params, many, context)

    with ExitStack() as stack:
        for connection in connections.all():
            stack.enter_context(connection.execute_wrapper(watch))
        yield
