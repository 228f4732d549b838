"""What tenants share without meeting: the one place that names keys of the cache. Every key begins with the tenant it is about."""

from typing import Any

from django.core.cache import cache


def key_of(tenant_id: int | None, purpose: str, *parts: object) -> str:
    """A key of the cache for one tenant; None is for what happens before a tenant is known, such as a failed sign-in.

    Parts are told apart whatever they hold: `("a:b", "c")` and `("a", "b:c")` are two keys.
    """
    place = "all" if tenant_id is None else f"t{tenant_id}"
    return ":".join([place, purpose, *(str(part).replace("%", "%25").replace(":", "%3A") for part in parts)])


def counted(tenant_id: int | None, purpose: str, *parts: object, seconds: int) -> int:
    """Count one more and return how many there were within `seconds`; 1 when the cache lost the count meanwhile."""
    key = key_of(tenant_id, purpose, *parts)
    cache.add(key, 0, timeout=seconds)
    try:
        return int(cache.incr(key))
    except ValueError:
        return 1


def first_time(tenant_id: int | None, purpose: str, *parts: object, seconds: int) -> bool:
    """Whether nobody asked this within `seconds` before; whoever asks next is not the first."""
    return bool(cache.add(key_of(tenant_id, purpose, *parts), 1, seconds))


def kept(tenant_id: int | None, purpose: str, *parts: object) -> Any:
    """What was kept under these words, or None."""
    return cache.get(key_of(tenant_id, purpose, *parts))


def keep(tenant_id: int | None, purpose: str, *parts: object, value: Any, seconds: int) -> None:
    """Keep a value for a while."""
    cache.set(key_of(tenant_id, purpose, *parts), value, seconds)


def forget(tenant_id: int | None, purpose: str, *parts: object) -> None:
    """Keep it no longer."""
    cache.delete(key_of(tenant_id, purpose, *parts))


def forget_foreign(key: str) -> None:
    """Forget what a library kept under a key of its own, which carries no tenant."""
    cache.delete(key)
