"""`simulate`: plays a day, tells how it goes, and what has come of it."""

import argparse
import asyncio
import json
import logging
import signal
import socket
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from gateway import configfile
from gateway.config import Config
from gateway.holders.wallet import Wallet
from gateway.simulate.audit import Outcome
from gateway.simulate.course import Course, Result, trust_of
from gateway.simulate.day import DAY_S, Day, day
from gateway.simulate.pace import Anchor, Pace, PacedLoop
from gateway.simulate.profiles import PROFILES
from gateway.simulate.site import stanzas

_BEFORE_S: Final = 60.0
"""So long before the first people come the box is switched on."""
_TELL_S: Final = 5.0
_PLACE: Final = "410102/011/003"


def run(chosen: argparse.Namespace) -> int:
    """Play the chosen day; 0 if everything was decided and has arrived as it has to, else 1.

    Raises:
        GatewayError: it cannot start, or the gateway has ended.
    """
    logging.getLogger().addHandler(logging.NullHandler())  # the centre's remarks about outages
    from_s, to_s = (hours * 3600 for hours in chosen.hours)
    played = day(PROFILES[chosen.profile], chosen.seed).between(from_s, to_s)
    pace = Pace(Anchor(time.monotonic(), from_s - _BEFORE_S, 1.0))
    with (
        tempfile.TemporaryDirectory(prefix="checkpoint-simulate-") as name,
        asyncio.Runner(loop_factory=lambda: PacedLoop(pace)) as runner,
    ):
        result = runner.run(_play(chosen, played, pace, Path(name), to_s))
    told = _told(chosen, result)
    print(json.dumps(told) if chosen.json else _written(told))
    return 0 if result.is_clean else 1


async def _play(
    chosen: argparse.Namespace, played: Day, pace: Pace, directory: Path, to_s: float
) -> Result:
    file = directory / "gateway.toml"
    file.write_text(stanzas(played.profile, _free_port()))
    config = configfile.load(file)
    midnight = _last_midnight(config)
    wallet = Wallet(played.seed, round(midnight.timestamp()), _PLACE)
    (directory / "passes.json").write_text(trust_of(played, wallet))
    course = Course(played, config, file, directory, wallet, pace, chosen.speed, midnight=midnight)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, course.stop.set)
    telling = asyncio.create_task(_tell(course, pace, chosen.seconds), name="screen")
    try:
        return await course.run(to_s)
    finally:
        telling.cancel()
        await asyncio.wait([telling])


def _free_port() -> int:
    """For the broker; several simulations may run beside one another."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _last_midnight(config: Config) -> datetime:
    """Of yesterday: no event comes from the future."""
    zone = ZoneInfo(config.gateway.timezone)
    now = datetime.now(UTC).astimezone(zone)
    return now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)


async def _tell(course: Course, pace: Pace, seconds: float | None) -> None:
    began = time.monotonic()
    while True:
        await pace.really(_TELL_S)
        if seconds is not None and time.monotonic() - began >= seconds:
            course.stop.set()
        health = course.health
        waiting = health.journal.waiting if health else 0
        link = "online" if health and health.link.online else "offline"
        counts = course.account.by_kind
        print(
            f"{_clock(pace.now())}  {counts['passage']} passages, {counts.total()} events have"
            f" arrived, {waiting} wait, link {link}",
            file=sys.stderr,
        )


def _clock(at_s: float) -> str:
    minutes, seconds = divmod(round(at_s % DAY_S), 60)
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}:{seconds:02d}"


def _told(chosen: argparse.Namespace, result: Result) -> dict[str, Any]:
    audit, summary = result.audit, result.summary
    return {
        "profile": chosen.profile,
        "seed": chosen.seed,
        "people": result.people,
        "passages_expected": audit.decided - audit.unexpected.total() + audit.missing.total(),
        "passages_recorded": audit.decided,
        "passages_missing": [_outcome(each) for each in audit.missing.elements()],
        "passages_unexpected": [_outcome(each) for each in audit.unexpected.elements()],
        "went_through_expected": audit.taken[0],
        "went_through_recorded": audit.taken[1],
        "turned_back_expected": audit.turned[0],
        "turned_back_recorded": audit.turned[1],
        "doors_not_released": result.unreleased,
        "events_recorded": summary.recorded,
        "events_received": summary.received,
        "events_missing": summary.missing,
        "events_twice": summary.duplicates,
        "by_kind": summary.by_kind,
        "reports": [{"name": each.name, "counts": each.counts} for each in result.reports],
        "speed": round(result.speed, 1),
        "simulated_s": round(result.simulated_s),
        "real_s": round(result.real_s, 1),
        "latest_s": result.slip_s,
    }


def _outcome(outcome: Outcome) -> str:
    return " ".join(
        str(each)
        for each in (outcome.lane, outcome.decision, outcome.reason, outcome.class_)
        if each
    )


def _written(told: dict[str, Any]) -> str:
    return "\n".join(f"{name.replace('_', ' '):<24}{value}" for name, value in told.items())
