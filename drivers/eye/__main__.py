"""Where the process begins: cut off from everything but its parent, then looking until killed.

Started by :mod:`drivers.camera.process` with its options as one line of JSON on standard input.
"""

import ctypes
import faulthandler
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from drivers.base import DeviceError
from drivers.eye.messages import Failed, Message, Ready
from drivers.eye.options import Options

if TYPE_CHECKING:
    from drivers.qr import Reader

_MEMORY_MOST: Final = 768 << 20
"""Bytes of data. 90 MB are in use at 720p; 270 with the largest picture OpenCV is told to take."""
_PR_SET_PDEATHSIG: Final = 1  # in linux/prctl.h

Tell = Callable[[Message], None]


def main() -> None:
    """Look until the source fails, the parent ends, or somebody ends it."""
    tell = _line_to_parent()
    _live_and_die_with_parent()
    options = Options.model_validate_json(sys.stdin.buffer.readline())
    try:
        _watch(options, tell, aiming="--aiming" in sys.argv)
    except DeviceError as error:
        tell(Failed(reason=str(error)))
    # Nothing is torn down: the grabbing thread may be anywhere inside a library.
    os._exit(0)


def _line_to_parent() -> Tell:
    """Libraries print what they like; it must reach neither the parent nor, for each broken
    picture, the log. Python's own words do: of a bug, and where a library has crashed."""
    pipe = os.fdopen(os.dup(1), "wb", buffering=0)
    sys.stderr = os.fdopen(os.dup(2), "w")
    faulthandler.enable(sys.stderr)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)

    def tell(message: Message) -> None:
        line = memoryview(message.line())
        while line:
            line = line[pipe.write(line) :]

    return tell


def _live_and_die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    # Ctrl-C goes to every process of a terminal; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY_MOST, _MEMORY_MOST))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # its memory is full of people's codes
    with open("/proc/self/oom_score_adj", "w") as score:
        score.write("500")  # where memory runs out it goes before the daemon
    os.nice(5)


def _watch(options: Options, tell: Tell, *, aiming: bool) -> None:
    reader = _open_reader(options)
    from drivers.eye.capture import shown
    from drivers.eye.sight import Sight

    tell(Ready(missing=reader.missing))
    sight = Sight(reader, aiming=aiming)
    newest = shown(options)
    patience_s = options.patience_s
    last_s = time.monotonic()
    while True:
        frame = newest.take(max(0.0, last_s + patience_s - time.monotonic()))
        if frame and (look := sight.look(frame)):
            tell(look)
            last_s, patience_s = time.monotonic(), options.read_timeout_s
            time.sleep(max(0.0, frame.taken_s + 1 / options.fps - last_s))
        elif time.monotonic() >= last_s + patience_s:
            raise DeviceError(f"no picture from the camera for {patience_s:g} s")


def _open_reader(options: Options) -> "Reader":
    try:
        from drivers import qr
    except ImportError as error:
        raise DeviceError(
            f"OpenCV is missing: {sys.executable} -m pip install opencv-python-headless"
        ) from error
    return qr.open_reader(options)


if __name__ == "__main__":
    main()
