"""Settings are read typed from the environment, and an unsafe production start is refused."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from supportdesk import env

ROOT = Path(__file__).resolve().parents[2]
SAFE = {
    "SUPPORTDESK_PRODUCTION": "1",
    "SECRET_KEY": "f3Jq-a-long-key-that-only-this-test-uses-0hW2",
    "SEALING_KEYS": "test:dGVzdC10ZXN0LXRlc3QtdGVzdC10ZXN0LXRlc3QtMTI=",
    "ALLOWED_HOSTS": "desk.example",
    "DATABASE_URL": "postgres://desk@127.0.0.1/desk",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
}


def start(tmp_path: Path, **changes: str | None) -> subprocess.CompletedProcess[str]:
    """What `manage.py check` says of this environment, in a process of its own."""
    given = {name: value for name, value in {**SAFE, **changes}.items() if value is not None}
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = {**kept, **given, "SUPPORTDESK_VAR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "supportdesk.settings"}
    command = [sys.executable, "manage.py", "check", "--fail-level", "ERROR"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_a_safe_production_start_is_let_through(tmp_path: Path):
    done = start(tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"SECRET_KEY": None}, "Set SECRET_KEY"),
        ({"SEALING_KEYS": None}, "SEALING_KEYS to at least one key"),
        ({"ALLOWED_HOSTS": None}, "ALLOWED_HOSTS to the exact host names"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS to the exact host names"),
        ({"SUPPORTDESK_DEBUG": "1"}, "leave SUPPORTDESK_DEBUG off"),
        ({"SUPPORTDESK_DEBUG": "perhaps"}, "SUPPORTDESK_DEBUG must be 1 or 0"),
        ({"DATABASE_URL": None}, "SQLite has no row-level security"),
        ({"SUPPORTDESK_DEMO": "1"}, "The demo shows mailed codes to anybody"),
        ({"DATABASE_URL": "mysql://desk@127.0.0.1/desk"}, "DATABASE_URL must begin with sqlite:// or postgres://"),
    ],
)
def test_an_unsafe_production_start_is_refused_with_what_to_set(tmp_path: Path, changes: dict[str, str | None], said: str):
    """Reliability 70."""
    done = start(tmp_path, **changes)
    assert done.returncode != 0
    assert said in done.stderr


@pytest.mark.parametrize("text", ["1", "true", "YES", " on "])
def test_yes_is_yes(monkeypatch: pytest.MonkeyPatch, text: str):
    monkeypatch.setenv("A_FLAG", text)
    assert env.flag("A_FLAG", False) is True


@pytest.mark.parametrize("text", ["0", "false", "No", "off"])
def test_no_is_no(monkeypatch: pytest.MonkeyPatch, text: str):
    monkeypatch.setenv("A_FLAG", text)
    assert env.flag("A_FLAG", True) is False


def test_what_is_not_set_takes_its_default(monkeypatch: pytest.MonkeyPatch):
    for name in ("A_FLAG", "A_NUMBER", "A_LIST", "A_TEXT"):
        monkeypatch.delenv(name, raising=False)
    assert env.flag("A_FLAG", True) is True
    assert env.number("A_NUMBER", 7) == 7
    assert env.names("A_LIST", "a,b") == ["a", "b"]
    assert env.text("A_TEXT", "x") == "x"
    with pytest.raises(ImproperlyConfigured, match="Set A_TEXT"):
        env.text("A_TEXT")


def test_what_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("A_NUMBER", "many")
    with pytest.raises(ImproperlyConfigured, match="A_NUMBER must be a whole number, not 'many'"):
        env.number("A_NUMBER", 1)


def test_a_list_drops_empty_parts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("A_LIST", " a, ,b ,")
    assert env.names("A_LIST") == ["a", "b"]


def test_a_database_url_is_taken_apart(tmp_path: Path):
    found = env.database("postgres://desk%40home:p%3Aw@db.example:5433/desk", role="app")
    assert [found[name] for name in ("USER", "PASSWORD", "HOST", "PORT", "NAME", "OPTIONS")] == [
        *("desk@home", "p:w", "db.example", "5433", "desk"),
        {"assume_role": "app"},
    ]
    assert env.database(f"sqlite:///{tmp_path}/desk.sqlite3")["NAME"] == f"{tmp_path}/desk.sqlite3"
    with pytest.raises(ImproperlyConfigured, match="must begin with sqlite"):
        env.database("oracle://x")
