"""The gateway of a simulation: the real one by another clock. Nothing else starts it so.

Its first argument is a `Boot` in JSON, the second the configuration; each line of its standard
input is an `Anchor`, by which time goes on.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from msgspec import Struct
from msgspec.json import Decoder, decode

from gateway import app, configfile, log
from gateway.clock import Clock
from gateway.config import Config
from gateway.simulate.pace import Anchor, Pace, PacedLoop

_UPTIME_S = 60.0
"""How long a box runs before the gateway is started."""


class Boot(Struct, frozen=True, kw_only=True):
    """What the box is like when the power is back; all times in seconds after midnight."""

    anchor: Anchor
    midnight_ms: int
    boot: str
    since_s: float
    """When the power was back."""
    sure_s: float
    """From when on the clock is right; until then …"""
    wrong_s: float
    """… it is ahead by this."""


def clock_of(boot: Boot, pace: Pace) -> Clock:
    """The clock of such a box."""

    def wall_ns() -> int:
        at_s = pace.now()
        wrong_s = boot.wrong_s if at_s < boot.sure_s else 0.0
        return boot.midnight_ms * 1_000_000 + round((at_s + wrong_s) * 1e9)

    return Clock(
        wall_ns=wall_ns,
        mono_ns=lambda: round((pace.now() - boot.since_s + _UPTIME_S) * 1e9),
        synchronised=lambda: pace.now() >= boot.sure_s,
        boot=boot.boot,
    )


async def _run(config: Config, file: Path, boot: Boot, pace: Pace) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(0, _hear, pace)
    await app.run(config, file, stop, asyncio.Event(), clock_of(boot, pace))


_anchor = Decoder(Anchor)


def _hear(pace: Pace) -> None:
    heard = os.read(0, 4096)
    if not heard:
        asyncio.get_running_loop().remove_reader(0)
    for line in heard.splitlines():
        pace.follow(_anchor.decode(line))


def main() -> None:
    """Run until SIGTERM."""
    boot, file = decode(sys.argv[1], type=Boot), Path(sys.argv[2])
    log.set_up()
    pace = Pace(boot.anchor)
    with asyncio.Runner(loop_factory=lambda: PacedLoop(pace)) as runner:
        runner.run(_run(configfile.load(file), file, boot, pace))


if __name__ == "__main__":
    main()
