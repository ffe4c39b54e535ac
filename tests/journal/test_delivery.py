"""Delivery behaves like a set of numbers, whatever the order they come in."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.journal import Delivery

TOP = 40
RANGES = st.tuples(st.integers(1, TOP), st.integers(0, 8)).map(lambda it: (it[0], sum(it)))


def held(ranges: list[tuple[int, int]]) -> set[int]:
    return {seq for first, last in ranges for seq in range(first, last + 1)}


@given(st.lists(RANGES))
def test_it_is_a_set(confirmations: list[tuple[int, int]]) -> None:
    delivery, model = Delivery(), set[int]()
    for first, last in confirmations:
        new = set(range(first, last + 1)) - model
        assert delivery.confirm(first, last) == len(new)
        model |= new
        assert delivery.count == len(model)
    assert {seq for seq in range(TOP + 20) if delivery.is_confirmed(seq)} == model
    assert held([(1, delivery.upto), *delivery.beyond]) == model
    assert delivery.upto + 1 not in model


@given(st.lists(RANGES))
def test_its_ranges_ascend_and_never_touch(confirmations: list[tuple[int, int]]) -> None:
    delivery = Delivery()
    for first, last in confirmations:
        delivery.confirm(first, last)
    end = delivery.upto
    for first, last in delivery.beyond:
        assert end + 1 < first <= last
        end = last


@given(st.lists(RANGES), st.integers(0, TOP), st.integers(0, TOP + 20))
def test_gaps_are_what_is_missing(
    confirmations: list[tuple[int, int]], after: int, upto: int
) -> None:
    delivery = Delivery()
    for first, last in confirmations:
        delivery.confirm(first, last)
    gaps = list(delivery.gaps(after, upto))
    assert held(gaps) == set(range(after + 1, upto + 1)) - held(confirmations)
    assert gaps == sorted(gaps)
    assert all(first <= last for first, last in gaps)


@given(st.lists(st.lists(RANGES)), st.data())
def test_changes_keep_a_stored_copy_true(
    rounds: list[list[tuple[int, int]]], data: st.DataObject
) -> None:
    delivery, stored = Delivery(), dict[int, int]()
    for confirmations in rounds:
        for first, last in confirmations:
            delivery.confirm(first, last)
        changes = delivery.take_changes()
        if data.draw(st.booleans(), label="storing fails"):
            delivery.put_back(changes)
            continue
        stored.update(changes.stored)
        for first in changes.dropped:
            stored.pop(first, None)
    stored.update((changes := delivery.take_changes()).stored)
    for first in changes.dropped:
        stored.pop(first, None)
    assert sorted(stored.items()) == [
        it for it in [(1, delivery.upto), *delivery.beyond] if it[0] <= it[1]
    ]
    assert not delivery.take_changes()


def test_only_the_cursor_has_moved_while_deliveries_come_in_order() -> None:
    delivery = Delivery()
    delivery.confirm(1, 5)
    assert delivery.take_changes().only_cursor
    delivery.confirm(9, 9)
    assert not delivery.take_changes().only_cursor
    delivery.confirm(6, 8)
    assert not delivery.take_changes().only_cursor
    delivery.confirm(10, 12)
    assert delivery.take_changes().only_cursor
