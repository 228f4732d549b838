"""Which connection does what: the app role behind the walls, the system role for stamping, claiming and invariants."""

from typing import Any

from django.conf import settings

SYSTEM = "system" if settings.ON_POSTGRES else "default"
ON_POSTGRES: bool = settings.ON_POSTGRES


class OneSchema:
    """Both connections lead to the same tables: migrate through the first, relate freely."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        """Only the default connection migrates."""
        return db == "default"

    def allow_relation(self, obj1: Any, obj2: Any, **hints: Any) -> bool:
        """Rows read through either connection are the same rows."""
        return True
