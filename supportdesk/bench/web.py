"""The bars `web_start` and `web_memory`: our web process against the same frameworks with no code of ours."""

import json
import time
import urllib.request
from pathlib import Path
from typing import Any

from supportdesk.bench import ground
from supportdesk.bench.harness import Bar, Pair, Result, interleave

START = Bar("web_start", "Milliseconds from spawning the web process to its first /healthz, against the same apps without ours.", 1.3, "ms")
MEMORY = Bar("web_memory", "Megabytes of the web process after its first sign-in page, against the same apps without ours.", 1.3, "MB")
# The product's packages; what else is installed is third-party, and the reference loads it too.
ROOMS = ("supportdesk", "tickets", "policies", "agents")
# Options of third-party apps that their loading depends on.
OPTIONS = ("DEFAULT_AUTO_FIELD", "AUTHENTICATION_BACKENDS", "ANONYMOUS_USER_NAME", "STATIC_URL", "LANGUAGE_CODE", "USE_TZ", "LANGUAGES")


def measure(pairs: int) -> list[Result]:
    """A fresh process for each sample, on SQLite with the layer in memory."""
    with ground.folder() as var:
        ours = ground.environment(var)
        ground.migrate(ours)
        bare = bare_environment(var)
        ground.migrate({**bare, "SUPPORTDESK_VAR": str(var)})
        memory: dict[str, list[float]] = {"ours": [], "bare": []}

        def sample(name: str, application: str, page: str, env: dict[str, str]) -> float:
            took, resident = spawned(application, page, env)
            memory[name].append(resident)
            return took

        found = interleave(
            lambda: sample("ours", "supportdesk.asgi:application", "/console/sign-in/", ours),
            lambda: sample("bare", "supportdesk.bench.bare.asgi:application", "/admin/login/", bare),
            pairs,
        )
        resident = [Pair(*both) for both in zip(memory["ours"], memory["bare"], strict=True)][1:]
    return [Result(START, found), Result(MEMORY, resident)]


def bare_environment(var: Path) -> dict[str, str]:
    """The reference's environment: whatever the product installs, less the product."""
    from django.conf import settings

    templates: dict[str, Any] = settings.TEMPLATES[0]
    told: dict[str, Any] = {
        "apps": [name for name in settings.INSTALLED_APPS if name.partition(".")[0] not in ROOMS],
        "middleware": [path for path in settings.MIDDLEWARE if path.partition(".")[0] not in ROOMS],
        "processors": templates["OPTIONS"]["context_processors"],
        "database": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(var / "bare.sqlite3")},
        "layers": {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
        "options": {name: getattr(settings, name) for name in OPTIONS},
    }
    return ground.environment(var, DJANGO_SETTINGS_MODULE="supportdesk.bench.bare.settings", BENCH_BARE=json.dumps(told, default=str))


def spawned(application: str, page: str, env: dict[str, str]) -> tuple[float, float]:
    """Milliseconds to the first health answer, and megabytes resident after the first page."""
    process, url = ground.daphne(application, env)
    with process:
        ground.wait_for(f"{url}/healthz", step=0.002)
        took = (time.perf_counter() - process.began) * 1000
        with urllib.request.urlopen(f"{url}{page}", timeout=30) as response:  # noqa: S310 - our own loopback address
            if b"<form" not in response.read():
                raise AssertionError(f"{page} shows no form")
        return took, resident_megabytes(process.popen.pid)


def resident_megabytes(pid: int) -> float:
    """What the process holds in memory, as Linux counts it."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1]) / 1024
