"""What is remembered of people, by their pseudonyms: inside or out, to be measured again, slips."""

from datetime import tzinfo
from typing import TypeVar

from msgspec import Struct, field

from gateway.checkpoint.moments import local, sure
from gateway.checkpoint.policy import Policy, Rule
from gateway.checkpoint.reasons import Reason
from gateway.clock import Stamp
from gateway.events import Check, Class, Decision, Direction, PassageData

V = TypeVar("V")

_OUT_FOR_DAYS = 30
"""Who has been away for longer is forgotten: it is no outing any more."""


class Presence(Struct, frozen=True, array_like=True, gc=False):
    """Where somebody went last, when, and how often they went out that day; 140 bytes a person."""

    inside: bool
    wall_ms: int
    sure: bool
    """Whether that time can be relied on."""
    day: int
    outings: int


class Recheck(Struct, frozen=True):
    """Somebody was too warm."""

    count: int
    at: Stamp


class Entries(Struct, frozen=True):
    """All that is remembered of one person; None where nothing is."""

    presence: Presence | None
    recheck: Recheck | None
    slip: int | None


class Memory(Struct):
    """What is remembered of everybody."""

    people: dict[str, Presence] = field(default_factory=dict)
    rechecks: dict[str, Recheck] = field(default_factory=dict)
    slips: dict[str, int] = field(default_factory=dict)
    """Used admission slips, and when they would have ended, in seconds since 1970; 0: never."""
    day: int = 0

    def entries(self, token: str) -> Entries:
        """What is remembered of `token`."""
        return Entries(self.people.get(token), self.rechecks.get(token), self.slips.get(token))

    def restore(self, token: str, former: Entries, since: Stamp) -> None:
        """What was learnt of `token` by the passage at `since` has not happened."""
        present = self.people.get(token)
        if present is None or present.wall_ms == since.wall_ms:
            _put(self.people, token, former.presence)
        _put(self.rechecks, token, former.recheck)
        _put(self.slips, token, former.slip)

    def learn(
        self, passage: PassageData, until: int | None, at: Stamp, policy: Policy, zone: tzinfo
    ) -> None:
        """What a passage means for later ones; `until` is when the pass that was shown ends."""
        token = passage.token
        if token is None:
            return
        granted = passage.decision is Decision.GRANTED
        admitted = granted and passage.direction is Direction.ENTRY
        if passage.class_ is Class.ADMISSION and (admitted or passage.reason == Reason.USED):
            self.slips.setdefault(token, until or 0)
        measured = passage.checks.get("temperature")
        if granted and measured is Check.OK:
            self.rechecks.pop(token, None)
        elif measured is Check.FAILED and passage.reason in (Reason.RE_CHECK, Reason.TEMPERATURE):
            known = self.recheck(token, at, policy)
            self.rechecks[token] = Recheck(known.count + 1 if known else 1, at)
        if granted and passage.class_ in policy.remembered:
            self._moved(token, passage.direction, at, policy, zone)

    def recheck(self, token: str, at: Stamp, policy: Policy) -> Recheck | None:
        """What is known of somebody who was too warm, unless it is long ago."""
        known = self.rechecks.get(token)
        since = elapsed_s(known.at, at) if known else None
        return known if since is None or since < policy.recheck_forget_s else None

    def is_used(self, token: str, former_token: str | None) -> bool:
        """Whether an admission slip has been used; under a former key it had another pseudonym."""
        return token in self.slips or (former_token is not None and former_token in self.slips)

    def comes_twice(self, token: str, at: Stamp, policy: Policy, zone: tzinfo) -> bool | None:
        """Whether somebody who comes in is inside already; None if that cannot be judged."""
        last = self.people.get(token)
        if last is None or not last.inside:
            return False
        if not (last.sure and sure(at)):
            return None
        if at.wall_ms - last.wall_ms >= policy.passback_forget_s * 1000:
            return False
        return not policy.passback_daily or last.day == policy.day(at.wall_ms, zone)

    def outings(self, token: str, day: int) -> int:
        """How often somebody has gone out on this day."""
        last = self.people.get(token)
        return last.outings if last and last.day == day else 0

    def is_late(
        self, token: str, going_out: Rule, at: Stamp, policy: Policy, zone: tzinfo
    ) -> bool | None:
        """Whether somebody who comes in was to be back earlier; None if that cannot be judged."""
        last = self.people.get(token)
        if last is None or last.inside:
            return False
        if not (last.sure and sure(at)):
            return None
        within_min, by = going_out.back_within_min, going_out.back_by
        if within_min is not None and at.wall_ms - last.wall_ms > within_min * 60_000:
            return True
        return by is not None and (
            policy.day(at.wall_ms, zone) != last.day or local(at.wall_ms, zone)[1] > by
        )

    def _moved(
        self, token: str, direction: Direction, at: Stamp, policy: Policy, zone: tzinfo
    ) -> None:
        day = policy.day(at.wall_ms, zone)
        if day > self.day and sure(at):
            self.day = day
            self._forget(at.wall_ms, policy)
        going_in = direction is Direction.ENTRY
        outings = self.outings(token, day) + (not going_in)
        self.people[token] = Presence(going_in, at.wall_ms, sure(at), day, outings)

    def _forget(self, now_ms: int, policy: Policy) -> None:
        """Once a day; whatever no rule can ask for any more."""
        inside_ms = max(policy.passback_forget_s * 1000, 86_400_000)
        for token, each in list(self.people.items()):
            most_ms = inside_ms if each.inside else _OUT_FOR_DAYS * 86_400_000
            if now_ms - each.wall_ms > most_ms:
                del self.people[token]
        for token, until in list(self.slips.items()):
            if 0 < until * 1000 < now_ms:
                del self.slips[token]
        for token, warm in list(self.rechecks.items()):
            if now_ms - warm.at.wall_ms > policy.recheck_forget_s * 1000:
                del self.rechecks[token]


def elapsed_s(since: Stamp, now: Stamp) -> float | None:
    """Seconds from `since` to `now`; None if nobody can tell."""
    if since.boot == now.boot:
        return (now.mono_ns - since.mono_ns) / 1e9
    return (now.wall_ms - since.wall_ms) / 1e3 if sure(since) and sure(now) else None


def _put(into: dict[str, V], token: str, value: V | None) -> None:
    if value is None:
        into.pop(token, None)
    else:
        into[token] = value
