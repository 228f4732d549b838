"""What this machine has for tests that need more than Python: PostgreSQL, Redis, a Chromium."""

import os
import socket
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/9")
CHROMIUM_ARGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking"]
IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")

POSTGRES, REDIS, BROWSER = "postgres", "redis", "browser"
# What is missing, in words, and how to get it.
REMEDIES = {
    POSTGRES: "no PostgreSQL answers. Start one on 127.0.0.1:5432 (user postgres, trust), or set TEST_DATABASE_URL; then: make test",
    REDIS: "no Redis answers. Start one on 127.0.0.1:6379, or set TEST_REDIS_URL; then: make test",
    BROWSER: "no Chromium is here. Run `apt-get install -y chromium`, or `.venv/bin/playwright install chromium`; then: make test",
}


@lru_cache(maxsize=1)
def postgres_url() -> str:
    """The database the PostgreSQL run works beside (its own is `test_` + that name); empty when no server answers."""
    import psycopg

    given = os.environ.get("TEST_DATABASE_URL", "")
    for url in [given] if given else [f"postgres://{user}@127.0.0.1:5432/supportdesk_test" for user in ("postgres", "root")]:
        try:
            psycopg.connect(url.rpartition("/")[0] + "/postgres", connect_timeout=3).close()
        except psycopg.OperationalError:
            continue
        return url
    return ""


@lru_cache(maxsize=1)
def redis_answers() -> bool:
    """Whether a Redis says PONG at REDIS_URL."""
    parts = urlsplit(REDIS_URL)
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 6379), timeout=2) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith((b"+PONG", b"-NOAUTH"))
    except OSError:
        return False


@lru_cache(maxsize=1)
def chromium() -> str:
    """The path of a Chromium: the system's, else the one Playwright downloaded; empty when there is none."""
    for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser"):
        if Path(path).exists():
            return path
    home = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    found = sorted([*home.glob("chromium-*/chrome-linux*/chrome"), *home.glob("chromium-*/chrome-mac*/*/Contents/MacOS/*")])
    return str(found[-1]) if found else ""


def absent() -> list[str]:
    """The marks whose tests cannot run here."""
    return [mark for mark, found in ((POSTGRES, postgres_url()), (REDIS, redis_answers()), (BROWSER, chromium())) if not found]
