"""The technician's view: every command as a process of its own, beside a gateway that records."""

import asyncio
import csv
import io
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.journal import Journal
from tests.journal.journals import note, opened, query

ROOT = Path(__file__).parents[1]


async def ask(*arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `checkpoint-gateway journal …`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "gateway", "journal", *map(str, arguments)),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def recorded(path: Path, count: int) -> Path:
    async with opened(path) as journal:
        await journal.append([note(n, alarm=n % 10 == 0) for n in range(1, count + 1)])
    return path


def contents(directory: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in directory.iterdir()}


COMMANDS = (["stats"], ["stats", "--json"], ["tail"], ["export"], ["verify"], ["salvage"])


async def test_beside_a_journal_that_is_written_all_the_time(tmp_path: Path) -> None:
    path = await recorded(tmp_path / "journal.db", 3000)

    async def write(journal: Journal) -> None:
        number = 0
        while True:
            await journal.append([note(number)])
            number += 1
            await asyncio.sleep(0.002)

    async with opened(path) as journal:
        writing = asyncio.create_task(write(journal))
        for command in COMMANDS:
            code, out, err = await ask(*command, path)
            assert (code, bool(out)) == (0, True), err
        last = journal.last_seq
        writing.cancel()
        assert last > 3000  # it went on
        assert journal.condition.check in ("under way", "sound")
    async with opened(path) as journal:
        assert journal.last_seq >= last


async def test_no_file_is_touched(tmp_path: Path) -> None:
    path = await recorded(tmp_path / "journal.db", 50)
    before = contents(tmp_path)
    for command in COMMANDS:
        code, _, _ = await ask(*command, path)
        assert code == 0
    assert contents(tmp_path) == before


async def test_the_log_of_a_running_gateway_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await journal.append([note(1)])
        log = contents(tmp_path)["journal.db-wal"]
        for command in COMMANDS:
            code, _, _ = await ask(*command, path)
            assert code == 0
        assert contents(tmp_path)["journal.db-wal"] == log


async def test_stats_tell_what_waits(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await journal.append([note(n, alarm=n % 10 == 0) for n in range(1, 101)])
        journal.confirm_range(1, 60)
    code, out, _ = await ask("stats", "--json", path)
    figures = json.loads(out)
    assert code == 0
    assert (figures["first_seq"], figures["last_seq"]) == (1, 100)
    assert (figures["confirmed"], figures["waiting"], figures["alarms_waiting"]) == (60, 40, 4)
    assert figures["witness"] == 100
    _, words, _ = await ask("stats", path)
    assert "waiting" in words
    assert "alarms: 4" in words


async def test_a_configuration_names_its_journal(tmp_path: Path) -> None:
    text = (ROOT / "config" / "demo.toml").read_text()
    config = tmp_path / "gateway.toml"
    config.write_text(
        "\n".join(
            f'state_dir = "{tmp_path}"' if line.startswith("state_dir") else line
            for line in text.splitlines()
        )
    )
    await recorded(tmp_path / "journal.db", 3)
    code, out, err = await ask("tail", config)
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 3


async def test_tail_shows_the_latest(tmp_path: Path) -> None:
    path = await recorded(tmp_path / "journal.db", 30)
    code, out, _ = await ask("tail", "-n", 3, path)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["28", "29", "30"]
    assert "ALARM" in out.splitlines()[2]


@pytest.mark.parametrize("command", [("journal", "tail", "-f"), ("tail",)])
async def test_tail_follows(tmp_path: Path, command: tuple[str, ...]) -> None:
    path = await recorded(tmp_path / "journal.db", 30)
    async with opened(path) as journal:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "gateway", *command, "-n", "1", str(path)),
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        assert process.stdout
        async with asyncio.timeout(60):
            assert (await process.stdout.readline()).split()[0] == b"30"
            [row] = await journal.append([note(31)])
            assert (await process.stdout.readline()).split()[0] == str(row.seq).encode()
        process.kill()
        await process.communicate()


async def test_export_gives_what_was_recorded(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        rows = await journal.append([note(n) for n in range(1, 1201)])
    out = tmp_path / "events.ndjson"
    code, screen, err = await ask("export", "-o", out, path)
    assert (code, screen, err) == (0, "", "")
    assert out.read_bytes().splitlines() == [row.body for row in rows]
    code, table, _ = await ask("export", "--format", "csv", "--from", 5, "--to", 7, path)
    lines = list(csv.DictReader(io.StringIO(table, newline="")))
    assert code == 0
    assert [line["id"] for line in lines] == [f"{journal.epoch}-{n}" for n in (5, 6, 7)]
    assert json.loads(lines[0]["data"])["device"] == "cam"


async def test_damage_is_told_with_an_exit_code(tmp_path: Path) -> None:
    path = await recorded(tmp_path / "journal.db", 100)
    query(path, "UPDATE event SET crc = 0 WHERE seq BETWEEN 40 AND 42")
    code, out, _ = await ask("verify", path)
    assert code == 1
    assert "40–42" in out
    code, out, err = await ask("export", path)
    assert (code, len(out.splitlines())) == (1, 97)
    assert "40–42" in err
    code, out, _ = await ask("tail", "-n", 61, path)
    assert code == 0
    assert out.count("damaged") == 3


async def test_a_wreck_is_salvaged_and_not_touched(tmp_path: Path) -> None:
    path = await recorded(tmp_path / "journal.db", 500)
    raw = bytearray(path.read_bytes())
    raw[:100] = bytes(100)
    raw[40_960:61_440] = bytes(20_480)
    path.write_bytes(raw)
    for command in ("stats", "tail", "export", "verify"):
        code, _, err = await ask(command, path)
        assert code == 1
        assert "journal salvage may help" in err
    out = tmp_path / "saved.ndjson"
    code, _, err = await ask("salvage", "-o", out, path)
    assert code == 1
    assert "beyond saving" in err
    assert 400 < len(out.read_text().splitlines()) < 500
    assert path.read_bytes() == raw


@pytest.mark.parametrize("command", ["stats", "tail", "export", "verify", "salvage"])
async def test_what_is_not_there_ends_in_a_sentence(tmp_path: Path, command: str) -> None:
    code, out, err = await ask(command, tmp_path / "nowhere.db")
    assert (code, out) == (1, "")
    assert err.startswith("checkpoint-gateway: there is no")
    assert len(err.splitlines()) == 1
    assert contents(tmp_path) == {}


async def test_help_shows_examples() -> None:
    code, out, _ = await ask("--help")
    assert code == 0
    for command in ("stats", "tail", "export", "verify", "salvage"):
        assert command in out


async def test_control_characters_do_not_reach_the_screen(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    bad = replace(note(1), data=replace(note(1).data, reason="\x1b[2Jgone\nforged line"))
    async with opened(path) as journal:
        await journal.append([bad])
    code, out, _ = await ask("tail", path)
    assert code == 0
    assert len(out.splitlines()) == 1
    assert "\x1b" not in out


async def test_another_program_s_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE song (title TEXT)")
    before = path.read_bytes()
    code, _, err = await ask("stats", path)
    assert code == 1
    assert "cannot be read as a journal" in err
    assert path.read_bytes() == before
