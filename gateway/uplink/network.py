"""Whether this box has a network, as the kernel's routes tell; read, because a sandbox without
netlink must be able to."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

_ROUTES = Path("/proc/net/route"), Path("/proc/net/ipv6_route")
_UP = 0x0001  # RTF_UP and RTF_REJECT in <linux/route.h> and <linux/ipv6_route.h>
_REJECT = 0x0200
_LOOK_S = 2.0

Ways = frozenset[tuple[str, str, str]]
"""Interface, target and gateway of routes."""


def ways_out(ipv4: str, ipv6: str) -> Ways:
    """Interface, target and gateway of each usable route that leaves this box.

    `ipv4` and `ipv6` are the texts of /proc/net/route and /proc/net/ipv6_route.
    """
    return frozenset([*_ipv4_ways(ipv4), *_ipv6_ways(ipv6)])


def _ipv4_ways(text: str) -> Iterator[tuple[str, str, str]]:
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) >= 8:
            interface, target, gateway, flags = fields[:4]
            if _usable(interface, flags):
                yield interface, target, gateway


def _ipv6_ways(text: str) -> Iterator[tuple[str, str, str]]:
    for line in text.splitlines():
        fields = line.split()
        if len(fields) == 10:
            target, gateway, flags, interface = fields[0], fields[4], fields[8], fields[9]
            # Link-local and multicast: every interface has them, with or without a network.
            if _usable(interface, flags) and not target.startswith(("fe80", "ff")):
                yield interface, target, gateway


def _usable(interface: str, flags: str) -> bool:
    try:
        return interface != "lo" and int(flags, 16) & (_UP | _REJECT) == _UP
    except ValueError:
        return False


def _read() -> Ways | None:
    try:
        texts = [path.read_text() if path.exists() else "" for path in _ROUTES]
    except OSError:
        return None
    return ways_out(*texts)


class Network:
    """The local network: whether it is there, and when it comes back."""

    def __init__(self, look: Callable[[], Ways | None] = _read) -> None:
        self._look = look
        self._known = look()

    @property
    def up(self) -> bool:
        """False only if it is certain that nothing can be reached."""
        return self._look() != frozenset()

    def note(self) -> None:
        """Take what is there now for known."""
        self._known = self._look()

    async def wait(self, seconds: float) -> bool:
        """Wait so long, or until a way out has come that was not known; whether one has."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while True:
            known, now = self._known, self._look()
            self._known = now
            if known is not None and now is not None and now - known:
                return True
            left_s = end - loop.time()
            if left_s <= 0:
                return False
            await asyncio.sleep(min(left_s, _LOOK_S))
