"""The gateway on a box whose time source is in the hands of a test: `DIRECTORY run FILE`, or
`DIRECTORY --mutant NAME run FILE`.

As under systemd's `ProtectClock=` the kernel answers adjtimex with EPERM, so that the mark of
systemd-timesyncd counts; DIRECTORY is mounted where that is. Wall time is libfaketime's affair.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from pathlib import Path

from gateway import cli
from tests.faults.mutants import Mutant, mutated

_CLONE_NEWNS, _MS_BIND, _MS_REC, _MS_PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000  # <linux/mount.h>
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER = 38, 22, 2
_ADJTIMEX = {"x86_64": (159, 305), "aarch64": (171, 266)}
"""System call numbers of adjtimex and clock_adjtime."""
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06  # <linux/bpf_common.h>
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000

_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def forbid_adjtimex() -> None:
    """As `ProtectClock=` does it: with a filter of system calls, for the rest of the process."""
    one, other = _ADJTIMEX[platform.machine()]
    steps = [
        (_LOAD, 0, 0, 0),
        (_JUMP_IF_EQUAL, 1, 0, one),
        (_JUMP_IF_EQUAL, 0, 1, other),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
    program = _Program(len(steps), b"".join(struct.pack("<HBBI", *step) for step in steps))
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _check(_libc.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(program)))


def mount_marks(directory: str) -> None:
    """Let `directory` be /run/systemd/timesync, for this process only."""
    _check(_libc.unshare(_CLONE_NEWNS))
    _check(_libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None))
    _check(_libc.mount(b"tmpfs", b"/run", b"tmpfs", 0, None))
    marks = Path("/run/systemd/timesync")
    marks.mkdir(parents=True)
    _check(_libc.mount(directory.encode(), bytes(marks), None, _MS_BIND, None))


def _check(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    directory, *arguments = sys.argv[1:]
    mutant = Mutant(arguments[1]) if arguments[0] == "--mutant" else None
    mount_marks(directory)
    forbid_adjtimex()
    with mutated(mutant):
        sys.exit(cli.main(arguments[2:] if mutant else arguments))
