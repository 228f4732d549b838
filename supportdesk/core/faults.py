"""Named points at which drills kill a process: between two steps that must hold together. Nothing here does anything in production.

`SUPPORTDESK_FAULT=name` dies at that point every time; `SUPPORTDESK_FAULT_DIR=folder` dies once for each file `folder/name`, which
the dying process takes away, so that a supervised process comes back without the fault.
"""

import os
import signal
from pathlib import Path

from django.conf import settings

# The steps of a turn, of a decision and of an execution, in the order they come.
POINTS = (
    "message_stored",
    "run_begun",
    "turn_thought",
    "before_send",
    "after_send",
    "customer_answered",
    "approval_decided",
    "before_effect",
    "after_effect",
    "before_settle",
    "after_settle",
    "before_reconcile",
    "after_reconcile",
)


def fault_point(name: str) -> None:
    """Die here by SIGKILL when this point is armed."""
    folder = os.environ.get("SUPPORTDESK_FAULT_DIR", "")
    if (os.environ.get("SUPPORTDESK_FAULT") == name or (folder and _taken(Path(folder) / name))) and not settings.PRODUCTION:
        os.kill(os.getpid(), signal.SIGKILL)


def _taken(armed: Path) -> bool:
    try:
        armed.unlink()
    except OSError:
        return False
    return True
