"""Events a second through a gate's decisions: a day of the largest gate, replayed."""

from collections.abc import Callable, Iterator
from datetime import datetime
from time import process_time
from zoneinfo import ZoneInfo

from msgspec.json import Encoder

from gateway.checkpoint.checkpoint import Checkpoint
from gateway.checkpoint.lanes import Lanes
from gateway.checkpoint.machine import Recorded
from gateway.checkpoint.passages import LaneSettings
from gateway.checkpoint.policy import BUILT_IN
from gateway.clock import Stamp
from gateway.decider import recorded
from gateway.events import Direction, Draft, encode
from gateway.journal.following import Followed
from gateway.journal.rows import Row
from gateway.simulate.day import day
from gateway.simulate.profiles import PROFILES, Profile
from gateway.simulate.replay import Replay, drafts
from tests.bench.figures import Figure, Settings, at_least, at_most

_encoder = Encoder()
_ZONE = ZoneInfo("Asia/Shanghai")
_MIDNIGHT = datetime(2026, 3, 18, tzinfo=_ZONE)


def run(settings: Settings) -> Iterator[Figure]:
    """The decisions about passages, beside reading their events out of rows."""
    profile = PROFILES["small" if settings.quick else "very-large"]
    rows = recorded_day(profile)
    decoding_s = seconds(rows, lambda event: None)
    lanes = decisions(profile)
    rate = len(rows) / (seconds(rows, lanes.take) - decoding_s)
    limit, beside = len(rows) / decoding_s, "reading the events alone"
    yield Figure("decisions, events of a day", rate, "/s CPU", limit, beside, [at_least(100_000)])
    kilobytes = len(_encoder.encode(lanes.state)) / 1000
    yield Figure("what is remembered after it", kilobytes, "kB", reach=[at_most(2000)])


def decisions(profile: Profile) -> Lanes:
    """Each lane has a door of its own, by its name."""
    ways = dict.fromkeys(profile.lanes_in, Direction.ENTRY)
    ways |= dict.fromkeys(profile.lanes_out, Direction.EXIT)
    lanes = {
        name: LaneSettings(direction=way, door=name, strike=True) for name, way in ways.items()
    }
    return Lanes(BUILT_IN, lanes, _ZONE)


def seconds(rows: list[Followed], take: Callable[[Recorded], object]) -> float:
    """Of processor time that it takes to read the events out of `rows` and have each taken."""
    started = process_time()
    for event in filter(None, map(recorded, rows)):
        take(event)
    return process_time() - started


def recorded_day(profile: Profile) -> list[Followed]:
    """What the journal of that day holds, the gate's own decisions among it."""
    replay = Replay(Checkpoint({"lanes": decisions(profile)}))
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
