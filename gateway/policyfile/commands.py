"""Carries out `checkpoint-gateway policy …`: what is wrong with one, and what it would change."""

import argparse
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from msgspec import to_builtins

from gateway import configfile
from gateway.checkpoint.judging import Subject
from gateway.checkpoint.machine import Recorded
from gateway.checkpoint.passages import LaneSettings
from gateway.checkpoint.policy import compiled
from gateway.conduct.decider import recorded
from gateway.configfile.policies import load, read
from gateway.errors import GatewayError
from gateway.events import Class, Direction, PassageData
from gateway.inspect import look
from gateway.policyfile.trial import Comparison, Difference, Told, Trial

_TOKEN_SHOWN = 8
"""Characters of a pseudonym; as many as tell people of a day apart."""


def run(chosen: argparse.Namespace) -> int:
    """Do what was `chosen`; the exit code.

    Raises:
        GatewayError: it cannot be done, in one sentence.
    """
    if chosen.asked == "check":
        return _check(chosen.file, as_json=chosen.json)
    return _try(chosen.file, chosen.gate, chosen.day, as_json=chosen.json)


def _check(file: Path, *, as_json: bool) -> int:
    document, version = read(file)
    if as_json:
        body = document.model_dump(mode="json", by_alias=True, exclude_unset=True)
        print(json.dumps(body, ensure_ascii=False, indent=2))
        return 0
    print(f"{file}: no mistakes found")
    print(f"  version  {compiled(document, version).version}")
    for notice in document.notices():
        print(f"  note     {notice}")
    return 0


def _try(file: Path, gate: Path, day: date | None, *, as_json: bool) -> int:
    policy = load(file)
    journal, zone, lanes = _gate(gate)
    comparison = Trial(policy, lanes, zone, day or _last_day(journal, zone)).run(_events(journal))
    if as_json:
        print(json.dumps(to_builtins(comparison), ensure_ascii=False))
    else:
        _show(comparison, zone)
    return 0


def _gate(file: Path) -> tuple[Path, tzinfo, dict[str, LaneSettings]]:
    """The journal, whose local time, and the lanes: as configured, else as they are recorded."""
    if file.suffix != ".toml":
        return file, ZoneInfo("Asia/Shanghai"), _lanes(file)
    config = configfile.load(file)
    lanes = {
        name: LaneSettings(
            direction=Direction(each.direction),
            subject=Subject(each.subject),
            asks=config.passes.resolver is not None,
            window_s=each.window_s,
        )
        for name, each in config.lanes.items()
    }
    return config.gateway.state_dir / config.journal.file, ZoneInfo(config.gateway.timezone), lanes


def _lanes(journal: Path) -> dict[str, LaneSettings]:
    found: dict[str, LaneSettings] = {}
    for event in _events(journal):
        data = event.data
        if isinstance(data, PassageData) and data.lane not in found:
            vehicle = data.class_ is Class.VEHICLE and data.decision == "granted"
            subject = Subject.VEHICLE if vehicle else Subject.PERSON
            found[data.lane] = LaneSettings(direction=data.direction, subject=subject)
    return found


def _events(journal: Path) -> Iterator[Recorded]:
    return filter(None, map(recorded, look.followed(journal)))


def _last_day(journal: Path, zone: tzinfo) -> date:
    figures = look.stats(journal)
    if figures.last_wall_ms is None:
        raise GatewayError(f"{journal}: nothing is recorded yet")
    return datetime.fromtimestamp(figures.last_wall_ms / 1000, zone).date()


def _show(comparison: Comparison, zone: tzinfo) -> None:
    print(f"{comparison.day}: as it was recorded, and by policy {comparison.policy}")
    names = sorted({**comparison.before, **comparison.after}, key=lambda each: (":" in each, each))
    width = max(map(len, names))
    for name in names:
        before, after = comparison.before.get(name, 0), comparison.after.get(name, 0)
        print(f"  {name:<{width}}  {before:>7,} → {after:>7,}{_change(after - before)}")
    print(f"would differ: {len(comparison.differences):,}")
    for each in comparison.differences:
        print(_line(each, zone))


def _change(by: int) -> str:
    return f"  ({by:+,})" if by else ""


def _line(each: Difference, zone: tzinfo) -> str:
    at = datetime.fromtimestamp(each.at_ms / 1000, UTC).astimezone(zone)
    who = (each.token or "nobody known")[:_TOKEN_SHOWN]
    change = f"{_words(each.before)} → {_words(each.after)}"
    return f"  {at:%H:%M:%S}  {each.lane:<8}  {who:<{_TOKEN_SHOWN}}  {change}  {each.why}".rstrip()


def _words(told: Told | None) -> str:
    if told is None:
        return "no passage"
    by = " by override" if told.by.startswith("override:") else ""
    return f"{told.decision}{f' ({told.reason})' if told.reason and not by else ''}{by}"
