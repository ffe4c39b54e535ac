"""What was counted, in words for the technician."""

from drivers.counters import Counters


def test_only_what_happened_is_told() -> None:
    counters = Counters()
    counters.online()
    assert str(counters) == "no bad frame"

    counters.bad_checksum = 3
    counters.timeout = 1
    assert str(counters) == "3 with a wrong sum, 1 without an answer"


def test_coming_for_the_first_time_is_no_reconnection() -> None:
    counters = Counters()
    seen = []
    for _ in range(3):
        counters.online()
        seen.append(counters.reconnect)

    assert seen == [0, 1, 2]
    assert str(counters) == "2 reconnected"


def test_what_speaks_for_a_bad_line() -> None:
    counters = Counters(bad_checksum=1, resync=2, damaged=4, unknown=8, timeout=16)

    assert counters.bad == 23
    assert counters.told()["damaged"] == 4
