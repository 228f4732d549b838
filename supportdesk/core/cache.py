"""Redis for counts that may be forgotten: while it does not answer, each process counts by itself."""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = logging.getLogger("supportdesk.cache")
AWAY_SECONDS = 2.0


class DisposableRedis(RedisCache):
    """Django's Redis cache that nobody has to wait for: a server that is away is asked again after two seconds."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._own = LocMemCache(f"instead-of-{server}", params)
        self._away_until = 0.0

    def add(self, *args: Any, **kwargs: Any) -> Any:
        """As in RedisCache."""
        return self._either("add", super().add, args, kwargs)

    def get(self, *args: Any, **kwargs: Any) -> Any:
        """As in RedisCache."""
        return self._either("get", super().get, args, kwargs)

    def set(self, *args: Any, **kwargs: Any) -> Any:
        """As in RedisCache."""
        return self._either("set", super().set, args, kwargs)

    def touch(self, *args: Any, **kwargs: Any) -> Any:
        """As in RedisCache."""
        return self._either("touch", super().touch, args, kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        """As in RedisCache."""
        return self._either("delete", super().delete, args, kwargs)

    def get_many(self, *args: Any, **kwargs: Any) -> Any:
        """As in RedisCache."""
        return self._either("get_many", super().get_many, args, kwargs)

    def set_many(self, *args: Any, **kwargs: Any) -> Any:
        """As in RedisCache."""
        return self._either("set_many", super().set_many, args, kwargs)

    def delete_many(self, *args: Any, **kwargs: Any) -> Any:
        """As in RedisCache."""
        return self._either("delete_many", super().delete_many, args, kwargs)

    def has_key(self, *args: Any, **kwargs: Any) -> Any:
        """As in RedisCache."""
        return self._either("has_key", super().has_key, args, kwargs)

    def incr(self, *args: Any, **kwargs: Any) -> Any:
        """As in RedisCache."""
        return self._either("incr", super().incr, args, kwargs)

    def clear(self) -> Any:
        """As in RedisCache."""
        return self._either("clear", super().clear, (), {})

    def _either(self, name: str, ask: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if time.monotonic() >= self._away_until:
            try:
                return ask(*args, **kwargs)
            except RedisError as error:
                log.warning("Redis does not answer (%s); counting in this process meanwhile", type(error).__name__)
                self._away_until = time.monotonic() + AWAY_SECONDS
        return getattr(self._own, name)(*args, **kwargs)
