"""One person, one scan: when a code in the picture is new."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from drivers.presence import Presence

GONE_S = 2.0


def test_a_code_is_new_once_while_it_is_held_up() -> None:
    presence = Presence(GONE_S)

    told = [presence.look([b"a"], tick / 10) for tick in range(100)]

    assert told == [[b"a"]] + [[]] * 99


def test_a_code_that_flickers_is_no_crowd() -> None:
    presence = Presence(GONE_S)

    told = [presence.look([b"a"], at_s) for at_s in (0.0, 1.9, 3.8, 5.7)]

    assert told == [[b"a"], [], [], []]


def test_the_same_code_after_the_pause_is_the_next_person() -> None:
    presence = Presence(GONE_S)

    told = [presence.look([b"a"], at_s) for at_s in (0.0, 1.0, 3.0)]

    assert told == [[b"a"], [], [b"a"]]


def test_codes_that_alternate_are_each_told_once() -> None:
    presence = Presence(GONE_S)

    told = [presence.look([content], tick / 10) for tick, content in enumerate([b"a", b"b"] * 50)]

    assert told == [[b"a"], [b"b"]] + [[]] * 98


def test_several_codes_in_one_picture() -> None:
    presence = Presence(GONE_S)

    assert presence.look([b"a", b"b"], 0.0) == [b"a", b"b"]
    assert presence.look([b"b", b"c", b"a"], 0.1) == [b"c"]


def test_one_code_twice_in_one_picture_is_one_code() -> None:
    assert Presence(GONE_S).look([b"a", b"a"], 0.0) == [b"a"]


def test_a_code_outside_of_which_others_come_and_go_stays_known() -> None:
    presence = Presence(GONE_S)
    presence.look([b"stays"], 0.0)

    for tick in range(1, 100):
        assert presence.look([b"stays", b"%d" % tick], tick / 10) == [b"%d" % tick]


def test_memory_is_bounded_and_the_longest_unseen_goes_first() -> None:
    presence = Presence(3600)
    flood = [b"%d" % number for number in range(Presence.MOST + 1)]

    assert presence.look(flood, 0.0) == flood
    assert presence.look(flood[1:], 1.0) == []
    assert presence.look(flood[:1], 2.0) == flood[:1]


looks = st.lists(st.tuples(st.floats(0, 3), st.sets(st.sampled_from([b"a", b"b", b"c"]))))


@given(looks)
def test_new_means_not_seen_within_the_pause(looks: list[tuple[float, set[bytes]]]) -> None:
    presence = Presence(GONE_S)
    last_s: dict[bytes, float] = {}
    times_s = itertools.accumulate(pause_s for pause_s, _ in looks)

    for now_s, (_, contents) in zip(times_s, looks, strict=True):
        expected = {each for each in contents if now_s - last_s.get(each, -10.0) >= GONE_S}
        assert set(presence.look(contents, now_s)) == expected
        last_s |= dict.fromkeys(contents, now_s)
