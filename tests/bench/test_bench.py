"""The benchmarks run and print their rows; what the figures are decides nothing here."""

import asyncio
import json
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console

from tests.bench.catalogue import BENCHMARKS
from tests.bench.figures import Figure, at_least, share, times
from tests.bench.table import table

RATE = Figure("rate", 60.0, "/s", 100.0, "the most", [at_least(50), share(0.5)])


async def test_each_figure_stands_beside_its_limit(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench", "--quick", "--only", "wire", "--json"),
        *("--dir", str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    figures = json.loads(output)["figures"]
    assert [each["name"] for each in figures] == [
        "bytes on the wire, alone",
        "bytes on the wire, in batches",
    ]
    for each in figures:
        assert each["benchmark"] == "wire"
        assert each["ratio"] == each["value"] / each["limit"]


def test_people_get_a_table() -> None:
    console = Console(file=StringIO(), width=160)
    console.print(table({"rates": [RATE]}, "a machine"))
    assert isinstance(console.file, StringIO)
    for text in ("a machine", "60 /s", "100", "the most", "0.60", "≥ 50 · ≥ 0.5 ×", "yes"):
        assert text in console.file.getvalue()


def test_a_figure_is_reached_when_all_that_is_asked_of_it_is() -> None:
    assert (RATE.ratio, RATE.reached) == (0.6, True)
    assert not Figure("rate", 60.0, "/s", 200.0, "the most", [at_least(50), share(0.5)]).reached
    assert not Figure("cost", 2.0, "ms", 1.0, "the least", [times(1.5)]).reached
    assert Figure("size", 2.0, "MB").reached is None


def test_every_benchmark_has_a_word_of_its_own() -> None:
    assert all(name.isalpha() for name in BENCHMARKS)
