"""What workers and the relay do now and then beside their work: apps above name it, so that the ground imports none of them."""

import logging
import time
from dataclasses import dataclass

from django.utils.module_loading import import_string

log = logging.getLogger("supportdesk.housekeeping")


@dataclass
class Chore:
    """One function, how often it is called in each process, and when it last was."""

    seconds: float
    path: str
    at: float


_chores: list[Chore] = []


def every(seconds: float, path: str) -> None:
    """Call the function of this dotted path about so often, first after a minute; from `AppConfig.ready`.

    It must be quick, and harmless when two processes call it.
    """
    if not any(chore.path == path for chore in _chores):
        _chores.append(Chore(seconds, path, time.monotonic() - seconds + 60))


def keep_house() -> int:
    """Do what is due; returns how many chores were. One that fails is logged and waits for its next time."""
    done = 0
    for chore in _chores:
        if time.monotonic() - chore.at < chore.seconds:
            continue
        chore.at = time.monotonic()
        try:
            import_string(chore.path)()
        except Exception:
            log.exception("housekeeping %s failed", chore.path)
        done += 1
    return done
