"""TCP ports on loopback that no other test process takes, though nothing listens there yet."""

import itertools
import socket

_FIRST, _BLOCK, _BLOCKS = 20_000, 100, 120
"""Below those that the kernel gives to outgoing connections."""


def free_port() -> int:
    """A port that nothing listens on; the next hundred calls return others."""
    for port in _ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("an endless cycle has ended")


def _claim() -> tuple[socket.socket, range]:
    """Ports of this process, for as long as the socket is open: others fail to take its name."""
    for start in range(_FIRST, _FIRST + _BLOCK * _BLOCKS, _BLOCK):
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0ports-of-a-test-{start}")
        except OSError:
            claim.close()
            continue
        return claim, range(start, start + _BLOCK)
    raise RuntimeError("too many tests run on this machine")


_claimed, _block = _claim()
_ports = itertools.cycle(_block)
