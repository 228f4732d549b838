"""Each unsafe setting alone stops the start of production, with a sentence that says what to do; a good environment is clean."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import Error
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from supportdesk.core import checks, start
from supportdesk.core.checks import KNOWN_SEALING, settings_fit_together
from tests.ground.test_environment import SAFE
from tests.house.tracked import ROOT

GOOD = {**SAFE, "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend", "SECRET_KEY": "Zq7-" + "Lk3_Rw9.Vb2+" * 5}


def begin(tmp_path: Path, *command: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """One process with a good environment and these changes."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = {**kept, **GOOD, **changes, "SUPPORTDESK_VAR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "supportdesk.settings"}
    return subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def good(settings: Settings) -> Settings:
    """A production that is well set up, in this process."""
    settings.PRODUCTION = settings.ON_POSTGRES = True
    settings.DEBUG = settings.DEMO = False
    settings.SECRET_KEY = GOOD["SECRET_KEY"]
    settings.SEALING_KEYS = [GOOD["SEALING_KEYS"]]
    settings.ALLOWED_HOSTS, settings.CSRF_TRUSTED_ORIGINS = ["desk.example"], ["https://desk.example"]
    settings.EMAIL_BACKEND = GOOD["EMAIL_BACKEND"]
    settings.DATABASE_URL, settings.REDIS_URL = "postgres://desk:pw@db:5432/desk", "redis://:pw@redis:6379/0"
    settings.CHROMA_URL = "http://chroma:8000"
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = settings.SESSION_COOKIE_HTTPONLY = True
    return settings


@pytest.mark.reliability(70, "boot matrix")
def test_a_good_production_has_nothing_to_say(good: Settings):
    assert settings_fit_together(None) == []


REFUSED: list[tuple[str, Any, str]] = [
    ("DEBUG", True, "supportdesk.E011"),
    ("DEMO", True, "supportdesk.E002"),
    ("SECRET_KEY", "short", "supportdesk.E003"),
    ("SECRET_KEY", "a" * 64, "supportdesk.E003"),
    ("SECRET_KEY", "embedded-default-not-for-production-0123456789abcdef", "supportdesk.E003"),
    ("SEALING_KEYS", [f"demo:{KNOWN_SEALING}"], "supportdesk.E004"),
    ("SEALING_KEYS", ["k1:dG9vIHNob3J0"], "supportdesk.E004"),
    ("SEALING_KEYS", ["k1:no base64!"], "supportdesk.E004"),
    ("SEALING_KEYS", [], "supportdesk.E004"),
    ("ALLOWED_HOSTS", ["*"], "supportdesk.E005"),
    ("ALLOWED_HOSTS", [], "supportdesk.E005"),
    ("ALLOWED_HOSTS", ["desk.example", ".example"], "supportdesk.E005"),
    ("CSRF_TRUSTED_ORIGINS", ["http://desk.example"], "supportdesk.E006"),
    ("CSRF_TRUSTED_ORIGINS", ["https://*.example"], "supportdesk.E006"),
    ("ON_POSTGRES", False, "supportdesk.E001"),
    ("DATABASE_URL", "postgres://desk:pw@93.184.215.14/desk", "supportdesk.E007"),
    ("DATABASE_URL", "postgres://desk:pw@93.184.215.14/desk?sslmode=prefer", "supportdesk.E007"),
    ("REDIS_URL", "redis://redis:6379/0", "supportdesk.E008"),
    ("REDIS_URL", "redis://10.0.0.5:6379/0", "supportdesk.E008"),
    ("CHROMA_URL", "http://93.184.215.14:8000", "supportdesk.E009"),
    ("SESSION_COOKIE_SECURE", False, "supportdesk.E012"),
    ("CSRF_COOKIE_SECURE", False, "supportdesk.E012"),
]


