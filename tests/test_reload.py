"""A changed configuration while the gate works: all of it or nothing, only what it concerns, and
no record lost or doubled."""

import asyncio
import json
import re
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from drivers.emulators.modbus_board import ModbusBoard
from drivers.emulators.scanner import Scanner
from drivers.emulators.thermometer import Thermometer
from gateway import control, health
from gateway.control import Answer, Status
from gateway.events import Pseudonyms
from tests.brokers import mosquitto, until
from tests.daemon import Daemon
from tests.ports import free_port
from tests.receiving import Received, listening
from tests.test_daemon import SOURCE, everything_arrived

THERMOMETER = """
[devices.thermometer]
driver = "gy_mcu906"
port = "thermometer"
measuring = { report = "every", every_s = 0 }
"""
SCANNER = """
[devices.scanner]
driver = "serial_scanner"
port = "scanner"
lane = "in-1"
"""
BOARD = """
[devices.board]
driver = "modbus_io"
port = "board"
lane = "in-1"
"""


def config(
    port: int, *devices: str, gateway: str = "", uplink: str = "", direction: str = "entry"
) -> str:
    return "\n".join(
        [
            "[gateway]",
            'id = "410102011003007"',
            'district = "410102"',
            'street = "011"',
            'community = "003"',
            'state_dir = "state"',
            gateway,
            "[uplink]",
            'host = "127.0.0.1"',
            f"port = {port}",
            uplink,
            "[page]",
            'listen = "off"',
            "[lanes.in-1]",
            f'direction = "{direction}"',
            "[lanes.out-1]",
            'direction = "exit"',
            *devices,
        ]
    )


def board(door: str = "gate-1") -> str:
    return BOARD + f'doors.{door} = {{ input = 0, role = "gate" }}\n'


@asynccontextmanager
async def devices(directory: Path) -> AsyncIterator[Scanner]:
    async with (
        Thermometer(directory / "thermometer", rate_hz=50),
        ModbusBoard(directory / "board"),
        Scanner(directory / "scanner") as scanner,
    ):
        yield scanner


async def reload(daemon: Daemon) -> Answer:
    """What the daemon says to the present file; quicker than the command."""
    return await control.ask(daemon.socket, "reload", timeout_s=30)


def states(picture: health.Health) -> dict[str, str | None]:
    return {name: each.state for name, each in picture.devices.items()}


def told(received: Received, kind: str, **wanted: str) -> list[dict[str, Any]]:
    """The data of the events of a kind, in their order, that say what is `wanted`."""
    ordered = sorted(received.contents, key=lambda each: each["sequence"])
    found = [each["data"] for each in ordered if each["type"] == f"checkpoint.{kind}.v1"]
    return [each for each in found if wanted.items() <= each.items()]


def online(*names: str) -> Callable[[health.Health], bool]:
    return lambda picture: all(states(picture).get(name) == "online" for name in names)


@pytest.mark.parametrize("reloads", [20, pytest.param(100, marks=pytest.mark.long)])
async def test_many_reloads_under_load_lose_and_double_nothing(
    tmp_path: Path, reloads: int
) -> None:
    """Every one restarts the board, every tenth the way up; the scanner notices nothing."""
    async with (
        mosquitto(tmp_path) as broker,
        devices(tmp_path) as scanner,
        listening(broker.port, Received()) as received,
        Daemon(tmp_path, config(broker.port, THERMOMETER, SCANNER, board())) as daemon,
    ):
        await daemon.until(online("thermometer", "board"))
        for number in range(reloads):
            scanner.hold_up(b"code %d" % number)
            keepalive = f"keepalive_s = {20 + number // 10}"
            gate = board(f"gate-{number}")
            daemon.configure(config(broker.port, THERMOMETER, SCANNER, gate, uplink=keepalive))
            answer = await reload(daemon)
            assert answer.status is Status.DONE, answer
            assert "board restarted" in answer.text
        await daemon.until(lambda now: now.link.online and online("board", "scanner")(now))
        await everything_arrived(daemon, received)
    tokens = Pseudonyms((daemon.state_dir / "pseudonym.key").read_bytes())
    expected = [tokens.token(b"code %d" % number) for number in range(reloads)]
    assert [each["token"] for each in told(received, "scan")] == expected
    for undisturbed in ("scanner", "thermometer"):
        assert len(told(received, "device", device=undisturbed)) == 1
    versions = [each["version"] for each in told(received, "document")]
    assert len(versions) == len(set(versions)) == reloads + 1
    unknown = [each["door"] for each in told(received, "door", position="unknown")]
    # On a busy machine the last board may miss its time as well.
    assert unknown[:reloads] == ["gate-1", *(f"gate-{n}" for n in range(reloads - 1))]
    assert "Traceback" not in daemon.log


