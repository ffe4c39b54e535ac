"""The demo's MQTT broker: a real one, in a process of its own, that can go away and come back."""

import asyncio
import signal
from pathlib import Path

from iotcore import Broker

from gateway.errors import GatewayError

_CONFIG = """\
id = 0

[router]
id = 0
max_connections = 16
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10

[v5.1]
name = "mqtt5"
listen = "{host}:{port}"
next_connection_delay_ms = 1

[v5.1.connections]
connection_timeout_ms = 5000
max_payload_size = 262144
max_inflight_count = 100
"""


class DemoBroker:
    """An MQTT 5 broker on loopback; it keeps nothing, so going away loses all it holds."""

    def __init__(self, directory: Path, host: str, port: int) -> None:
        self._config_file = directory / "broker.toml"
        self._config = _CONFIG.format(host=host, port=port)
        self._broker: Broker | None = None

    async def start(self) -> None:
        """Start it and wait until it listens.

        Raises:
            GatewayError: the port is taken.
        """
        self._config_file.write_text(self._config)
        self._broker = Broker(config_path=str(self._config_file))
        try:
            await asyncio.to_thread(_start_deaf, self._broker)
        except OSError as error:
            raise GatewayError(f"the demo's broker cannot start: {error}") from error

    async def stop(self) -> None:
        """Take it away, as a pulled plug would."""
        if self._broker is not None:
            await asyncio.to_thread(self._broker.stop)


def _start_deaf(broker: Broker) -> None:
    # Ctrl-C reaches every process of the terminal, but the broker must outlive it until the last
    # event has been delivered: it inherits from this thread that it does not hear of it.
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        broker.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)
