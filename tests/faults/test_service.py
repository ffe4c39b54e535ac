"""The unit under a real systemd: ready, watched, restarted, stopped in time, and shut in."""

import asyncio
import errno
import json
import os
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from drivers.emulators.thermometer import Thermometer
from tests.brokers import Mosquitto, mosquitto
from tests.faults.account import Account
from tests.faults.escapes import REFUSED
from tests.faults.hangs import Hang
from tests.faults.machine import Machine, machine
from tests.faults.proxy import Conditions, fault_proxy
from tests.faults.service import FIRST_PORT, PYTHON, Service

WATCHDOG_S = 3
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
credentials_file = "/etc/checkpoint-gateway/{name}.toml"

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


async def test_what_hangs_is_restarted_and_what_waits_is_not(
    tmp_path: Path, account: Account
) -> None:
    entry = account.of("hang")
    async with connected(tmp_path) as (made, broker):
        watchdog = [f"WatchdogSec={WATCHDOG_S}"]
        hanging = {hang: Service(made, f"hang-{hang}") for hang in Hang}
        for hang, service in hanging.items():
            await service.install(watchdog, program=f"{HANGS} {hang}")
        frozen, silent, full = (Service(made, each) for each in ("frozen", "silent", "full"))
        await frozen.install(watchdog)
        silent_sock = made.listening(FIRST_PORT + 1)
        await silent.install(watchdog, port=FIRST_PORT + 1)
        await full.install(watchdog)
        services = [*hanging.values(), frozen, silent, full]
        async with (
            fault_proxy(broker.port, sock=silent_sock) as silence,
            thermometer(tmp_path, made) as port,
        ):
            await full.install(watchdog, more=THERMOMETER.format(port=port))
            silence.conditions = Conditions(swallow_down=True)
            await disk_of(made, full, megabytes=1)
            await asyncio.gather(*(each.start() for each in services))
            await made.run("sh", "-c", "cat /dev/zero > /var/lib/full/filler || true")
            await full.says("nothing can be recorded")
            await hanging[Hang.SENDER].online()
            for service in hanging.values():
                await service.signal("USR1")
            begun = {frozen: await frozen.signal("STOP")}
            begun |= {service: await service.hung() for service in hanging.values()}
            del begun[hanging[Hang.TIMER]]
            for service, at in begun.items():
                took = await service.restarted(within_s=WATCHDOG_S + 15) - at
                assert took <= WATCHDOG_S + 2, service.name
                entry.count += 1
                entry.recovered(took)
        for service in (silent, full, hanging[Hang.TIMER]):
            assert (await service.shown())["NRestarts"] == "0", await service.log()
        entry.caught.append("watchdog fed by a timer")


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
        thermometer(tmp_path, made) as port,
    ):
        gate = Service(made, "gate")
        (made.root / "etc/checkpoint-gateway/secrets/password").write_text("right\n")
        await made.run("chmod", "600", "/etc/checkpoint-gateway/secrets/password")
        secret = 'password_file = "/etc/checkpoint-gateway/secrets/password"'
        await gate.install(
            [f"WatchdogSec={WATCHDOG_S}"], more=f"{secret}\n{THERMOMETER.format(port=port)}"
        )
        await gate.start()
        await made.until(
            lambda shown: WELL.fullmatch(shown["StatusText"]) is not None, unit=gate.unit
        )
        took = await gate.stopped()
        assert took <= STOP_S
        assert (await gate.shown())["Result"] == "success"
        assert not (made.root / "run/gate").exists()


@asynccontextmanager
async def thermometer(directory: Path, made: Machine, rate_hz: float = 10) -> AsyncIterator[str]:
    """The port of an adapter that the group dialout may use."""
    link = directory / "thermometer"
    async with Thermometer(link, rate_hz=rate_hz):
        port = os.readlink(link)
        _, _, group, _ = (await made.run("getent", "group", "dialout")).split(":")
        os.chown(port, 0, int(group))
        os.chmod(port, 0o660)
        yield port


async def test_stopped_in_time_though_neither_disk_nor_broker_nor_resolver_answers(
    tmp_path: Path,
) -> None:
    async with connected(tmp_path) as (made, broker):
        # Name servers that take every question and answer none.
        (made.root / "etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
        resolver = made.listening(53, socket.SOCK_DGRAM)
        wrecked, lost = Service(made, "wrecked"), Service(made, "lost")
        silent_sock = made.listening(FIRST_PORT + 1)
        async with (
            fault_proxy(broker.port, sock=silent_sock) as network,
            thermometer(tmp_path, made, rate_hz=50) as port,
        ):
            await disk_of(made, wrecked, megabytes=1)
            await wrecked.install(port=FIRST_PORT + 1, more=THERMOMETER.format(port=port))
            await lost.install(host="centre.example", more=NAMED)
            await asyncio.gather(wrecked.start(), lost.start())
            await wrecked.online()
            network.conditions = Conditions(swallow_up=True, swallow_down=True)
            await made.run("sh", "-c", "cat /dev/zero > /var/lib/wrecked/filler || true")
            await wrecked.says("nothing can be recorded")
            took = await asyncio.gather(wrecked.stopped(), lost.stopped())
            for service in (wrecked, lost):
                assert (await service.shown())["Result"] == "success", await service.log()
            assert max(took) <= STOP_S
        resolver.close()


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


async def disk_of(made: Machine, service: Service, *, megabytes: int) -> None:
    """Let its state be on a disk of its own."""
    place = f"/var/lib/{service.name}"
    await made.run("mkdir", "-p", place)
    await made.run("mount", "-t", "tmpfs", "-o", f"size={megabytes}M", "none", place)
