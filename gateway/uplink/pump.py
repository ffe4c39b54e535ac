"""Drives paho by the asyncio loop, when its socket is ready: no thread, no polling."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Any

from paho.mqtt import client as mqtt


class Pump:
    """Calls paho when its socket is ready, and once a second for its keep-alive and `on_tick`."""

    TICK_S = 1.0

    def __init__(self, client: mqtt.Client, on_tick: Callable[[], None]) -> None:
        self._client = client
        self._on_tick = on_tick
        self._loop = asyncio.get_running_loop()
        self._sock: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._heard_at = 0.0

    @property
    def silent_s(self) -> float:
        """For how many seconds nothing has come."""
        return self._loop.time() - self._heard_at

    def start(self) -> None:
        """Take over; must come before the client's `connect`."""
        self._client.on_socket_open = self._opened
        self._client.on_socket_close = self._closing
        self._client.on_socket_register_write = self._write_wanted
        self._client.on_socket_unregister_write = self._write_unwanted

    def stop(self) -> None:
        """Let go of the socket and close it; to be called in any case, and harmless twice."""
        sock = self._sock
        if sock is not None:
            self._release()
            self._client.on_socket_close = None
            sock.close()

    def _opened(self, client: mqtt.Client, userdata: Any, sock: Any) -> None:
        self._sock = sock
        self._heard_at = self._loop.time()
        self._loop.add_reader(sock, self._readable, sock)
        self._timer = self._loop.call_later(self.TICK_S, self._tick)

    def _closing(self, client: mqtt.Client, userdata: Any, sock: Any) -> None:
        self._release()

    def _release(self) -> None:
        if self._sock is not None:
            self._loop.remove_reader(self._sock)
            self._loop.remove_writer(self._sock)
            self._sock = None
        if self._timer is not None:
            self._timer.cancel()

    def _write_wanted(self, client: mqtt.Client, userdata: Any, sock: Any) -> None:
        self._loop.add_writer(sock, client.loop_write)

    def _write_unwanted(self, client: mqtt.Client, userdata: Any, sock: Any) -> None:
        if self._sock is not None:
            self._loop.remove_writer(sock)

    def _readable(self, sock: socket.socket) -> None:
        self._heard_at = self._loop.time()
        self._client.loop_read()
        # TLS may hold whole packets that the selector knows nothing of.
        while self._sock is not None and isinstance(sock, ssl.SSLSocket) and sock.pending():
            self._client.loop_read()

    def _tick(self) -> None:
        self._timer = self._loop.call_later(self.TICK_S, self._tick)
        self._client.loop_misc()
        self._on_tick()
