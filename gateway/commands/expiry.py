"""Whether an order still counts, also where the time is not known.

A right clock decides by `issued` and `ttl_s`. A wrong one decides nothing. What is known then:

* it is later than the time floor, so what had expired by then has expired;
* an order that repeats something that this gateway has said is younger than that: the monotonic
  clock tells for how long it can have been on its way;
* what a broker says was left of a message's time; whoever runs the broker can make that up, so it
  opens no door.
"""

import secrets
from collections import OrderedDict

from gateway.clock import Clock, Stamp, TimeQuality
from gateway.commands.order import Order, RefusedError
from gateway.config import Ordered

LONGEST_RELEASE_S = 30
"""Whoever was to be let in has gone then."""
_AHEAD_S = 60.0
"""So far the centre's clock may be ahead of ours."""
_MOST_MARKS = 32


class Marks:
    """What this gateway has said that an order can repeat, and when."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._said: OrderedDict[str, int] = OrderedDict()

    def born(self, epoch: str, session: int) -> None:
        """The birth of this session is about to be said, for the first time or again."""
        self._note(f"{epoch}-{session}")

    def new(self) -> str:
        """One to be said now."""
        mark = secrets.token_hex(8)
        self._note(mark)
        return mark

    def age_s(self, mark: str | None, now: Stamp) -> float | None:
        """For how long it can have been known; None if it was never said, or too long ago."""
        said_ns = self._said.get(mark) if mark else None
        return None if said_ns is None else (now.mono_ns - said_ns) / 1e9

    def _note(self, mark: str) -> None:
        self._said.setdefault(mark, self._clock.now().mono_ns)
        while len(self._said) > _MOST_MARKS:
            self._said.popitem(last=False)


class Expiry:
    """For how long an order counts."""

    def __init__(self, clock: Clock, marks: Marks) -> None:
        self._clock = clock
        self._marks = marks

    def left_s(self, order: Order, expires_s: int | None, arrived: Stamp) -> float:
        """Seconds since it `arrived` in which it may be begun; `expires_s` as the broker told.

        Raises:
            RefusedError: none, or nobody knows.
        """
        if order.command == Ordered.RELEASE and order.ttl_s > LONGEST_RELEASE_S:
            raise RefusedError(400, f"ttl_s of a release is {LONGEST_RELEASE_S} at most")
        if arrived.quality is TimeQuality.UNSYNC:
            left = self._by_what_is_known(order, expires_s, arrived)
        else:
            age_s = (arrived.wall_ms - order.issued_ms) / 1e3
            if age_s < -_AHEAD_S:
                raise RefusedError(400, f"it was issued {-age_s:.0f} s in the future")
            left = min(order.ttl_s, order.ttl_s - age_s)
        if expires_s is not None:
            left = min(left, expires_s)
        if left <= 0:
            raise RefusedError(408, "it has expired")
        return left

    def _by_what_is_known(self, order: Order, expires_s: int | None, arrived: Stamp) -> float:
        if order.issued_ms + order.ttl_s * 1000 < self._clock.floor_ms:
            raise RefusedError(408, "it has expired")
        age_s = self._marks.age_s(order.since, arrived)
        if age_s is not None and age_s < order.ttl_s:
            return order.ttl_s - age_s
        if expires_s is not None and order.command != Ordered.RELEASE:
            return order.ttl_s
        words = "the time is not known here; order it anew, under another id and with this `since`"
        raise RefusedError(408, words, {"since": self._marks.new()})
