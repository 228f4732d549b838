"""System checks of combinations that would be unsafe or would quietly not work."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register


@register()
def settings_fit_together(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """SQLite serves one machine; production wants PostgreSQL, a broker, and counts that all web processes share."""
    found: list[CheckMessage] = []
    if settings.PRODUCTION and not settings.ON_POSTGRES:
        found.append(Error("SQLite has no row-level security.", hint="Set DATABASE_URL to a postgres:// URL.", id="supportdesk.E001"))
    if settings.PRODUCTION and not settings.REDIS_URL:
        found.append(
            Warning(
                "Without REDIS_URL there is no broker, and each process counts visits alone.", hint="Set REDIS_URL.", id="supportdesk.W001"
            )
        )
    if settings.PRODUCTION and settings.DEMO:
        found.append(Error("The demo shows mailed codes to anybody.", hint="Unset SUPPORTDESK_DEMO.", id="supportdesk.E002"))
    return found
