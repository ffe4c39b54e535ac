"""How long somebody with a good pass waits: from the code on the scanner's line to the board."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import perf_counter

from tests.bench.figures import Figure, Settings, at_most, quantile
from tests.wholegate import CONFIG, WholeGate, a_pass, whole_gate

_PASS_ALONE = '[entry.resident]\nneeds = ["pass"]\n'
_CONFIG = CONFIG + '\n[policy]\nfile = "policy.toml"\n'
_SCANS = "SELECT count(*) FROM event WHERE kind = 'scan'"
_LOOK_S = 0.0005
_PAUSE_S = 0.23
"""Between people; no multiple of the board's own tenth of a second, in which it is asked."""
_LONGEST_S = 20.0
_TO_REACH_MS = {0.5: None, 0.99: 100}


def run(settings: Settings) -> Iterator[Figure]:
    """Median and 99th percentile, beside the time after which the scan was durable."""
    people = settings.scaled(40, 5)
    durable, released = asyncio.run(_delays(settings.directory, people))
    for share, reach in _TO_REACH_MS.items():
        yield Figure(
            f"code → release at the board, p{share * 100:.0f}",
            quantile(released, share),
            "ms",
            quantile(durable, share),
            "code → durable",
            [at_most(reach)] if reach else [],
        )


async def _delays(folder: Path, people: int) -> tuple[list[float], list[float]]:
    """Milliseconds for each until the scan was durable, and until the board was told."""
    (folder / "policy.toml").write_text(_PASS_ALONE)
    passes = [a_pass(subject=f"r-{number}") for number in range(people)]
    async with whole_gate(folder, _CONFIG) as gate:
        journal = gate.daemon.state_dir / "journal.db"
        with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as table:
            delays = [await _one(gate, table, each) for each in passes]
    return [each[0] for each in delays], [each[1] for each in delays]


async def _one(gate: WholeGate, table: sqlite3.Connection, code: bytes) -> tuple[float, float]:
    [(before,)] = table.execute(_SCANS)
    gate.board.written.clear()
    durable_s = 0.0
    began = perf_counter()
    gate.scanner.hold_up(code)
    async with asyncio.timeout(_LONGEST_S):
        while not gate.board.written:
            if not durable_s and table.execute(_SCANS).fetchone() != (before,):
                durable_s = perf_counter() - began
            await asyncio.sleep(_LOOK_S)
    released_s = perf_counter() - began
    await asyncio.sleep(_PAUSE_S)
    return (durable_s or released_s) * 1e3, released_s * 1e3
