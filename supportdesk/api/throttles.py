"""Politeness: so many requests of one key in a minute, counted atomically in the cache. Without the cache nobody is kept out."""

import logging
import time
from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from supportdesk.core.shared import counted

log = logging.getLogger("supportdesk.api")
WINDOW = 60


class PerKey(BaseThrottle):
    """`API_RATE` requests in each minute of the clock."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count this request; False when the minute is full."""
        key, minute = request.auth.key, int(time.time()) // WINDOW
        try:
            return counted(key.tenant_id, "api", key.pk, minute, seconds=2 * WINDOW) <= settings.API_RATE
        except Exception:
            log.warning("the cache does not answer: API requests are not counted", exc_info=True)
            return True

    def wait(self) -> float:
        """Seconds to the next minute."""
        return WINDOW - time.time() % WINDOW
