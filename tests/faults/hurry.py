"""The gateway that tries again at once, however short-lived its links and devices are.

`python -m tests.faults.hurry [MUTANT] run FILE` is `checkpoint-gateway run FILE`, or a mutant of
it, but for that: with the product's patience three hundred flaps would take more than an hour.
At the signal TRIM it gives all free pages of its heap back, so that what is left is in use.
"""

import ctypes
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from gateway import cli
from gateway.supervisor import Supervisor
from gateway.uplink.reconnect import Waits
from tests.faults.mutants import Mutant, mutated

TRIM = signal.SIGRTMIN


@contextmanager
def hurried() -> Iterator[None]:
    """Within the block this process's gateway forgives its end to whatever has been up at all."""
    patience = Waits.STABLE_S, Supervisor.SETTLED_S
    Waits.STABLE_S = Supervisor.SETTLED_S = 0.001
    try:
        yield
    finally:
        Waits.STABLE_S, Supervisor.SETTLED_S = patience


if __name__ == "__main__":
    mutant = [each for each in Mutant if each == sys.argv[1]]
    signal.signal(TRIM, lambda *_: ctypes.CDLL(None).malloc_trim(0))
    with hurried(), mutated(mutant[0] if mutant else None):
        sys.exit(cli.main(sys.argv[1 + len(mutant) :]))
