"""Events a second through all of a gate's decisions: a day of the largest gate, replayed."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from time import process_time
from zoneinfo import ZoneInfo

from gateway.checkpoint.checkpoint import Checkpoint
from gateway.checkpoint.machine import Machine, Recorded
from gateway.checkpoint.policy import BUILT_IN
from gateway.checkpoint.rota import Shift
from gateway.clock import Stamp
from gateway.conduct.decider import recorded
from gateway.conduct.machines import machines
from gateway.configfile import Source, understand
from gateway.events import Draft, encode
from gateway.journal.following import Followed
from gateway.journal.rows import Row
from gateway.simulate.day import day
from gateway.simulate.profiles import PROFILES, Profile
from gateway.simulate.replay import Replay, drafts
from gateway.simulate.site import stanzas
from tests.bench.figures import Figure, Settings, at_least, at_most

_ZONE = ZoneInfo("Asia/Shanghai")
_MIDNIGHT = datetime(2026, 3, 18, tzinfo=_ZONE)
_BESIDES = """\
duty.posts.front = { at = "scanner-in-1" }
duty.posts.back = { at = "scanner-out-1" }
devices.homes = { driver = "modbus_io", port = "dev/homes", doors = { \
home-1 = { input = 0, role = "home" }, home-2 = { input = 1, role = "home" }, \
home-3 = { input = 2, role = "home" }, yard = { input = 3, role = "sealed" } } }
"""
"""Beside its lanes and their doors."""
_ROTA = tuple(
    Shift(name, post, begins * 60, 8 * 60, frozenset({f"{post}-{name}"}))
    for post in ("front", "back")
    for name, begins in (("early", 6), ("late", 14), ("night", 22))
)


def run(settings: Settings) -> Iterator[Figure]:
    """All decisions, with and without reading their events, beside reading these alone."""
    profile = PROFILES["small" if settings.quick else "very-large"]
    rows = recorded_day(profile)
    events = list(filter(None, map(recorded, rows)))
    reading_s = _cpu_s(lambda: [recorded(each) for each in rows])
    decisions = Checkpoint(parts(profile))
    deciding_s = _cpu_s(lambda: [decisions.take(each) for each in events])
    count, beside = len(rows), "reading the events alone"
    limit = count / reading_s
    yield Figure(
        "decisions, events of a day", count / deciding_s, "/s CPU", limit, beside, [_REACH]
    )
    yield Figure(
        "the same, read from rows", count / (reading_s + deciding_s), "/s CPU", limit, beside
    )
    kilobytes = sum(map(len, decisions.saved().values())) / 1000
    yield Figure("what is remembered after it", kilobytes, "kB", reach=[at_most(2000)])


_REACH = at_least(100_000)


def parts(profile: Profile) -> dict[str, Machine]:
    """All machines of such a gate."""
    text = _BESIDES + stanzas(profile, broker_port=1883)
    config = understand(Source(Path("gate.toml"), text.encode()))
    return machines(config, BUILT_IN, _ROTA, _ZONE, {})


def _cpu_s(work: Callable[[], object]) -> float:
    """Seconds of processor time."""
    started = process_time()
    work()
    return process_time() - started


def recorded_day(profile: Profile) -> list[Followed]:
    """What the journal of that day holds, the gate's own decisions among it."""
    replay = Replay(Checkpoint(parts(profile)))
    replay.run(drafts(day(profile, 1), _MIDNIGHT))
    return [_row(each) for each in replay.recorded]


def _row(event: Recorded) -> Followed:
    at: Stamp = event.at
    draft = Draft(event.kind, event.subject, at, event.data, False, event.correlation)
    body = encode(
        draft, source="/gateways/gate", epoch="simulate", seq=event.seq, recorded_ms=at.wall_ms
    )
    return Followed(
        at.boot, Row(event.seq, event.kind, False, at.mono_ns // 1_000_000, at.wall_ms, body)
    )
