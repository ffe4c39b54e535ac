"""The unit under a real systemd: ready, watched, restarted, stopped in time, and shut in."""

import asyncio
import errno
import json
import os
import re
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from drivers.emulators.thermometer import Thermometer
from tests.brokers import Mosquitto, mosquitto
from tests.faults.account import Account
from tests.faults.escapes import REFUSED
from tests.faults.hangs import Hang
from tests.faults.machine import Machine, cgroup2, machine
from tests.faults.proxy import Conditions, fault_proxy
from tests.faults.service import FIRST_PORT, PYTHON, Service

WATCHED = (Hang.RECORDER, Hang.SENDER, Hang.TIMER)
STOP_S = 5.0
HANGS = f"{PYTHON} -m tests.faults.hangs"
PROBE = f"{PYTHON} -m tests.faults.escapes"
WELL = re.compile("connected; [1-9][0-9]* events wait; 1 of 1 devices are well")
"""Its secret, its disk and its adapter are there; nobody has subscribed."""
THERMOMETER = """
[devices.thermometer]
driver = "gy_mcu906"
port = "{port}"
measuring = {{ report = "every", every_s = 0 }}
"""
NAMED = """
[devices.terminal]
driver = "hikvision"
url = "http://terminal.example"
credentials_file = "/etc/checkpoint-gateway/terminal"

[devices.terminal.doors.staff-1]
role = "gate"

[devices.zigbee]
driver = "zigbee2mqtt"
host = "zigbee.example"

[devices.zigbee.doors.shed-1]
role = "gate"
contact = "contact"
"""
"""Devices that have names, each resolved by a library of its own."""


@asynccontextmanager
async def connected(directory: Path) -> AsyncIterator[tuple[Machine, Mosquitto]]:
    """A machine whose port 1883 leads to a broker."""
    async with (
        mosquitto(directory) as broker,
        machine(directory) as made,
        fault_proxy(broker.port, sock=made.listening(FIRST_PORT)),
    ):
        yield made, broker


@pytest.mark.timeout(300)
@pytest.mark.parametrize("watchdog_s", [3, pytest.param(30, marks=pytest.mark.long)])
async def test_what_hangs_is_restarted_and_what_waits_is_not(
    tmp_path: Path, account: Account, watchdog_s: int
) -> None:
    entry = account.of("hang")
    async with AsyncExitStack() as stack:
        made, broker = await stack.enter_async_context(connected(tmp_path))
        watched = [f"WatchdogSec={watchdog_s}"]
        patient = await waiting(stack, made, broker, watched)
        hanging = {hang: Service(made, f"hang-{hang}") for hang in WATCHED}
        for hang, service in hanging.items():
            await service.install(watched, program=f"{HANGS} {hang}")
        frozen = Service(made, "frozen")
        await frozen.install(watched)
        await asyncio.gather(*(each.start() for each in (*hanging.values(), frozen)))
        await hanging[Hang.SENDER].online()
        for service in hanging.values():
            await service.signal("USR1")
        begun = {frozen: await frozen.signal("STOP")}
        begun |= {service: await service.hung() for service in hanging.values()}
        del begun[hanging[Hang.TIMER]]
        for service, at in begun.items():
            took = await service.restarted(within_s=watchdog_s + 15) - at
            assert took <= watchdog_s + 2, service.name
            entry.count += 1
            entry.recovered(took)
        for service in (*patient, hanging[Hang.TIMER]):
            assert (await service.shown())["NRestarts"] == "0", await service.log()
        entry.caught.append("watchdog fed by a timer")


async def waiting(
    stack: AsyncExitStack, made: Machine, broker: Mosquitto, watched: Sequence[str]
) -> Sequence[Service]:
    """Gateways that wait, and do not hang: for answers of a broker that are late or do not come,
    for a broker that does not even say who it is, and for room on a disk."""
    networks = [
        await stack.enter_async_context(fault_proxy(broker.port, sock=made.listening(port)))
        for port in range(FIRST_PORT + 1, FIRST_PORT + 4)
    ]
    slow, mute, silent, full = services = [
        Service(made, name) for name in ("slow", "mute", "silent", "full")
    ]
    for port, service in enumerate((slow, mute, silent), FIRST_PORT + 1):
        await service.install(watched, port=port)
    adapter = await stack.enter_async_context(thermometer(made))
    await disk_of(made, full, megabytes=1)
    await full.install(watched, more=THERMOMETER.format(port=adapter))
    networks[0].conditions = Conditions(delay_s=1.5)
    networks[2].conditions = Conditions(swallow_down=True)
    await asyncio.gather(*(each.start() for each in services))
    await mute.online()
    networks[1].conditions = Conditions(swallow_down=True)
    await made.run("sh", "-c", "cat /dev/zero > /var/lib/full/filler || true")
    await full.says("nothing can be recorded")
    return services


