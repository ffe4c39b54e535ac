"""Documents to the real daemon: over a broker, from a file, and back, by what can be typed."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.config import Protocol
from tests.brokers import mosquitto, until
from tests.daemon import GATE, Daemon
from tests.receiving import Received, listening
from tests.uplink.gate import BASE

SOURCE = "/gateways/410102011003007"
AREA = BASE.partition("/")[2]

CONFIG = (
    GATE
    + """\
[uplink]
host = "127.0.0.1"
port = {port}
protocol = "{protocol}"

[centre]
key_files = ["sign.pem"]
"""
)


async def typed(directory: Path, *arguments: str) -> tuple[int, str]:
    """What `checkpoint-gateway` with `arguments` comes to."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", *arguments),
        cwd=directory,
        env=os.environ | {"RUNTIME_DIRECTORY": str(directory / "run")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


async def signed(directory: Path, version: str, body: Any, *more: str) -> str:
    """The name of a file with a rota."""
    (directory / "body.json").write_text(json.dumps(body))
    name = f"rota-{version}.json"
    made = ("--version", version, "--key", "sign.key", "-o", name, *more)
    code, said = await typed(directory, "centre", "sign", "rota", "body.json", *made)
    assert (code, said.strip()) == (0, name)
    return name


@asynccontextmanager
async def gate(
    directory: Path, protocol: Protocol = Protocol.V5
) -> AsyncIterator[tuple[Daemon, Received, list[str]]]:
    """A daemon at work, what its centre gets, and how to reach the broker."""
    keys = ("--private", "sign.key", "--public", "sign.pem")
    assert (await typed(directory, "centre", "keygen", "--sign", *keys))[0] == 0
    async with (
        mosquitto(directory) as broker,
        listening(broker.port, Received()) as received,
        Daemon(directory, CONFIG.format(port=broker.port, protocol=protocol)) as daemon,
    ):
        await daemon.until(lambda now: now.link.online)
        yield (
            daemon,
            received,
            ["--host", "127.0.0.1", "--port", str(broker.port), "--protocol", protocol],
        )


def in_force(received: Received) -> str | None:
    """The version of the rota, as the last birth has told it."""
    state = received.centre.states.get(SOURCE)
    return state.get("documents", {}).get("rota") if state else None


def told(received: Received) -> list[tuple[str, str]]:
    """What was said of the rota."""
    data = [each["data"] for each in received.contents if each["type"] == "checkpoint.document.v1"]
    return [(each["version"], each["state"]) for each in data if each["name"] == "rota"]


@pytest.mark.parametrize("protocol", Protocol)
async def test_a_published_document_is_in_force_and_stays_so(
    tmp_path: Path, protocol: Protocol
) -> None:
    async with gate(tmp_path, protocol) as (daemon, received, reach):
        name = await signed(tmp_path, "2026-03-18", {"shifts": []})
        code, said = await typed(tmp_path, "centre", "publish", name, "--to", AREA, *reach)
        assert code == 0, said
        await until(lambda: in_force(received) == "2026-03-18")
        await daemon.kill()
        await daemon.start()
        await daemon.until(lambda now: now.link.online)  # … and the broker sends it again
        name = await signed(tmp_path, "2026-03-19", {"shifts": []})
        await typed(tmp_path, "centre", "publish", name, "--to", AREA, *reach)
        await until(lambda: in_force(received) == "2026-03-19")
        await until(lambda: len(told(received)) == 2)
        assert told(received) == [("2026-03-18", "applied"), ("2026-03-19", "applied")]
        assert await daemon.stop() == 0


async def test_documents_come_by_stick_and_go_back(tmp_path: Path) -> None:
    own = ("--config", "gateway.toml")
    async with gate(tmp_path) as (daemon, received, reach):
        first = await signed(tmp_path, "1", {"shifts": []})
        second = await signed(tmp_path, "2", {"shifts": []}, "--expires", "2031-01-01T00:00:00Z")
        code, said = await typed(tmp_path, "documents", "apply", first, second, *own)
        assert (code, said) == (0, "rota 1 is in force\nrota 2 is in force\n")
        await until(lambda: in_force(received) == "2")
        code, said = await typed(tmp_path, "documents", "apply", first, *own)
        assert code == 1
        assert "version 2 has been in force; expected a higher one" in said
        code, said = await typed(tmp_path, "documents", "list", *own)
        assert code == 0
        assert "rota         2, until 2031-01-01T00:00:00.000Z\n" in said
        assert "policy       none\n" in said
        code, said = await typed(tmp_path, "documents", "roll-back", "rota", *own)
        assert (code, said) == (0, "rota 1 is in force again\n")
        await until(lambda: in_force(received) == "1")
        assert (await typed(tmp_path, "documents", "roll-back", "rota", *own))[0] == 1
        assert await daemon.stop() == 0
        third = await signed(tmp_path, "3", {"shifts": []})
        code, said = await typed(tmp_path, "documents", "apply", third, *own)
        assert code == 0
        assert "taken when it is started" in said
        await daemon.start()
        await until(lambda: in_force(received) == "3")
        order = ("centre", "order", "diagnose", "--to", AREA, "--key", "sign.key", "--by", "ops")
        code, said = await typed(tmp_path, *order, *reach)
        since = json.loads(said).get("body", {}).get("since")
        if since:  # where this machine does not know the time
            code, said = await typed(tmp_path, *order, "--since", since, *reach)
        assert (code, json.loads(said)["body"]["gateway"]) == (0, "410102011003007")
        assert told(received)[:3] == [("1", "applied"), ("2", "applied"), ("1", "refused")]
