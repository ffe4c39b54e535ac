"""`export` and `centre keygen` as a technician types them: what they say, and how they end."""

import asyncio
import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway import control
from gateway.control import Answer
from tests.brokers import until
from tests.faults.disk import memory_disk
from tests.journal.journals import filled, opened, query
from tests.stick.sticks import OnStick

ROOT = Path(__file__).parents[2]
CONFIG = """\
gateway = { id = "410102011003007", district = "410102", street = "011", community = "003", \
state_dir = "STATE" }
uplink = { host = "broker.example.net" }
"""


async def ask(*words: object, stderr: int = subprocess.PIPE) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", *map(str, words)),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=stderr,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), (err or b"").decode()


async def gate(directory: Path, *, seal_to: Path | None = None) -> Path:
    """The configuration of a gate that has recorded something."""
    async with opened(directory / "journal.db") as journal:
        await filled(journal, 50)
    config = directory / "gateway.toml"
    key = f'export = {{ seal_to_file = "{seal_to}" }}\n' if seal_to else ""
    config.write_text(CONFIG.replace("STATE", str(directory)) + key)
    return config


async def test_from_the_key_to_the_sealed_stick(tmp_path: Path) -> None:
    private, public = tmp_path / "centre.key", tmp_path / "centre.pem"
    code, out, _ = await ask("centre", "keygen", "--private", private, "--public", public)
    assert code == 0
    config = await gate(tmp_path, seal_to=public)
    with memory_disk(tmp_path / "stick") as stick:
        code, said, err = await ask("export", config, "--to", stick)
        assert (code, err) == (0, "")
        assert said.startswith("50 events in 1 parts")
        [part] = OnStick.of(stick).parts.values()
        assert part.header.sealed
        assert part.header.sealed.to in out
        _, figures, _ = await ask("journal", "stats", config)
        assert "taken out by stick: 50" in figures


async def test_the_running_gateway_leaves_the_times_from_then_on(tmp_path: Path) -> None:
    config = await gate(tmp_path)
    asked: list[tuple[Mapping[str, object], int]] = []
    with memory_disk(tmp_path / "stick") as stick:

        async def hold_times(request: Mapping[str, object]) -> Answer:
            asked.append((request, sum(each.is_file() for each in stick.rglob("*"))))
            return Answer()

        async with control.serve(tmp_path / "control.sock", {"hold-times": hold_times}):
            code, _, _ = await ask("export", config, "--to", stick)
    [(request, files_before)] = asked
    epoch = query(tmp_path / "journal.db", "SELECT epoch FROM journal")[0][0]
    assert (code, files_before) == (0, 0)
    assert (request["epoch"], request["upto"]) == (epoch, 50)


async def test_without_a_key_it_says_so(tmp_path: Path) -> None:
    config = await gate(tmp_path)
    with memory_disk(tmp_path / "stick") as stick:
        code, _, err = await ask("export", config, "--to", stick)
        assert code == 0
        assert "whoever finds the stick can read it" in err


async def test_progress_is_shown_where_somebody_looks(tmp_path: Path) -> None:
    config = await gate(tmp_path)
    ours, theirs = pty.openpty()
    shown = bytearray()
    loop = asyncio.get_running_loop()
    loop.add_reader(ours, lambda: shown.extend(os.read(ours, 1 << 16)))
    try:
        with memory_disk(tmp_path / "stick") as stick:
            code, _, _ = await ask("export", config, "--to", stick, stderr=theirs)
        assert code == 0
        await until(lambda: b"exporting" in shown and b"50/50" in shown)
    finally:
        loop.remove_reader(ours)
        os.close(theirs)
        os.close(ours)


@pytest.mark.parametrize("case", ["not mounted", "not there", "no key"])
async def test_what_is_wrong_ends_in_a_sentence(tmp_path: Path, case: str) -> None:
    config = await gate(tmp_path, seal_to=tmp_path / "nowhere" if case == "no key" else None)
    to = tmp_path / "media"
    if case == "not mounted":
        to.mkdir()
    code, out, err = await ask("export", config, "--to", to)
    words = {"not mounted": "disk of the journal", "not there": "no directory", "no key": "key"}
    assert (code, out) == (1, "")
    assert words[case] in err.splitlines()[-1]
