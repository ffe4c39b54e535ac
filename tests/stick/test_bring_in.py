"""At the centre, by the real command: nothing of a bad part goes out, whoever made the stick."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.stick.folder import IMPORTED, MANIFEST, folder_for
from gateway.stick.part import MOST_FILE_BYTES, encoded
from gateway.topics import EVERY_GATEWAY
from gateway.uplink.client import LinkOptions
from gateway.uplink.link import open_link
from tests.brokers import Mosquitto, mosquitto, until
from tests.faults.disk import memory_disk
from tests.stick.sticks import body, forged, part_of
from tests.uplink.gate import PLACE, Listening, listening

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Post:
    """A stick that has come, a broker, and a centre that listens."""

    stick: Path
    broker: Mosquitto
    centre: Listening

    def put(self, name: str, content: bytes) -> None:
        (folder_for(self.stick, PLACE.id).path / name).write_bytes(content)

    async def bring_in(self, *options: str) -> tuple[int, str, str]:
        """Exit code, output and errors of the command."""
        return await ask("import", self.stick, "--port", self.broker.port, *options)


async def ask(*words: object) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", *map(str, words), "--host", "127.0.0.1"),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


@asynccontextmanager
async def post(directory: Path) -> AsyncIterator[Post]:
    async with mosquitto(directory) as broker, listening(broker.port) as centre:
        yield Post(directory, broker, centre)


async def test_bad_files_are_refused_and_the_good_ones_go(tmp_path: Path) -> None:
    """All of them at once, as a stick from an enemy would have them."""
    folder = folder_for(tmp_path, PLACE.id).path
    async with post(tmp_path) as it:
        it.put("00000001.ndj", encoded(part_of(*range(1, 701))))
        it.put("00000002.ndj", encoded(part_of(1001, 1002))[:-5])
        # What is wrong is the last event of many.
        lines = [body(seq) for seq in range(1, 500)] + [body(500, gateway="410102011003008")]
        it.put("00000003.ndj", encoded(forged(b"\n".join(lines) + b"\n", ranges=[[1, 500]])))
        with (folder / "00000004.ndj").open("wb") as huge:
            huge.truncate(MOST_FILE_BYTES * 1000)
        os.mkfifo(folder / "00000005.ndj")
        (folder / "00000006.ndj").symlink_to("/etc/passwd")
        (folder / "00000007.ndj").mkdir()
        it.put("0000008.ndj", encoded(part_of(2001)))
        it.put("00000009.ndj", encoded(part_of(701, 702)))
        (tmp_path / "checkpoint-gateway" / "elsewhere").symlink_to(folder)
        code, out, err = await it.bring_in()
        assert code == 1
        assert "702 events in 2 parts published" in out
        for number, why in ((2, "cut short"), (3, "event k3f4x2m7-500: its source"), (4, "bytes")):
            [line] = [each for each in err.splitlines() if f"0000000{number}.ndj" in each]
            assert why in line
        await it.centre.received(702)
        assert sorted(it.centre.seqs) == list(range(1, 703))
        assert it.centre.centre.duplicates == it.centre.centre.rejected == 0


async def test_what_the_manifest_names_must_be_there(tmp_path: Path) -> None:
    async with post(tmp_path) as it:
        it.put("00000001.ndj", encoded(part_of(1)))
        it.put("00000003.ndj", encoded(part_of(3)))
        manifest = {
            "format": "checkpoint-gateway manifest 1",
            "complete": False,
            "parts": {"00000001.ndj": part_of(1).digest, "00000002.ndj": "0" * 64},
        }
        it.put(MANIFEST, json.dumps(manifest).encode())
        code, _, err = await it.bring_in()
        assert code == 1
        assert (
            "00000002.ndj refused: by the manifest it is part of the export; it is missing" in err
        )
        assert "there is more at the gate" in err
        await it.centre.received(2)
        it.put(MANIFEST, b"\x00" * 100)
        code, _, err = await it.bring_in("--again")
        assert code == 0
        assert "there is no manifest" in err


async def test_a_stick_that_cannot_be_written_is_imported_all_the_same(tmp_path: Path) -> None:
    with memory_disk(tmp_path / "memory") as stick:
        async with post(tmp_path) as it:
            (folder_for(stick, PLACE.id).path / "00000001.ndj").write_bytes(encoded(part_of(1, 2)))
            make_read_only(stick)
            words = ("import", stick, "--port", it.broker.port)
            code, _, err = await ask(*words)
            assert code == 0
            assert "cannot be written (Read-only file system)" in err
            await it.centre.received(2)


def make_read_only(stick: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", stick], check=True)


async def test_a_note_that_anybody_has_written_skips_nothing_else(tmp_path: Path) -> None:
    async with post(tmp_path) as it:
        it.put("00000001.ndj", encoded(part_of(1)))
        it.put("00000002.ndj", encoded(part_of(2)))
        it.put(IMPORTED, f"{part_of(1).digest} yesterday\n\xff\x00nonsense\n".encode())
        code, out, _ = await it.bring_in()
        assert code == 0
        assert "1 parts had been imported before" in out
        await it.centre.received(1)
        assert list(it.centre.seqs) == [2]


async def test_nobody_who_listens_is_no_delivery(tmp_path: Path) -> None:
    async with mosquitto(tmp_path) as broker:
        folder = folder_for(tmp_path, PLACE.id).path
        (folder / "00000001.ndj").write_bytes(encoded(part_of(1)))
        code, _, err = await ask("import", tmp_path, "--port", broker.port)
        assert code == 1
        assert "nobody has subscribed" in err
        assert not (folder / IMPORTED).exists()


RIGHTS = {
    "its one right": ("topic write cg1/+/+/+/+/up/batch", 0, ""),
    "no right": ("topic read cg1/#", 1, "may not write"),
}


@pytest.mark.parametrize("case", RIGHTS)
async def test_the_right_that_it_needs(tmp_path: Path, case: str) -> None:
    right, code, words = RIGHTS[case]
    acl = tmp_path / "acl"
    acl.write_text(f"user postman\n{right}\nuser centre\ntopic read cg1/#\n")
    folder = folder_for(tmp_path, PLACE.id).path
    (folder / "00000001.ndj").write_bytes(encoded(part_of(1)))
    heard: list[bytes] = []
    async with mosquitto(tmp_path, "allow_anonymous true", f"acl_file {acl}") as broker:
        centre = LinkOptions("127.0.0.1", broker.port, "centre", username="centre")
        async with open_link(centre) as link:
            await link.subscribe(EVERY_GATEWAY, lambda message: heard.append(message.payload))
            user = ("--port", broker.port, "--username", "postman")
            found, _, err = await ask("import", tmp_path, *user)
            assert found == code, err
            assert words in err
            await until(lambda: len(heard) == 1 - code)


async def test_what_is_no_stick_ends_in_a_sentence(tmp_path: Path) -> None:
    for wrong in (tmp_path, tmp_path / "nowhere"):
        code, out, err = await ask("import", wrong)
        assert (code, out) == (1, "")
        assert "holds nothing to import; expected" in err
        assert len(err.splitlines()) == 1
