"""The gateway that tries again at once, however short-lived its links and devices are.

`python -m tests.faults.hurry [MUTANT] run FILE` is `checkpoint-gateway run FILE`, or a mutant of
it, but for that: with the product's patience three hundred flaps would take more than an hour.
At the signal TELL it writes to its log how many bytes it has in use: those of Python, too, if it
was started with PYTHONMALLOC=malloc.
"""

import ctypes
import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from gateway import cli
from gateway.supervisor import Supervisor
from gateway.uplink.reconnect import Waits
from tests.faults.mutants import Mutant, mutated

TELL = signal.SIGRTMIN
TOLD = "bytes in use: "


class _Allocated(ctypes.Structure):
    """struct mallinfo2 in <malloc.h>: `uordblks` is in use of the heap, `hblkhd` outside of it."""

    _names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = tuple((name, ctypes.c_size_t) for name in _names.split())


def _tell(*_: object) -> None:
    gc.collect()
    libc = ctypes.CDLL(None)
    libc.mallinfo2.restype = _Allocated
    now = libc.mallinfo2()
    os.write(sys.stderr.fileno(), f"{TOLD}{now.uordblks + now.hblkhd}\n".encode())


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
    signal.signal(TELL, _tell)
    with hurried(), mutated(mutant[0] if mutant else None):
        sys.exit(cli.main(sys.argv[1 + len(mutant) :]))