async def test_only_what_has_changed_is_started_anew(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        devices(tmp_path),
        listening(broker.port, Received()) as received,
        Daemon(tmp_path, config(broker.port, THERMOMETER, board())) as daemon,
    ):
        first = await daemon.until(online("thermometer", "board"))
        daemon.configure(config(broker.port, THERMOMETER, SCANNER))
        code, said = await daemon.command("reload")
        assert code == 0, said
        assert said.endswith(" is in force: scanner added; board removed\n")
        picture = await daemon.until(lambda now: set(now.devices) == {"thermometer", "scanner"})
        assert picture.configuration.version != first.configuration.version
        assert picture.configuration.version in said
        await until(lambda: told(received, "device", device="board", state="removed"))
        await until(lambda: "board" not in birth(received)["devices"])
        assert birth(received)["documents"] == {"configuration": picture.configuration.version}
        assert birth(received)["session"] == 1, "the same connection"
        await everything_arrived(daemon, received)
    assert [each["position"] for each in told(received, "door")] == ["open", "unknown"]
    assert len(told(received, "device", device="thermometer")) == 1
    assert [each["state"] for each in told(received, "document")] == ["applied"] * 2


def birth(received: Received) -> dict[str, Any]:
    return dict(received.centre.states[SOURCE])


async def test_a_lane_concerns_its_devices(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        devices(tmp_path),
        Daemon(tmp_path, config(broker.port, THERMOMETER, board())) as daemon,
    ):
        await daemon.until(online("thermometer", "board"))
        daemon.configure(config(broker.port, THERMOMETER, board(), direction="exit"))
        assert (await reload(daemon)).text.endswith(" is in force: board restarted")
        await daemon.until(online("thermometer", "board"))
        daemon.configure(config(broker.port, THERMOMETER, board(), direction="exit") + "\n# !")
        assert (await reload(daemon)).text.endswith("no device and no connection is concerned")
        assert (await reload(daemon)).text.startswith("nothing has changed")