async def test_nothing_gets_out_and_everything_needed_works(
    tmp_path: Path, account: Account
) -> None:
    """Each attempt is also made without the sandbox: what fails there proves nothing."""
    entry = account.of("escape from the sandbox")
    async with machine(tmp_path) as made:
        inside, outside = Service(made, "inside"), Service(made, "outside")
        await inside.install(["Type=oneshot", "Restart=no"], program=PROBE)
        await outside.install(["Type=oneshot", "Restart=no"], program=PROBE, sandbox=False)
        reports = {}
        for service in (inside, outside):
            await made.systemctl("start", service.unit)
            reports[service] = json.loads((service.state_dir / "report").read_text())
    assert {name: said for name, said in reports[inside]["needs"].items() if said} == {}
    refused, free = reports[inside]["attempts"], reports[outside]["attempts"]
    assert {name: code for name, code in refused.items() if code not in REFUSED} == {}
    assert {name: code for name, code in free.items() if code in REFUSED - {errno.ENOENT}} == {}
    entry.count = len(refused)
    entry.caught.append("no sandbox")


async def test_ready_with_its_secrets_its_devices_and_its_broker(tmp_path: Path) -> None:
    """As it is on a box: the password in a file of root's, the adapter in a group of its own."""
    password = Mosquitto(tmp_path).set_password("gate", "right")
    async with (
        machine(tmp_path) as made,
        mosquitto(tmp_path, "allow_anonymous false", password) as broker,
        fault_proxy(broker.port, sock=made.listening(FIRST_PORT)),
        thermometer(made) as port,
    ):
        gate = Service(made, "gate")
        (made.root / "etc/checkpoint-gateway/secrets/password").write_text("right\n")
        await made.run("chmod", "600", "/etc/checkpoint-gateway/secrets/password")
        secret = 'password_file = "/etc/checkpoint-gateway/secrets/password"'
        await gate.install(["WatchdogSec=3"], more=f"{secret}\n{THERMOMETER.format(port=port)}")
        await gate.start()
        await made.until(
            lambda shown: WELL.fullmatch(shown["StatusText"]) is not None, unit=gate.unit
        )
        took = await gate.stopped()
        assert took <= STOP_S
        assert (await gate.shown())["Result"] == "success"
        assert not (made.root / "run/gate").exists()


@asynccontextmanager
async def thermometer(made: Machine, rate_hz: float = 10) -> AsyncIterator[str]:
    """The port of an adapter that the group dialout may use."""
    link = made.directory / "thermometer"
    async with Thermometer(link, rate_hz=rate_hz):
        port = os.readlink(link)
        _, _, group, _ = (await made.run("getent", "group", "dialout")).split(":")
        os.chown(port, 0, int(group))
        os.chmod(port, 0o660)
        yield port


