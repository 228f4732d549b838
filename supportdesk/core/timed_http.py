"""Connections of the outbound door that end at a moment, however slowly the other side sends: headers and handshakes count too."""

import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx


class TimedTransport(httpx.HTTPTransport):
    """httpx's own transport, whose connections wait for nothing after `ends`, a reading of the monotonic clock."""

    def __init__(self, *, verify: ssl.SSLContext, ends: float) -> None:
        super().__init__(verify=verify, trust_env=False)
        self._pool = httpcore.ConnectionPool(ssl_context=verify, network_backend=_TimedBackend(ends))


def _left(ends: float, timeout: float | None, late: type[Exception]) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise late("No time is left.")
    return left if timeout is None else min(timeout, left)


class _TimedBackend(httpcore.NetworkBackend):
    def __init__(self, ends: float) -> None:
        self._ends = ends
        self._real = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(self._ends, timeout, httpcore.ConnectTimeout)
        return _TimedStream(self._real.connect_tcp(host, port, left, local_address, socket_options), self._ends)


class _TimedStream(httpcore.NetworkStream):
    def __init__(self, real: httpcore.NetworkStream, ends: float) -> None:
        self._real, self._ends = real, ends

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._real.read(max_bytes, _left(self._ends, timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._real.write(buffer, _left(self._ends, timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._real.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(self._ends, timeout, httpcore.ConnectTimeout)
        return _TimedStream(self._real.start_tls(ssl_context, server_hostname, left), self._ends)

    def get_extra_info(self, info: str) -> Any:
        return self._real.get_extra_info(info)
