"""What is held in memory keeps its order and its bounds, and loses the least important."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from drivers.base import DeviceState
from gateway.clock import Clock
from gateway.events import DeviceData, Draft, Kind
from gateway.holding import Holding, importance

STAMP = Clock().now()
DATA = DeviceData(device="d", driver="d", state=DeviceState.LOST, reason=None, measured=None)
EVENTS = st.lists(
    st.builds(
        lambda kind, alarm: Draft(kind, "lane/in-1", STAMP, DATA, alarm),
        st.sampled_from([Kind.DEVICE, Kind.SCAN, Kind.TEMPERATURE, Kind.DOOR]),
        st.booleans(),
    ),
    max_size=40,
)


@given(EVENTS, st.integers(1, 10))
def test_the_most_important_stay_and_the_rest_is_counted(events: list[Draft], room: int) -> None:
    holding = Holding(room)
    for event in events:
        holding.put(event)
    kept = holding.oldest(room + 1)
    assert len(kept) == len(holding) == min(room, len(events))
    expected = sorted(map(importance, events), reverse=True)[:room]
    assert sorted(map(importance, kept), reverse=True) == expected
    assert holding.lost + Counter(each.kind for each in kept) == Counter(
        each.kind for each in events
    )
    places = [next(i for i, each in enumerate(events) if each is one) for one in kept]
    assert places == sorted(places)


@given(EVENTS, st.integers(0, 50))
def test_the_oldest_leave_first(events: list[Draft], number: int) -> None:
    holding = Holding()
    for event in events:
        holding.put(event)
    holding.remove_oldest(number)
    assert holding.oldest(99) == events[number:]


def test_what_has_been_told_is_not_told_again() -> None:
    holding = Holding(1)
    for _ in range(3):
        holding.put(Draft(Kind.SCAN, "lane/in-1", STAMP, DATA))
    assert holding.lost_since_told == 2
    holding.told()
    holding.put(Draft(Kind.DOOR, "door/1", STAMP, DATA))
    assert (holding.lost_since_told, holding.lost.total()) == (1, 3)
