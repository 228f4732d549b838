"""Kombu's Redis transport, made to survive a Redis that goes away while a worker is busy."""

from typing import Any

from kombu.transport import redis

POLL_SECONDS = 0.05


class Channel(redis.Channel):
    """Remembers that an acknowledgement failed."""

    def basic_ack(self, *args: Any, **kwargs: Any) -> None:
        """Acknowledge; a failure is also the main thread's business."""
        try:
            super().basic_ack(*args, **kwargs)  # type: ignore[no-untyped-call]
        except Exception:
            self.connection.has_lost_an_ack = True
            raise


class SteadyRedis(redis.Transport):
    """Connects again when an acknowledgement was lost.

    A thread that cannot acknowledge its task only logs that, and the task's place in the prefetch window stays taken. When all places are,
    nothing is fetched any more, so the main thread never meets the error, and the worker sits there for good. It is polled, not driven by
    kombu's event hub, because the hub does not look in here.
    """

    Channel = Channel
    implements = redis.Transport.implements.extend(asynchronous=False)
    has_lost_an_ack = False

    def drain_events(self, connection: Any, timeout: float | None = None, **kwargs: Any) -> Any:
        """Fetch what is there, looking often whether a thread is free again: nothing wakes this when one is.

        Raises:
            ConnectionError: an acknowledgement was lost, so the connection must be made anew.
        """
        if self.has_lost_an_ack:
            self.has_lost_an_ack = False
            raise ConnectionError("a task could not be acknowledged")
        return super().drain_events(connection, timeout=min(timeout or POLL_SECONDS, POLL_SECONDS), **kwargs)  # type: ignore[no-untyped-call]
