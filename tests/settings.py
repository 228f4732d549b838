"""The product's settings with what tests need: a folder of their own, quick password hashes, mail and channel layer in memory."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
BASE = os.environ.get("SUPPORTDESK_TEST_BASE", "")
if not BASE:
    BASE = os.environ["SUPPORTDESK_TEST_BASE"] = tempfile.mkdtemp(prefix="supportdesk-tests-")
    atexit.register(shutil.rmtree, BASE, ignore_errors=True)
# Embedded Chroma and SQLite belong to one process: each parallel worker has its own folder, and never the one `make run` uses.
if os.environ.get("SUPPORTDESK_VAR", "").rpartition("/")[0] in ("", BASE):
    os.environ["SUPPORTDESK_VAR"] = str(Path(BASE) / (WORKER or "main"))

from supportdesk.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