@contextmanager
def deaf_resolver(made: Machine) -> Iterator[socket.socket]:
    """A name server that takes every question and answers none."""
    (made.root / "etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
    with made.listening(53, socket.SOCK_DGRAM) as resolver:
        resolver.setblocking(False)
        yield resolver


async def asked(resolver: socket.socket, *names: bytes) -> None:
    """Wait until it has been asked for each of `names`."""
    missing = set(names)
    while missing:
        question = await asyncio.get_running_loop().sock_recv(resolver, 512)
        missing = {name for name in missing if name not in question}


async def test_stopped_in_time_though_no_resolver_answers(tmp_path: Path, account: Account) -> None:
    entry = account.of("stop without resolver")
    async with machine(tmp_path) as made:
        lost, waiting = Service(made, "lost"), Service(made, "waiting")
        (made.root / "etc/checkpoint-gateway/terminal").write_text("user:password\n")
        with deaf_resolver(made) as resolver:
            await lost.install(host="centre.example", more=NAMED)
            program = f"{HANGS} {Hang.RESOLVER}"
            await waiting.install(program=program, host="centre.example", more=NAMED)
            for service in (lost, waiting):
                await service.start()
                await asked(resolver, b"centre", b"terminal", b"zigbee")
            took, _ = await asyncio.gather(lost.stopped(), waiting.stopped())
            assert (await lost.shown())["Result"] == "success", await lost.log()
            assert (await waiting.shown())["Result"] == "timeout"
        entry.count = 1
        entry.recovered(took)
        entry.caught.append("wait for the resolver at the end")
        assert took <= STOP_S


async def test_stopped_in_time_though_neither_disk_nor_broker_answers(
    tmp_path: Path, account: Account
) -> None:
    entry = account.of("stop without disk and broker")
    async with connected(tmp_path) as (made, broker):
        wrecked = Service(made, "wrecked")
        async with (
            fault_proxy(broker.port, sock=made.listening(FIRST_PORT + 1)) as network,
            thermometer(made, rate_hz=50) as port,
        ):
            await disk_of(made, wrecked, megabytes=1)
            await wrecked.install(port=FIRST_PORT + 1, more=THERMOMETER.format(port=port))
            await wrecked.start()
            await wrecked.online()
            network.conditions = Conditions(swallow_up=True, swallow_down=True)
            await made.run("sh", "-c", "cat /dev/zero > /var/lib/wrecked/filler || true")
            await wrecked.says("nothing can be recorded")
            took = await wrecked.stopped()
            assert (await wrecked.shown())["Result"] == "success", await wrecked.log()
        entry.count = 1
        entry.recovered(took)
        assert took <= STOP_S


async def test_the_exit_code_and_the_number_of_failures_decide_what_comes_next(
    tmp_path: Path, account: Account
) -> None:
    entry = account.of("crash loop")
    async with machine(tmp_path) as made:
        mistaken, failing, patient, impatient = (
            Service(made, each) for each in ("mistaken", "failing", "patient", "impatient")
        )
        await mistaken.install(config="nonsense = true\n")
        await failing.install()
        await made.run("mkdir", "-p", "/var/lib/failing/journal.db")
        quick = ["Type=exec", "RestartSec=10ms"]
        await patient.install(quick, program="/bin/false")
        await impatient.install(quick, program="/bin/false", limited=True)
        for service in (mistaken, failing, patient, impatient):
            await made.systemctl("start", "--no-block", service.unit)
        for pause_s in (1, 2):
            await failing.says(f"failed: waiting {pause_s} s before the next")
        shown = await made.until(lambda shown: int(shown["NRestarts"]) > 30, unit=patient.unit)
        assert shown["ActiveState"] != "failed"
        shown = await impatient.shown()
        assert (shown["ActiveState"], int(shown["NRestarts"]) < 6) == ("failed", True)
        shown = await mistaken.shown()
        assert (shown["ActiveState"], shown["ExecMainStatus"]) == ("failed", "78")
        assert shown["NRestarts"] == "0"
        entry.count = int((await patient.shown())["NRestarts"])
        entry.caught.append("default start limit")


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_crash_loop_goes_on_for_ever_ever_more_slowly(tmp_path: Path) -> None:
    async with machine(tmp_path) as made:
        failing = Service(made, "failing")
        await failing.install()
        await made.run("mkdir", "-p", "/var/lib/failing/journal.db")
        await made.systemctl("start", "--no-block", failing.unit)
        shown = await made.until(
            lambda shown: int(shown["NRestarts"]) >= 11, unit=failing.unit, within_s=500
        )
        assert shown["ActiveState"] == "activating"
        pauses = re.findall("waiting ([0-9]+) s before", await failing.log())
        assert list(map(int, pauses))[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
        assert await failing.stopped() <= STOP_S
        await made.systemctl("start", "--no-block", failing.unit)
        await made.until(lambda shown: shown["NRestarts"] == "1", unit=failing.unit)


async def test_a_machine_leaves_nothing_behind(tmp_path: Path) -> None:
    """Also when the test in it fails."""
    with pytest.raises(subprocess.CalledProcessError) as failure:
        await fails_with_a_service(tmp_path)
    assert failure.value.cmd == ("false",)
    assert left_of(tmp_path) == []


async def fails_with_a_service(directory: Path) -> None:
    async with machine(directory) as made:
        service = Service(made, "left")
        await service.install(["Type=exec"], program="/bin/sleep 3600 #")
        await made.systemctl("start", service.unit)
        assert left_of(directory) != []
        await made.run("false")


def left_of(directory: Path) -> list[str]:
    """Of a machine: its processes and its control groups."""
    holders = subprocess.run(
        ["pgrep", "--full", str(directory / "machine")], capture_output=True, text=True, check=False
    )
    groups = [name for name in os.listdir(cgroup2()) if name.endswith(directory.name)]
    return [*holders.stdout.split(), *groups]


async def disk_of(made: Machine, service: Service, *, megabytes: int) -> None:
    """Let its state be on a disk of its own."""
    place = f"/var/lib/{service.name}"
    await made.run("mkdir", "-p", place)
    await made.run("mount", "-t", "tmpfs", "-o", f"size={megabytes}M", "none", place)
