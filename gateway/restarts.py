"""How long a start waits that follows failed ones: a service manager's own pause does not grow.

systemd knows growing pauses from its version 254 on only. The count is in the unit's runtime
directory, which survives a restart and nothing else.
"""

import logging
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from gateway.notify import ServiceManager

_log = logging.getLogger(__name__)

SETTLED_S = 120.0
"""What ran for so long had not failed to start, whatever ended it."""
_FREE = 1
"""Failures in a row after which nothing is waited for: most that fails is well the next time."""
_MOST_S = 60.0
"""A technician who mends what was wrong waits no longer than this."""
_STOPPING = {signal.SIGTERM, signal.SIGINT}


def pause_s(failures: int) -> float:
    """Seconds to wait after so many failures in a row: 0, 0, 1, 2, 4 … 60."""
    return min(_MOST_S, 2.0 ** min(failures - _FREE - 1, 10)) if failures > _FREE else 0.0


@contextmanager
def paced(environment: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Wait as long as former failures call for; if the block ends well, they are forgotten.

    Without a service manager nobody starts us again, and nothing is waited for.
    """
    own, _, _ = environment.get("RUNTIME_DIRECTORY", "").partition(":")
    if not own or "NOTIFY_SOCKET" not in environment:
        yield
        return
    record = Path(own) / "starts"
    failures = _failures(record, time.monotonic())
    wait_s = pause_s(failures)
    with suppress(OSError):  # a full disk: then the service manager's own pause has to do
        record.write_text(f"{failures + 1} {time.monotonic() + wait_s}\n", encoding="ascii")
    if wait_s:
        _wait(wait_s, failures, record)
    yield
    record.unlink(missing_ok=True)


def _failures(record: Path, now: float) -> int:
    """How many starts in a row came to nothing, as the last of them left it in `record`."""
    try:
        starts, begun_s = record.read_text(encoding="ascii").split()
        lasted_s = now - float(begun_s)
        return int(starts) if lasted_s < SETTLED_S else 0
    except (OSError, ValueError):
        return 0


def _wait(wait_s: float, failures: int, record: Path) -> None:
    """Wait; when told to stop, forget the failures: whoever starts us then has seen them."""
    why = f"{failures} starts in a row have failed: waiting {wait_s:.0f} s before the next"
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
    _log.warning("%s", why)
    ServiceManager.of().tell(f"STATUS={why}")
    stopped = signal.sigtimedwait(_STOPPING, wait_s)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
    if stopped:
        record.unlink(missing_ok=True)
        sys.exit(0)
