"""What tenants share without meeting: the one place that names keys of the cache. Every key begins with the tenant it is about."""

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
