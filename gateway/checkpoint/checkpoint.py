"""All decisions of a gate together: its machines, and what of theirs is not recorded yet."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder, Encoder

from gateway.checkpoint.identity import Identity, identity
from gateway.checkpoint.machine import Deeds, Machine, Outcome, Recorded
from gateway.clock import Stamp
from gateway.events import Draft

M = TypeVar("M", bound=Machine)
S = TypeVar("S", bound=Struct)

_encoder = Encoder()


class Checkpoint:
    """One gate's decisions.

    Whatever is drafted stays in `pending` until it comes back as recorded: a retry and a replay
    end in the same records.
    """

    def __init__(self, machines: Mapping[str, Machine]) -> None:
        self.pending: dict[Identity, Draft] = {}
        """What has been decided and is not known to be recorded, in order."""
        self._machines = machines

    def take(self, event: Recorded) -> list[Deeds]:
        """What follows from `event`, besides what is `pending` after it."""
        done = self.advance(event.at)
        if self.pending:
            key = identity(event.kind, event.subject, event.correlation, event.data)
            self.pending.pop(key, None)
        for machine in self._machines.values():
            if outcomes := machine.take(event):
                done += self._keep(outcomes)
        return done

    def advance(self, now: Stamp) -> list[Deeds]:
        """What has become due up to `now`."""
        outcomes = [each for machine in self._machines.values() for each in machine.advance(now)]
        if not outcomes:  # as at nearly every event
            return []
        outcomes.sort(key=_moment)
        return self._keep(outcomes)

    def due(self, now: Stamp) -> float | None:
        """Seconds from `now` until something happens by itself."""
        times = [machine.due(now) for machine in self._machines.values()]
        return min((each for each in times if each is not None), default=None)

    def machine(self, of: type[M]) -> M | None:
        """The machine of this kind."""
        return next((each for each in self._machines.values() if isinstance(each, of)), None)

    def saved(self) -> dict[str, Raw]:
        """All that the machines remember, by their names."""
        return {name: Raw(_encoder.encode(each.state)) for name, each in self._machines.items()}

    def _keep(self, outcomes: Iterable[Outcome]) -> list[Deeds]:
        others: list[Deeds] = []
        for each in outcomes:
            if isinstance(each, Draft):
                key = identity(each.kind, each.subject, each.correlation, each.data)
                self.pending.setdefault(key, each)
            else:
                others.append(each)
        return others


def _moment(outcome: Outcome) -> int:
    return outcome.stamp.mono_ns if isinstance(outcome, Draft) else outcome.at.mono_ns


def restored(of: type[S], saved: Mapping[str, Raw], name: str) -> S | None:
    """What the machine `name` remembered; None if nothing is known, or nothing that it can read."""
    if name not in saved:
        return None
    try:
        return Decoder(of).decode(saved[name])
    except (DecodeError, UnicodeDecodeError, RecursionError):  # all that damage can bring about
        return None
