"""What a coverage-guided fuzzer finds in the codecs: nothing."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.drivers.specimens import SPECIMENS, Specimen
from tests.faults.account import Account

RUNS = 50_000

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@pytest.mark.parametrize("specimen", SPECIMENS, ids=str)
async def test_a_codec_takes_anything(tmp_path: Path, specimen: Specimen, account: Account) -> None:
    for number, frame in enumerate(specimen.frames):
        (tmp_path / f"seed-{number}").write_bytes(frame)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.fuzzing", specimen.name, str(tmp_path), str(RUNS)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()

    assert process.returncode == 0, output.decode(errors="replace")[-4000:]
    account.of("fuzzed bytes into a codec").count += RUNS
