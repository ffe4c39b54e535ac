"""Looks at everything, the quick and local first; one trouble never hides another."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from gateway import configfile, control, health
from gateway.box import Box
from gateway.clock import Clock
from gateway.config import Config
from gateway.doctor import devices, files, network, storage, supply, timekeeping, unit
from gateway.doctor.files import Identity
from gateway.doctor.surroundings import USER, Surroundings, user_exists
from gateway.errors import ConfigError
from gateway.findings import Finding, Report, bad, good, note
from gateway.health import Health
from gateway.timefloor import TimeFloor

_EXIT_CONFIG = 78
"""EX_CONFIG in <sysexits.h>, as for every command that reads the configuration."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What came of it."""

    report: Report
    config: Config | None
    """None: it has mistakes."""
    health: Health | None
    """None: no gateway runs with it."""

    @property
    def exit_code(self) -> int:
        """0 if nothing has to be put right, 78 if the configuration has, 1 if something else."""
        if self.config is None:
            return _EXIT_CONFIG
        return 0 if self.report.passed else 1


async def examine(file: Path, around: Surroundings) -> Examined:
    """Everything, beside a running gateway or without one; takes some seconds."""
    properties = await around.unit()
    service = [
        *unit.examine(properties, systemd=around.systemd),
        *unit.examine_rules(around.root, installed=bool(properties)),
    ]
    try:
        config = configfile.load(file)
    except ConfigError as error:
        mistakes = [_mistake(line) for line in str(error).splitlines()]
        return Examined(Report([*mistakes, *service]), None, None)
    running = await _running(config, around)
    findings = [
        *_configuration(file, config, running),
        *files.examine(config, _who(properties), file),
        *service,
        *_machine(config, around, shut_in=properties.get("ProtectClock") == "yes"),
        *devices.examine_names(config, around.roots),
    ]
    live, way_up = await asyncio.gather(_devices(config, around, running), _network(config))
    return Examined(Report([*findings, *live, *way_up]), config, running)


def _mistake(line: str) -> Finding:
    return bad("config", line, "correct it, then: checkpoint-gateway check")


def _configuration(file: Path, config: Config, running: Health | None) -> list[Finding]:
    notices = [
        note("config", f"{name}: {notice}")
        for name, each in config.devices.items()
        for notice in each.notices()
    ]
    if running is None:
        state = note("gateway", "it is not running", "systemctl start checkpoint-gateway")
    else:
        state = good("gateway", "it is running and answers")
    return [good("config", f"no mistakes in {file}"), *notices, state]


def _machine(config: Config, around: Surroundings, *, shut_in: bool) -> list[Finding]:
    box = Box(config.gateway.state_dir, around.root).look()
    return [
        *timekeeping.examine(around.root, config.gateway.state_dir, shut_in=shut_in),
        *storage.examine(config, box),
        *supply.examine(box),
    ]


def _who(properties: dict[str, str]) -> Identity:
    """The service's user where there is one; else whoever asks."""
    if user_exists(USER):
        return Identity.of_service(USER, properties.get("SupplementaryGroups", ""))
    return Identity.own()


async def _running(config: Config, around: Surroundings) -> Health | None:
    for path in control.sockets(config.gateway.state_dir, around.environment):
        if (told := await health.ask(path)) and told.gateway == config.gateway.id:
            return told
    return None


async def _devices(config: Config, around: Surroundings, running: Health | None) -> list[Finding]:
    if running is not None:
        return await devices.examine_running(config, running.devices)
    return await devices.examine_idle(config, around.roots)


async def _network(config: Config) -> list[Finding]:
    floor = TimeFloor(config.gateway.state_dir / "time-floor")
    return await network.examine(config, Clock(floor_ms=floor.load()))