async def test_a_policy_that_has_changed_is_in_force_though_the_configuration_is_as_it_was(
    tmp_path: Path,
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("repeat_s = 5.0\n")
    text = config(free_port(), THERMOMETER) + '\n[policy]\nfile = "policy.toml"\n'
    async with devices(tmp_path), Daemon(tmp_path, text) as daemon:
        await daemon.until(online("thermometer"))
        policy.write_text("repeat_s = 6.0\n")
        assert " is in force" in (await reload(daemon)).text
        policy.write_text("repeat_s = -6.0\n")
        assert "repeat_s" in (await reload(daemon)).text
        policy.write_text("repeat_s = 6.0\n")
        assert (await reload(daemon)).text.endswith("no device and no connection is concerned")


async def test_a_file_with_mistakes_changes_nothing_and_is_told_as_by_check(
    tmp_path: Path,
) -> None:
    good = config(free_port(), THERMOMETER)
    async with devices(tmp_path), Daemon(tmp_path, good) as daemon:
        before = await daemon.until(online("thermometer"))
        daemon.configure(good.replace("every_s = 0", "every_s = -1") + "\n[devices.x]\n")
        code, said = await daemon.command("reload")
        assert (code, said.replace(f"{tmp_path}/", "")) == await daemon.command("check")
        assert code == 78
        assert len(said.splitlines()) == 2
        for _ in range(3):
            daemon.hang_up()
        after = await daemon.until(lambda now: now.configuration.refused is not None)
        assert after.configuration.refused == said.strip()
        assert after.configuration.version == before.configuration.version
        assert states(after) == {"thermometer": "online"}
        daemon.configure(good)
        assert (await daemon.command("reload"))[0] == 0
        await daemon.until(lambda now: now.configuration.refused is None)
        assert await daemon.stop() == 0
    assert daemon.log.count("is refused") == 1
    refused = [each for each in events(daemon, "document") if each["state"] == "refused"]
    assert [each["reason"] for each in refused] == [said.strip()]
    assert refused[0]["version"] not in (None, before.configuration.version)


def events(daemon: Daemon, kind: str) -> list[dict[str, Any]]:
    """The data of the events of a kind in the journal of a daemon that has ended."""
    journal = sqlite3.connect(daemon.state_dir / "journal.db")
    with closing(journal):
        rows = journal.execute("SELECT body FROM event WHERE kind = ? ORDER BY seq", [kind])
        return [json.loads(body)["data"] for (body,) in rows]


async def test_what_cannot_change_at_work_is_refused_with_all_the_rest(tmp_path: Path) -> None:
    port = free_port()
    async with (
        devices(tmp_path),
        Daemon(tmp_path, config(port, THERMOMETER)) as daemon,
    ):
        await daemon.until(online("thermometer"))
        daemon.configure(
            config(port, board(), uplink="keepalive_s = 99")
            .replace('"011"', '"012"')
            .replace("[uplink]", '[journal]\nfile = "other.db"\nmax_mb = 500\n[uplink]')
        )
        code, said = await daemon.command("reload")
        assert code == 1
        assert re.fullmatch(
            r"checkpoint-gateway: gateway.toml:4: \[gateway\] street: another value than the one in"
            r" force \(011\) takes a restart: systemctl restart checkpoint-gateway\n"
            r"gateway.toml:9: \[journal\] file: another .* \(journal.db\) takes a restart: .*\n",
            said.replace(f"{tmp_path}/", ""),
        ), said
        picture = await daemon.until(lambda now: now.configuration.refused is not None)
        assert states(picture) == {"thermometer": "online"}
        daemon.configure("[gateway]\n")
        assert (await daemon.command("reload"))[0] == 78
        (tmp_path / "gateway.toml").unlink()
        assert await daemon.command("reload") == (
            78,
            f"{tmp_path}/gateway.toml: there is no such file\n",
        )


async def test_another_broker_gets_the_rest_of_the_same_records(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    async with (
        mosquitto(tmp_path) as broker,
        mosquitto(tmp_path / "other") as other,
        devices(tmp_path),
        listening(broker.port, Received()) as before,
        listening(other.port, Received()) as after,
        Daemon(tmp_path, config(broker.port, THERMOMETER)) as daemon,
    ):
        await before.more(50)
        daemon.configure(config(other.port, THERMOMETER))
        code, said = await daemon.command("reload")
        assert (code, said.partition(": ")[2]) == (0, "another connection to the centre\n")
        await after.more(50)
        await until(lambda: before.centre.states[SOURCE]["state"] == "offline")
        assert birth(after)["session"] == 2
        assert await daemon.stop() == 0
        await until(lambda: after.centre.states[SOURCE]["state"] == "offline")
        [epoch] = {each["id"].partition("-")[0] for each in after.contents}
        first, rest = before.seqs(epoch), after.seqs(epoch)
        assert sorted(first + rest) == list(range(1, max(rest) + 1)), "none missing, none twice"
        assert len(told(after, "device", device="thermometer")) == 0


async def test_a_way_up_that_cannot_be_used_leaves_the_one_there_is(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        devices(tmp_path),
        listening(broker.port, Received()) as received,
        Daemon(tmp_path, config(broker.port, THERMOMETER)) as daemon,
    ):
        await daemon.until(lambda now: now.link.online)
        for option in ('password_file = "gone"', 'tls = { ca_file = "gone" }'):
            daemon.configure(config(broker.port, board(), uplink=option))
            code, said = await daemon.command("reload")
            assert code == 1
            assert "gone" in said
        picture = await daemon.until(lambda now: now.configuration.refused is not None)
        assert (states(picture), picture.link.online) == ({"thermometer": "online"}, True)
        assert birth(received)["session"] == 1
        await everything_arrived(daemon, received)


async def test_a_changed_file_is_taken_by_itself_where_that_is_wanted(tmp_path: Path) -> None:
    watched = config(free_port(), THERMOMETER, gateway="reload_on_change = true")
    async with devices(tmp_path), Daemon(tmp_path, watched) as daemon:
        await daemon.until(online("thermometer"))
        (tmp_path / "gateway.toml").write_text(watched + board())  # in place
        await daemon.until(online("thermometer", "board"))
        daemon.configure(watched)  # as editors do
        await daemon.until(lambda now: set(now.devices) == {"thermometer"})
        (tmp_path / "gateway.toml").write_text(watched[:-9])
        bad = await daemon.until(lambda now: now.configuration.refused is not None)
        daemon.configure(watched.replace("reload_on_change = true", "reload_on_change = false"))
        await daemon.until(
            lambda now: (
                now.configuration.version != bad.configuration.version
                and now.configuration.refused is None
            )
        )
        daemon.configure(watched)
        assert (await daemon.command("reload"))[0] == 0, "nobody has looked at it before"
        assert daemon.log.count(" is in force") == 4


async def test_another_gateway_is_not_reloaded(tmp_path: Path) -> None:
    async with devices(tmp_path), Daemon(tmp_path, config(free_port(), THERMOMETER)) as daemon:
        await daemon.until(online("thermometer"))
        (tmp_path / "other").mkdir()
        other = Daemon(
            tmp_path / "other",
            config(free_port()),
            environment={"RUNTIME_DIRECTORY": str(daemon.socket.parent)},
        )
        code, said = await other.command("reload")
        assert code == 1
        assert "works by" in said
        assert await daemon.stop() == 0
    assert await daemon.command("reload") == (
        1,
        f"checkpoint-gateway: no gateway runs here: there is no socket {daemon.socket}\n",
    )


async def test_a_stop_in_the_middle_of_a_reload_is_clean(tmp_path: Path) -> None:
    port = free_port()
    async with devices(tmp_path):
        for number in range(4):
            async with Daemon(tmp_path, config(port, THERMOMETER, board())) as daemon:
                await daemon.until(online("thermometer", "board"))
                daemon.configure(config(port, THERMOMETER, board("other"), SCANNER))
                daemon.hang_up()
                await asyncio.sleep(number * 0.01)
                assert await daemon.stop() == 0
                assert "Traceback" not in daemon.log


async def test_times_are_held_for_who_can_say_which(tmp_path: Path) -> None:
    async with devices(tmp_path), Daemon(tmp_path, config(free_port(), THERMOMETER)) as daemon:
        picture = await daemon.until(online("thermometer"))
        for epoch, upto, status in (
            (picture.epoch, 3, Status.DONE),
            (picture.epoch, 10**30, Status.DONE),
            ("aaaaaaaa", 3, Status.DONE),
            (picture.epoch, "3", Status.WRONG),
            (None, 3, Status.WRONG),
        ):
            answer = await control.ask(daemon.socket, "hold-times", epoch=epoch, upto=upto)
            assert answer.status is status
