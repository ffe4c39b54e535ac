"""Zigbee2MQTT and its devices, as far as a broker sees them; written from its documentation.

Keeps the last value of each field and repeats it (``cache_state``), adds ``last_seen`` in the
format that is set, and passes commands on to locks, which do them.
"""

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import Any, Self

import aiomqtt

_BASE = "zigbee2mqtt"


class ZigbeeBridge:
    """The bridge; use it as an asynchronous context manager.

    ``last_seen`` is as in its settings: `disable`, `ISO_8601`, `ISO_8601_local` or `epoch`;
    ``plain`` is how old versions tell what is online. A ``jammed`` lock does nothing.
    """

    def __init__(self, port: int, *, last_seen: str = "ISO_8601", plain: bool = False) -> None:
        self.commands: list[tuple[str, str]] = []
        self.jammed = False
        self._client = aiomqtt.Client("127.0.0.1", port)
        self._last_seen = last_seen
        self._plain = plain
        self._states: dict[str, dict[str, Any]] = {}
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        await self._client.subscribe([(f"{_BASE}/+/set", 1), (f"{_BASE}/+/get", 1)])
        self._task = asyncio.create_task(self._obey(), name="emulated Zigbee2MQTT")
        await self.state("online")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.wait((self._task,))
        await self.state("offline")
        await self._client.__aexit__(None, None, None)

    async def state(self, word: str, device: str = "bridge") -> None:
        """Say that the bridge, or a device, is `online` or `offline`."""
        topic = f"{_BASE}/bridge/state" if device == "bridge" else f"{_BASE}/{device}/availability"
        payload = word if self._plain else json.dumps({"state": word})
        await self._client.publish(topic, payload, qos=1, retain=True)

    async def report(self, device: str, *, age_s: float = 0.0, **fields: Any) -> None:
        """A device has reported ``fields``, ``age_s`` seconds ago."""
        state = self._states.setdefault(device, {"linkquality": 120})
        state |= fields
        seen = time.time() - age_s
        match self._last_seen:
            case "ISO_8601":
                state["last_seen"] = datetime.fromtimestamp(seen, UTC).isoformat()
            case "ISO_8601_local":
                state["last_seen"] = datetime.fromtimestamp(seen).astimezone().isoformat()
            case "epoch":
                state["last_seen"] = round(seen * 1000)
        await self.send(device, json.dumps(state).encode())

    async def send(self, device: str, payload: bytes) -> None:
        """Put any payload on a device's topic."""
        await self._client.publish(f"{_BASE}/{device}", payload, qos=1)

    async def _obey(self) -> None:
        async for message in self._client.messages:
            _, device, verb = str(message.topic).split("/")
            told = bytes(message.payload).decode() if isinstance(message.payload, bytes) else ""
            self.commands.append((f"{device}/{verb}", told))
            if verb == "get" and device in self._states:
                await self.report(device)
            elif told == '{"state":"UNLOCK"}' and not self.jammed:
                await self.report(device, state="UNLOCK", lock_state="unlocked")
