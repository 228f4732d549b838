"""The product's third-party apps, middleware and options, told by the environment; no app of the product."""

import json
import os
from typing import Any

_told: dict[str, Any] = json.loads(os.environ["BENCH_BARE"])

SECRET_KEY = "bare-reference-of-a-bench-on-loopback-0123456789abcdef"  # noqa: S105 - opens nothing
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
INSTALLED_APPS: list[str] = _told["apps"]
MIDDLEWARE: list[str] = _told["middleware"]
ROOT_URLCONF = "supportdesk.bench.bare.urls"
ASGI_APPLICATION = "supportdesk.bench.bare.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {"context_processors": _told["processors"]}}
]
DATABASES: dict[str, Any] = {"default": _told["database"]}
CHANNEL_LAYERS: dict[str, Any] = _told["layers"]
globals().update(_told["options"])
