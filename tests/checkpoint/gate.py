"""A gate for tests of decisions: its journal is a list, and its time goes as the test says."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from msgspec import Raw, Struct

from gateway.checkpoint.checkpoint import Checkpoint, restored
from gateway.checkpoint.identity import Identity, identity
from gateway.checkpoint.machine import Deeds, Machine, Recorded
from gateway.clock import Stamp, TimeQuality
from gateway.events import DATA_OF, AlarmData, Data, Draft

SHANGHAI = ZoneInfo("Asia/Shanghai")
KINDS = {of: kind for kind, of in DATA_OF.items()}

ASKED_EVERY_NS = 600 * 10**9
"""The gateway asks so often at least."""

S = TypeVar("S", bound=Struct)
D = TypeVar("D", bound=Data)

Saved = Mapping[str, Raw]
Build = Callable[[Saved], Mapping[str, Machine]]
"""Machines by name, with what they remembered."""


def local(text: str) -> int:
    """Milliseconds since 1970 of a local time as `2026-03-18 08:00`."""
    return round(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp() * 1000)


def state(of: type[S], saved: Saved, name: str) -> S:
    """What the machine `name` remembered, or nothing yet."""
    return restored(of, saved, name) or of()


class Gate:
    """Machines and the journal they follow; what they draft is recorded, and comes back."""

    def __init__(
        self, build: Build, start: str = "2026-03-18 08:00", *, keeps: bool = True
    ) -> None:
        self.now = Stamp(local(start), TimeQuality.SYNC, "boot-1", 10**9)
        self.build = build
        self.keeps = keeps
        """Whether it keeps by itself what the machines remember, every ten minutes."""
        self.records: list[Recorded] = []
        self.done: list[Deeds] = []
        """What was decided besides events."""
        self._checkpoint = Checkpoint(build({}))
        self._kept: tuple[int, Saved] = (0, {})

    # ── what happens ──

    def tell(
        self, data: Data, subject: str = "gateway", correlation: str | None = None
    ) -> Recorded:
        """Something is recorded now; everything that follows from it, too."""
        event = self._append(Draft(KINDS[type(data)], subject, self.now, data, False, correlation))
        self.take(event)
        return event

    def take(self, event: Recorded) -> None:
        """Have the machines take an event in, and record what follows from it."""
        self.done += self._checkpoint.take(event)
        self._settle()

    def wait(self, seconds: float, steps: Iterable[float] = ()) -> None:
        """Let time go by; the machines are asked when they want to be, and after `steps`, too."""
        begin, end = self.now.mono_ns, self.now.mono_ns + round(seconds * 1e9)
        asked = {end, *range(begin, end, ASKED_EVERY_NS)}
        asked |= {begin + round(each * 1e9) for each in steps}
        for at_ns in sorted(each for each in asked if each <= end):
            while (due := self._due()) is not None and self._after(due).mono_ns <= at_ns:
                # To the next millisecond, as the clock goes that stamps are taken from.
                self.now = self._after(max(due, 0.001))
                self._ask()
            self.now = self._after((at_ns - self.now.mono_ns) / 1e9)
            self._ask()
            if self.keeps and (at_ns - begin) % ASKED_EVERY_NS == 0:
                self.keep()

    def set_clock(self, wall_ms: int, quality: TimeQuality = TimeQuality.SYNC) -> None:
        """Somebody sets the clock; the monotonic one does not care."""
        self.now = Stamp(wall_ms, quality, self.now.boot, self.now.mono_ns)

    def boot(self, off_s: float, quality: TimeQuality = TimeQuality.SYNC) -> None:
        """The power goes, and comes back after so long; what was not kept is gone."""
        number = int(self.now.boot.rpartition("-")[2]) + 1
        later = self.now.wall_ms + round(off_s * 1000)
        self.now = Stamp(later, quality, f"boot-{number}", 10**9)
        self.restart()

    def keep(self) -> None:
        """Keep what the machines remember."""
        self._kept = len(self.records), self._checkpoint.saved()

    def restart(self) -> None:
        """Begin anew with what was kept, and with the records since then."""
        after, saved = self._kept
        self._checkpoint = Checkpoint(self.build(saved))
        for event in self.records[after:]:
            self._checkpoint.take(event)
        self._settle()
        self._ask()

    # ── what came of it ──

    def told(self, of: type[D]) -> list[D]:
        """What the events of one kind say, in order."""
        return [each.data for each in self.records if isinstance(each.data, of)]

    @property
    def alarms(self) -> list[str]:
        """Alarms, as `door-forced raised`."""
        return [f"{each.alarm} {each.state}" for each in self.told(AlarmData)]

    @property
    def decided(self) -> list[Identity]:
        """All events, as far as they do not depend on the order of recording."""
        return [
            identity(each.kind, each.subject, each.correlation, each.data) for each in self.records
        ]

    # ── how ──

    def _due(self) -> float | None:
        return self._checkpoint.due(self.now)

    def _after(self, seconds: float) -> Stamp:
        return self.now.earlier(-seconds)

    def _ask(self) -> None:
        self.done += self._checkpoint.advance(self.now)
        self._settle()

    def _settle(self) -> None:
        """Record what is pending, and what follows from that."""
        while drafts := list(self._checkpoint.pending.values()):
            recorded = [self._append(each) for each in drafts]
            self._checkpoint.pending.clear()
            for each in recorded:
                self.done += self._checkpoint.take(each)

    def _append(self, draft: Draft) -> Recorded:
        seq = len(self.records) + 1
        event = Recorded(
            seq, f"k3f9x2m7-{seq}", draft.kind, draft.subject, draft.stamp, draft.data,
            draft.correlation,
        )  # fmt: skip
        self.records.append(event)
        return event
