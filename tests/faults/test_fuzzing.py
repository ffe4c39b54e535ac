"""What a coverage-guided fuzzer finds in the codecs: nothing. Collected where there is one."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.faults.account import Account
from tests.faults.subjects import SUBJECTS, Subject

RUNS = 50_000

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@pytest.mark.parametrize("subject", SUBJECTS.values(), ids=str)
async def test_a_codec_takes_anything(tmp_path: Path, subject: Subject, account: Account) -> None:
    for number, seed in enumerate(subject.seeds):
        (tmp_path / f"seed-{number}").write_bytes(seed)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.fuzzing", subject.name, str(tmp_path), str(RUNS)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()

    assert process.returncode == 0, output.decode(errors="replace")[-4000:]
    account.of("fuzzed bytes into a codec").count += RUNS
