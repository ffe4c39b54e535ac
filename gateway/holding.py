"""Events in memory while the disk takes none: the most important of them, in their order."""

from collections import Counter, deque
from heapq import merge
from itertools import count, islice
from operator import itemgetter

from gateway.events import Draft, Kind

_CLASSES = 4


def importance(event: Draft) -> int:
    """What must give way first when there is no room for all: 0 before 1 before 2 before 3.

    Equipment, then people, then doors, then alarms: people are seen again at the next gate, and a
    device's state is sent anew with every connection; who opened a sealed door is not told twice.
    """
    if event.alarm:
        return 3
    return {Kind.DEVICE: 0, Kind.DOOR: 2}.get(event.kind, 1)


class Holding:
    """A bounded queue in which a newcomer displaces the oldest of the least important."""

    ROOM = 2000
    """Events; 4 MB of memory, and an hour at a busy gate."""

    def __init__(self, room: int = ROOM) -> None:
        self.lost: Counter[Kind] = Counter()
        """What has been displaced since the start, by kind."""
        self._told = 0
        self._room = room
        self._order = count()
        self._classes: list[deque[tuple[int, Draft]]] = [deque() for _ in range(_CLASSES)]

    def __len__(self) -> int:
        return sum(map(len, self._classes))

    @property
    def lost_since_told(self) -> int:
        """How many have been displaced since `told`."""
        return self.lost.total() - self._told

    def told(self) -> None:
        """What has been displaced up to now is known to the centre."""
        self._told = self.lost.total()

    def put(self, event: Draft) -> None:
        """Take `event` in; there is always room for it or something less important."""
        self._classes[importance(event)].append((next(self._order), event))
        if len(self) > self._room:
            _, displaced = next(each for each in self._classes if each).popleft()
            self.lost[displaced.kind] += 1

    def oldest(self, most: int) -> list[Draft]:
        """The first `most` events in the order in which they came."""
        return [event for _, event in self._first(most)]

    def remove_oldest(self, number: int) -> None:
        """Let go of the first `number` events: they are recorded."""
        gone = {order for order, _ in self._first(number)}
        for each in self._classes:
            while each and each[0][0] in gone:
                each.popleft()

    def _first(self, number: int) -> list[tuple[int, Draft]]:
        return list(islice(merge(*self._classes, key=itemgetter(0)), number))
