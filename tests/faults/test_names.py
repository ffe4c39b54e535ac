"""Name servers that swallow every question: the gate works on, can be stopped, and recovers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.brokers import Mosquitto, mosquitto, until
from tests.daemon import GATE, Daemon
from tests.faults.account import Account
from tests.faults.mutants import Mutant
from tests.faults.nameserver import NameServer, name_server
from tests.faults.numbered import Numbered, numbers
from tests.faults.site import ROOT, killed_at_the_end

SAMPLES_HZ = 50
STOPPED_S = 5.0
LATE_S = 2.0
"""What a loaded machine may add."""
TURN_S = 1.0
"""So long the daemon may take to say how it is: names are waited for five seconds and more."""
RECOVERED_S = 40.0
"""The resolver's own patience, and the longest wait between two attempts."""

_CONFIG = (
    GATE
    + """\
[uplink]
host = "broker.example.org"
port = {port}

[devices.thermometer]
driver = "gy_mcu906"
port = "thermometer"
baud = 9600
measuring = {{ report = "every", every_s = 0 }}

[devices.zigbee]
driver = "zigbee2mqtt"
host = "zigbee.example.org"
port = {port}
doors.gate-1 = {{ contact = "gate", role = "gate" }}

[devices.terminal]
driver = "hikvision"
url = "http://terminal.example.org:{port}"
credentials_file = "credentials"
"""
)


@dataclass(frozen=True)
class Gate:
    """A running gate that has asked for names and got no answer."""

    daemon: Daemon
    names: NameServer
    broker: Mosquitto

    async def slowest_turn_s(self, seconds: float) -> float:
        """How long the daemon took at most to say how it is, asked all the time."""
        loop = asyncio.get_running_loop()
        until_s, slowest_s = loop.time() + seconds, 0.0
        while (asked_s := loop.time()) < until_s:
            await self.daemon.until(lambda _: True)
            slowest_s = max(slowest_s, loop.time() - asked_s)
            await asyncio.sleep(0.01)
        return slowest_s

    async def stop(self) -> float:
        """Stop the daemon; how long that took."""
        loop = asyncio.get_running_loop()
        asked_s = loop.time()
        assert await self.daemon.stop(within_s=60) == 0
        return loop.time() - asked_s


@asynccontextmanager
async def gate(directory: Path, mutant: Mutant | None = None) -> AsyncIterator[Gate]:
    (directory / "credentials").write_text("gate:secret\n")
    async with (
        mosquitto(directory) as broker,
        name_server(directory) as names,
        Numbered(directory / "thermometer", rate_hz=SAMPLES_HZ),
    ):
        daemon = Daemon(
            directory,
            _CONFIG.format(port=broker.port),
            environment={"PYTHONPATH": str(ROOT)},
            program=("tests.faults.nameserver", "resolv.conf", *filter(None, [mutant])),
        )
        async with killed_at_the_end(daemon):
            await daemon.start()
            await daemon.until(lambda now: now.journal.recorded > 0)
            await until(lambda: names.asked >= 3)
            yield Gate(daemon, names, broker)


async def test_the_gate_works_on_and_finds_its_centre_when_names_are_back(
    tmp_path: Path, account: Account
) -> None:
    entry, loop = account.of("name servers swallow questions"), asyncio.get_running_loop()
    async with gate(tmp_path) as it:
        assert await it.slowest_turn_s(4.0) < TURN_S
        it.names.answers = True
        back_s = loop.time()
        now = await it.daemon.until(lambda now: now.link.online, within_s=RECOVERED_S)
        entry.recovered(loop.time() - back_s)
        assert await it.stop() < STOPPED_S + LATE_S
        found = numbers(it.daemon.state_dir / "journal.db", "thermometer")
        entry.count += 1
        entry.recorded += now.journal.recorded
        entry.lost += found[-1] - found[0] + 1 - len(found)
    assert entry.lost == 0


async def test_it_is_stopped_in_time(tmp_path: Path, account: Account) -> None:
    async with gate(tmp_path) as it:
        assert await it.stop() < STOPPED_S + LATE_S
    account.of("name servers swallow questions").count += 1


@pytest.mark.long
async def test_it_finds_what_waits_for_its_resolver(tmp_path: Path, account: Account) -> None:
    async with gate(tmp_path, Mutant.RESOLVING) as it:
        assert await it.stop() > STOPPED_S + LATE_S
    account.of("name servers swallow questions").caught.append(Mutant.RESOLVING)
