"""The gate's side of a benchmark, in this process: a journal, a recorder, an uplink."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.config import JournalConfig
from gateway.events import Unjudged
from gateway.journal import Journal
from gateway.recorder import Recorder
from tests.bench.readings import CLOCK, PSEUDONYMS, drafts
from tests.uplink.gate import PLACE, configured, uplink_of

_ROOMY = JournalConfig(max_mb=100_000)
"""So that nothing is purged while the table grows."""
FILL = 1000
"""Events per commit of a backlog."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What records and what sends."""

    journal: Journal
    recorder: Recorder


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Journal]:
    """A journal with room for everything."""
    journal = await Journal.open(path, source=PLACE.source, clock=CLOCK, config=_ROOMY)
    try:
        yield journal
    finally:
        await journal.close()


async def fill(journal: Journal, upto: int) -> None:
    """Record events until there are `upto`."""
    events = drafts(FILL)
    while (missing := upto - journal.last_seq) > 0:
        await journal.append(events[:missing])


@asynccontextmanager
async def recording(journal: Journal) -> AsyncIterator[Recorder]:
    """A recorder at work."""
    recorder = Recorder(journal, Unjudged(PSEUDONYMS), CLOCK)
    task = asyncio.create_task(recorder.run())
    try:
        yield recorder
    finally:
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def gate(path: Path, port: int) -> AsyncIterator[Gate]:
    """A gate whose broker is on `port`."""
    async with (
        opened(path) as journal,
        uplink_of(journal, configured(port)) as uplink,
        recording(journal) as recorder,
    ):
        while not uplink.link.online:
            await asyncio.sleep(0.01)
        yield Gate(journal, recorder)
