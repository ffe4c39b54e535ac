"""Ranges against a plain set of numbers."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.ranges import Ranges, runs

numbers = st.integers(1, 60)
steps = st.lists(st.tuples(st.booleans(), numbers, numbers), max_size=40)


@given(steps)
def test_ranges_are_a_set_of_numbers(changes: list[tuple[bool, int, int]]) -> None:
    ranges, plain = Ranges(), set[int]()
    for add, first, last in changes:
        if add:
            ranges.add(first, last)
            plain |= set(range(first, last + 1))
        else:
            ranges.remove(first, last)
            plain -= set(range(first, last + 1))
    assert {n for first, last in ranges for n in range(first, last + 1)} == plain
    assert list(ranges) == list(runs(sorted(plain)))
    assert [n in ranges for n in range(62)] == [n in plain for n in range(62)]
    assert ranges.last == max(plain, default=0)
    assert set(range(1, ranges.upto + 1)) <= plain
    assert ranges.upto + 1 not in plain
    assert bool(ranges) == bool(plain)


@given(st.sets(numbers), st.integers(0, 70), st.integers(0, 70))
def test_gaps_are_what_is_missing(some: set[int], after: int, upto: int) -> None:
    gaps = list(Ranges.of((n, n) for n in some).gaps(after, upto))
    missing = {n for first, last in gaps for n in range(first, last + 1)}
    assert missing == set(range(after + 1, upto + 1)) - some
    assert gaps == list(runs(sorted(missing)))


@given(st.sets(numbers), numbers, numbers)
def test_what_is_added_swallows_what_it_touches(some: set[int], first: int, last: int) -> None:
    ranges = Ranges.of((n, n) for n in some)
    before = list(ranges)
    swallowed = ranges.add(first, last)
    assert [each for each in before if each not in swallowed] == [
        each for each in ranges if each in before and each not in swallowed
    ]
    assert all(start <= last + 1 and end >= first - 1 for start, end in swallowed)


@given(st.sets(numbers))
def test_runs_cover_exactly_the_numbers(some: set[int]) -> None:
    found = list(runs(sorted(some)))
    assert {n for first, last in found for n in range(first, last + 1)} == some
    assert all(second[0] > first[1] + 1 for first, second in pairwise(found))


def test_the_first_range() -> None:
    assert Ranges.of([(5, 7), (1, 2), (3, 3)]).first == (1, 3)
