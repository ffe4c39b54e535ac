"""The daemon by a clock that is right, and begins at the moment in `$BEGIN`: `python -m tests.timed
run FILE`."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from gateway import app, configfile, log
from gateway.clock import Clock

ROOT = Path(__file__).parents[1]


def beginning(at: datetime) -> Mapping[str, str]:
    """The environment of a daemon for which it is `at`."""
    return {"BEGIN": at.isoformat(), "PYTHONPATH": str(ROOT)}


async def _run(file: Path, ahead_ns: int) -> None:
    clock = Clock(wall_ns=lambda: time.time_ns() + ahead_ns, synchronised=lambda: True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await app.run(configfile.load(file), file, stop, asyncio.Event(), clock)


def main() -> None:
    """Run until SIGTERM."""
    begin = datetime.fromisoformat(os.environ["BEGIN"])
    log.set_up()
    asyncio.run(_run(Path(sys.argv[2]), round((begin.timestamp() - time.time()) * 1e9)))


if __name__ == "__main__":
    main()
