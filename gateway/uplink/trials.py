"""Finds the event over which links are lost. Pure.

MQTT 3.1.1 can refuse a message only by ending the connection, and some brokers of version 5 do the
same. Sent again on every new link, such a message would end them all. So after a lost link one
message at a time goes until it is clear that none of those in flight was at fault; one that is
alone when the next link is lost, too, is held back until everything else has had its turn, and is
then halved and tried alone, until a single event is left.
"""

from collections import deque
from collections.abc import Collection, Sequence

_STRIKES = 3
"""Links lost in a row while it was in flight: then a single event is set aside."""
_CAREFUL_MESSAGES = 64
"""More than any window that was in flight when the link was lost."""


class Trials:
    """What is known of the messages that were in flight when links were lost.

    Events are known by numbers; those of one message are given in ascending order.
    """

    def __init__(self) -> None:
        self._strikes: dict[int, int] = {}
        self._groups: deque[Sequence[int]] = deque()
        self._held: set[int] = set()
        self._careful = 0

    @property
    def careful(self) -> bool:
        """Whether only one message may be in flight."""
        return self._careful > 0

    @property
    def waiting(self) -> bool:
        """Whether something has to be tried alone."""
        return bool(self._groups)

    @property
    def held(self) -> Collection[int]:
        """The events that are held back for a trial."""
        return self._held

    def lost(self, in_flight: Sequence[Sequence[int]]) -> int | None:
        """The link has ended without an answer to these; returns the event proven at fault."""
        numbers = [number for message in in_flight for number in message]
        kept = {each: count for each, count in self._strikes.items() if each in self._held}
        self._strikes = kept | {number: self._strikes.get(number, 0) + 1 for number in numbers}
        self._careful = _CAREFUL_MESSAGES if numbers else 0
        if len(in_flight) != 1:
            return None
        strikes = min(self._strikes[number] for number in numbers)
        if len(numbers) == 1 and strikes >= _STRIKES:
            self.passed(numbers)
            return numbers[0]
        if strikes > 1:
            self.hold(numbers)
        return None

    def retry(self, numbers: Sequence[int]) -> None:
        """Give each of these, found at fault long ago, one more chance."""
        for number in numbers:
            self._strikes[number] = _STRIKES - 1
            self.hold([number])

    def next(self) -> Sequence[int]:
        """What is to be sent alone now: the whole of a group of one, half of a larger one."""
        group = self._groups.popleft()
        half = (len(group) + 1) // 2
        if group[half:]:
            self._groups.appendleft(group[half:])
        return group[:half]

    def passed(self, numbers: Sequence[int]) -> None:
        """The broker has answered the message with these events, or they need not be sent."""
        self._careful = max(0, self._careful - 1)
        if self._strikes:
            for number in numbers:
                self._strikes.pop(number, None)
        if self._held:
            self._held.difference_update(numbers)

    def hold(self, numbers: Sequence[int]) -> None:
        """Keep these back for a trial."""
        self._groups.appendleft(numbers)
        self._held.update(numbers)
