"""Typed reading of the environment: each setting names its variable, type and default once."""

import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

# What a database URL may say about its connection, as libpq spells it.
TLS = frozenset({"sslmode", "sslrootcert", "sslcert", "sslkey"})


def text(name: str, default: str | None = None) -> str:
    """The variable as text; without a default it must be set."""
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"Set {name} in the environment; docs/settings.md says what it is for.")
    return value


def flag(name: str, default: bool) -> bool:
    """The variable as yes or no: 1/true/yes/on or 0/false/no/off."""
    value = os.environ.get(name, "").strip().lower()
    if value in ("", "1", "true", "yes", "on", "0", "false", "no", "off"):
        return default if not value else value in ("1", "true", "yes", "on")
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")


def number(name: str, default: int) -> int:
    """The variable as a whole number."""
    value = os.environ.get(name, "")
    try:
        return int(value) if value else default
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from None


def names(name: str, default: str = "") -> list[str]:
    """The variable as a list, parted by commas."""
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


def database(url: str, *, role: str = "") -> dict[str, object]:
    """Django's settings for one database URL: sqlite:///path or postgres://user:password@host:port/name."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        # sqlite:////var/desk.sqlite3 is absolute, sqlite:///desk.sqlite3 lies beside manage.py.
        path = Path(parts.path[1:] if parts.path.startswith("//") else parts.path.lstrip("/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(path),
            # Without IMMEDIATE two writers that both began by reading fail at once instead of taking turns.
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": (
                    # What is deleted is overwritten: somebody erased is not left in the file's free pages.
                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON;"
                ),
            },
            "TEST": {"NAME": str(path.parent / f"test_{path.name}")},
        }
    if parts.scheme in ("postgres", "postgresql"):
        return {
            "ENGINE": "supportdesk.core.postgres",
            "NAME": parts.path.lstrip("/"),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": parts.hostname or "",
            "PORT": str(parts.port or ""),
            "OPTIONS": {**({"assume_role": role} if role else {}), **{key: value for key, value in parse_qsl(parts.query) if key in TLS}},
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
            "DISABLE_SERVER_SIDE_CURSORS": True,
        }
    raise ImproperlyConfigured(f"DATABASE_URL must begin with sqlite:// or postgres://, not {parts.scheme or url!r}.")