@pytest.mark.reliability(70, "boot matrix", "open servers")
@pytest.mark.parametrize(("name", "value", "code"), REFUSED)
def test_each_unsafe_setting_alone_stops_the_start(good: Settings, monkeypatch: pytest.MonkeyPatch, name: str, value: Any, code: str):
    setattr(good, name, value)
    (found,) = [message for message in settings_fit_together(None) if message.is_serious()]
    assert (found.id, isinstance(found, Error)) == (code, True)
    assert found.hint
    monkeypatch.setattr(start, "unsafe_logins", list)
    with pytest.raises(ImproperlyConfigured) as caught:
        start.refuse_unsafe_start()
    assert found.msg in str(caught.value)
    assert str(found.hint) in str(caught.value)


@pytest.mark.reliability(70, "open servers")
@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("DATABASE_URL", "postgres://desk:pw@db.example.com/desk", "supportdesk.W003"),
        ("CHROMA_URL", "https://chroma.example.com", "supportdesk.W004"),
        ("REDIS_URL", "", "supportdesk.W001"),
        ("EMAIL_BACKEND", "django.core.mail.backends.filebased.EmailBackend", "supportdesk.W002"),
    ],
)
def test_what_may_be_well_meant_is_a_warning(good: Settings, name: str, value: str, code: str):
    setattr(good, name, value)
    assert [(found.id, found.is_serious()) for found in settings_fit_together(None)] == [(code, False)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgres://desk:pw@db.example.com/desk?sslmode=verify-full"),
        ("DATABASE_URL", "postgres:///desk"),
        ("REDIS_URL", "redis://127.0.0.1:6379/0"),
        ("CHROMA_URL", "http://10.0.0.7:8000"),
        ("CHROMA_URL", "http://chroma.desk.svc.cluster.local:8000"),
    ],
)
def test_private_and_encrypted_servers_are_fine(good: Settings, name: str, value: str):
    setattr(good, name, value)
    assert settings_fit_together(None) == []


def test_outside_production_nothing_is_asked(settings: Settings):
    settings.PRODUCTION, settings.SECRET_KEY = False, "short"
    assert settings_fit_together(None) == []
    start.refuse_unsafe_start()


@pytest.mark.reliability(70, "boot matrix")
@pytest.mark.parametrize(
    "command",
    [
        ("-c", "import supportdesk.asgi"),
        ("manage.py", "worker"),
        ("-m", "celery", "-A", "supportdesk.celery", "worker", "-P", "solo"),
    ],
    ids=["web", "worker", "celery"],
)
def test_no_process_of_production_begins_with_a_known_key(tmp_path: Path, command: tuple[str, ...]):
    """`daphne` and `celery` run no system checks of their own."""
    done = begin(tmp_path, *command, SECRET_KEY="embedded-default-not-for-production-0123456789abcdef")
    assert done.returncode != 0
    assert "SECRET_KEY" in done.stderr


@pytest.mark.reliability(70, "deploy check")
def test_the_deploy_check_of_a_good_environment_is_clean(tmp_path: Path):
    done = begin(tmp_path, "manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr


@pytest.mark.reliability(70, "boot matrix")
def test_cookies_of_production_are_bound_to_the_host(tmp_path: Path):
    names = "SESSION_COOKIE_NAME CSRF_COOKIE_NAME SESSION_COOKIE_SECURE CSRF_COOKIE_SECURE SESSION_COOKIE_HTTPONLY CSRF_COOKIE_HTTPONLY"
    code = f"from supportdesk import settings as s; print([getattr(s, n) for n in {names.split()!r}], s.SECURE_HSTS_SECONDS)"
    done = begin(tmp_path, "-c", code)
    assert done.stdout.strip() == "['__Host-session', '__Host-csrf', True, True, True, True] 31536000", done.stderr


def test_every_code_of_a_check_is_given_once():
    source = Path(checks.__file__).read_text()
    assert all(source.count(f'"{code}"') == 1 for code in {code for *_rest, code in REFUSED})
