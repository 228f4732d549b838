"""System checks of combinations that would be unsafe or would quietly not work; production does not start with an error among them."""

import ipaddress
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured

from supportdesk.core.sealing import newest_key

# What stands in the source: everybody has it.
KNOWN_KEYS = ("embedded-default", "django-insecure", "only-for-make-check-as-an-example", "changeme", "change-me")
KNOWN_SEALING = "c3VwcG9ydGRlc2stZGVtby1zZWFsaW5nLWtleS0wMDE="
NOWHERE = ("filebased", "console", "dummy", "locmem")
SAFE_TLS = ("require", "verify-ca", "verify-full")


@register()
def settings_fit_together(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """What production needs, each with a sentence that says what to do."""
    if not settings.PRODUCTION:
        return []
    return [*keys(), *doors(), *servers(), *cookies()]


def keys() -> Iterator[CheckMessage]:
    """Secrets that are nobody else's."""
    secret = settings.SECRET_KEY
    if len(secret) < 32 or len(set(secret)) < 8 or any(known in secret for known in KNOWN_KEYS):
        yield Error("SECRET_KEY is short or known.", hint="Set SECRET_KEY to `openssl rand -base64 48`.", id="supportdesk.E003")
    try:
        newest_key()
        is_known = any(entry.partition(":")[2] == KNOWN_SEALING for entry in settings.SEALING_KEYS)
    except (ImproperlyConfigured, StopIteration):
        is_known = True
    if is_known:
        hint = "Set SEALING_KEYS to `k1:$(openssl rand -base64 32)`."
        yield Error("A key of SEALING_KEYS is known, or is not 32 bytes in base64.", hint=hint, id="supportdesk.E004")


def doors() -> Iterator[CheckMessage]:
    """Who is let in, and from where."""
    if settings.DEBUG:
        yield Error("Debug pages show code to strangers.", hint="Leave SUPPORTDESK_DEBUG off.", id="supportdesk.E011")
    if settings.DEMO:
        yield Error("The demo shows mailed codes to anybody.", hint="Unset SUPPORTDESK_DEMO.", id="supportdesk.E002")
    if not settings.ALLOWED_HOSTS or any(host.startswith((".", "*")) for host in settings.ALLOWED_HOSTS):
        hint = "Set ALLOWED_HOSTS to the exact host names, without a dot or a star in front."
        yield Error("ALLOWED_HOSTS lets through names nobody wrote down.", hint=hint, id="supportdesk.E005")
    if bad := [origin for origin in settings.CSRF_TRUSTED_ORIGINS if not origin.startswith("https://") or "*" in origin]:
        hint = "Write exact origins that begin with https://."
        yield Error(f"CSRF_TRUSTED_ORIGINS trusts {', '.join(bad)}.", hint=hint, id="supportdesk.E006")
    if any(name in settings.EMAIL_BACKEND for name in NOWHERE):
        hint = "Set EMAIL_BACKEND=django.core.mail.backends.smtp.EmailBackend and EMAIL_HOST."
        yield Warning("Mail goes nowhere: nobody gets a code or an invitation.", hint=hint, id="supportdesk.W002")


def servers() -> Iterator[CheckMessage]:
    """Servers with the data in them: not open, not in the clear."""
    if not settings.ON_POSTGRES:
        yield Error("SQLite has no row-level security.", hint="Set DATABASE_URL to a postgres:// URL.", id="supportdesk.E001")
    else:
        where = urlsplit(settings.DATABASE_URL)
        mode = parse_qs(where.query).get("sslmode", [""])[0]
        if mode not in SAFE_TLS and (how := exposed(where.hostname or "")):
            hint = "Add ?sslmode=verify-full to DATABASE_URL, or reach the database through a private network."
            yield how("PostgreSQL is reached without TLS.", hint=hint, id="supportdesk.E007" if how is Error else "supportdesk.W003")
    if not settings.REDIS_URL:
        yield Warning(
            "Without REDIS_URL there is no broker, and each process counts visits alone.", hint="Set REDIS_URL.", id="supportdesk.W001"
        )
    elif not urlsplit(settings.REDIS_URL).password and not is_loopback(urlsplit(settings.REDIS_URL).hostname or ""):
        hint = "Give Redis a password: redis://:password@host:6379/0."
        yield Error("Redis on another machine has no password.", hint=hint, id="supportdesk.E008")
    if settings.CHROMA_URL and (how := exposed(urlsplit(settings.CHROMA_URL).hostname or "")):
        hint = "Chroma asks nobody who they are: reach it through a private network."
        yield how("Chroma is reached over a public address.", hint=hint, id="supportdesk.E009" if how is Error else "supportdesk.W004")


def cookies() -> Iterator[CheckMessage]:
    """Sessions that only travel over TLS."""
    if not (settings.SESSION_COOKIE_SECURE and settings.CSRF_COOKIE_SECURE and settings.SESSION_COOKIE_HTTPONLY):
        hint = "Leave SESSION_COOKIE_SECURE, CSRF_COOKIE_SECURE and SESSION_COOKIE_HTTPONLY on."
        yield Error("Cookies would travel without TLS.", hint=hint, id="supportdesk.E012")


def is_loopback(host: str) -> bool:
    """Whether this is the same machine; an empty host is a local socket."""
    try:
        return host in ("", "localhost") or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def exposed(host: str) -> type[Error] | type[Warning] | None:
    """Whether a server of this name is reached over the internet: surely for a public address, perhaps for a name with dots."""
    try:
        return Error if ipaddress.ip_address(host).is_global else None
    except ValueError:
        private = "." not in host.rstrip(".") or host.endswith((".internal", ".local", ".lan", ".localdomain", ".svc", ".cluster.local"))
        return None if private else Warning
