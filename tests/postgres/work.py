"""What test jobs do: note that they ran, on a list of this process."""

import threading

ran: list[int] = []
dead: list[int] = []
_lock = threading.Lock()


def note(n: int) -> None:
    """Note the number."""
    with _lock:
        ran.append(n)


def fail(n: int) -> None:
    """Never works."""
    raise RuntimeError(f"no {n}")


def mourn(n: int) -> None:
    """Note the number of a dead job."""
    dead.append(n)
