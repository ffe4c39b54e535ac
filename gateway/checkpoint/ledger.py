"""What has been counted since the last report of a kind, and the chain that the reports make."""

import hashlib
from functools import lru_cache

from msgspec import Struct, field

from gateway.checkpoint.machine import Recorded
from gateway.checkpoint.tally import TOLD
from gateway.clock import Stamp, TimeQuality, rfc3339
from gateway.events import Period, ReportData, event_id

_WORSE = list(TimeQuality)
"""From the best to the worst."""


class Ledger(Struct):
    """Counts every event once, whenever the report about it is made, and by whichever life."""

    epoch: str = ""
    first: int | None = None
    last: int | None = None
    seen: int = 0
    """The last number, be it counted here or in the report before."""
    counts: dict[str, int] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    chain: str = ""
    since_ms: int | None = None
    clock: TimeQuality = TimeQuality.SYNC
    boot: str = ""
    begun_ns: int = 0
    """When this boot was first heard of in this period."""
    heard_ns: int = 0
    up_ns: int = 0
    """How long former boots of this period were at work."""
    made: ReportData | None = None
    """The report that has been made and is not known to be recorded."""

    def count(self, event: Recorded, names: list[str], missing: list[str]) -> None:
        """Count `event`, unless that has been done."""
        epoch = event.id.rpartition("-")[0]
        if epoch != self.epoch:  # a new journal; what is left of the old one it has declared itself
            self.epoch, self.seen, self.made = epoch, 0, None
            self._clear()
        if event.seq <= self.seen:
            return
        self.first = event.seq if self.first is None else self.first
        self.last = self.seen = event.seq
        self.chain = _linked(self.chain, event.id)
        _add(self.counts, names)
        _add(self.missing, missing)
        self._hear(event.at)

    def report(self, period: Period, name: str, at: Stamp, late_s: int | None) -> ReportData:
        """Make the report of what was counted up to now, and begin anew."""
        self._hear(at)
        self.made = ReportData(
            period=period,
            name=name,
            zero=not any(self.counts.get(each) for each in TOLD),
            counts=dict(sorted(self.counts.items())),
            missing=dict(sorted(self.missing.items())),
            first=self.first,
            last=self.last,
            since=rfc3339(at.wall_ms if self.since_ms is None else self.since_ms),
            uptime_s=(self.up_ns + self.heard_ns - self.begun_ns) // 10**9,
            late_s=late_s,
            chain=self.chain,
            clock=self.clock,
        )
        self._clear()
        self._begin(at)
        return self.made

    def recorded(self, data: ReportData, at: Stamp) -> None:
        """A report has been recorded: it counts what it says, and the next all the rest.

        In this life it may have been made later than in the one that recorded it, or not yet:
        what the record does not count is the difference.
        """
        made = self.made
        if made is not None and made.name != data.name:
            return  # an older one, which was long on its way
        self.made = None
        if made is None:
            self._begin(at)
        else:
            self.first = made.first or self.first
            self.counts, self.missing = (
                _sum(self.counts, made.counts),
                _sum(self.missing, made.missing),
            )
        if self.first is None or (data.last is not None and data.last < self.first):
            return
        if data.first not in (self.first, None):  # what was before is forgotten, and counted there
            self._clear()
            self.chain = data.chain
            return
        self.counts = _sum(self.counts, data.counts, -1)
        self.missing = _sum(self.missing, data.missing, -1)
        left = range(self.first if data.last is None else data.last + 1, self.seen + 1)
        self.first, self.last = (left[0], left[-1]) if left else (None, None)
        self.chain = data.chain
        for seq in left:
            self.chain = _linked(self.chain, event_id(self.epoch, seq))

    def _begin(self, at: Stamp) -> None:
        self._hear(at)
        self.since_ms, self.clock = at.wall_ms, at.quality
        self.begun_ns, self.up_ns = self.heard_ns, 0

    def _clear(self) -> None:
        self.first = self.last = None
        self.counts, self.missing = {}, {}

    def _hear(self, at: Stamp) -> None:
        if at.boot != self.boot:
            self.up_ns += self.heard_ns - self.begun_ns
            self.boot, self.begun_ns, self.heard_ns = at.boot, at.mono_ns, at.mono_ns
        self.heard_ns = max(self.heard_ns, at.mono_ns)
        if self.since_ms is None:
            self.since_ms, self.clock = at.wall_ms, at.quality
        if at.quality is not self.clock:
            self.clock = max(self.clock, at.quality, key=_WORSE.index)


@lru_cache(maxsize=4)  # the chains of all periods are links of the same
def _linked(chain: str, event: str) -> str:
    return hashlib.sha256(f"{chain} {event}".encode()).hexdigest()


def _add(counts: dict[str, int], names: list[str]) -> None:
    for each in names:
        counts[each] = counts.get(each, 0) + 1


def _sum(counts: dict[str, int], others: dict[str, int], times: int = 1) -> dict[str, int]:
    names = counts.keys() | others.keys()
    total = {each: counts.get(each, 0) + times * others.get(each, 0) for each in names}
    return {name: number for name, number in total.items() if number > 0}
