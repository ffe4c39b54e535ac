"""The clock never claims more than it knows."""

import pytest

from gateway.clock import Clock, Stamp, TimeQuality, kernel_synchronised, rfc3339

YEAR_S = 365 * 86_400


class Source:
    """A wall clock, a monotonic clock and a time source, all set by hand."""

    def __init__(self) -> None:
        self.wall_ns = 0
        self.mono_ns = 0
        self.synchronised = False

    def passes(self, seconds: float, *, less_ns: int = 0) -> None:
        """Both clocks go on."""
        self.wall_ns += round(seconds * 1e9) - less_ns
        self.mono_ns += round(seconds * 1e9) - less_ns

    def clock(self) -> Clock:
        return Clock(
            wall_ns=lambda: self.wall_ns,
            mono_ns=lambda: self.mono_ns,
            synchronised=lambda: self.synchronised,
            boot="boot-1",
        )


def test_a_clock_that_was_never_right_says_so() -> None:
    assert Source().clock().now() == Stamp(0, TimeQuality.UNSYNC, "boot-1", 0)


def test_a_clock_that_lost_its_source_is_in_holdover() -> None:
    source = Source()
    clock = source.clock()
    source.synchronised = True
    assert clock.now().quality is TimeQuality.SYNC
    source.synchronised = False
    source.passes(Clock.RECHECK_S, less_ns=1)
    assert clock.now().quality is TimeQuality.SYNC, "the source is not asked at every reading"
    source.passes(1e-9)
    assert clock.now().quality is TimeQuality.HOLDOVER


def test_a_step_of_the_wall_clock_does_not_touch_the_monotonic_order() -> None:
    source = Source()
    clock = source.clock()
    source.wall_ns, source.mono_ns = 2_000_000_000_000_000_000, 5
    before = clock.now()
    source.wall_ns, source.mono_ns = 1_000, 6
    after = clock.now()
    assert after.wall_ms < before.wall_ms
    assert after.mono_ns > before.mono_ns


def right_and_alone() -> tuple[Source, Clock]:
    """A clock that was right, and whose source has gone."""
    source = Source()
    source.wall_ns, source.synchronised = 1_800_000_000 * 10**9, True
    clock = source.clock()
    clock.now()
    source.synchronised = False
    source.passes(Clock.RECHECK_S)
    assert clock.now().quality is TimeQuality.HOLDOVER
    return source, clock


@pytest.mark.parametrize("seconds", [-10 * YEAR_S, 400 * 86_400, -2, 2])
def test_a_clock_that_somebody_else_has_set_is_trusted_no_more(seconds: int) -> None:
    source, clock = right_and_alone()
    source.wall_ns += seconds * 10**9
    assert clock.now().quality is TimeQuality.UNSYNC, "at once, not at the next look"
    source.passes(3600)
    assert clock.now().quality is TimeQuality.UNSYNC
    source.synchronised = True
    source.passes(Clock.UNSET_RECHECK_S)
    assert clock.now().quality is TimeQuality.SYNC


def test_a_clock_that_drifts_is_not_set() -> None:
    source, clock = right_and_alone()
    for _ in range(10_000):
        source.passes(Clock.RECHECK_S)
        source.wall_ns += 5_000_000  # 500 ppm, the most that the kernel slews
        assert clock.now().quality is TimeQuality.HOLDOVER


def test_a_step_by_its_source_is_believed_but_not_for_what_cannot_be_undone() -> None:
    source, clock = right_and_alone()
    source.synchronised = True
    source.passes(Clock.RECHECK_S)
    assert clock.steady(3600), "nobody has been seen to set it"
    source.wall_ns += 400 * 86_400 * 10**9
    assert clock.now().quality is TimeQuality.SYNC
    source.passes(3599)
    assert not clock.steady(3600)
    source.passes(1)
    assert clock.steady(3600)
    source.synchronised = False
    source.wall_ns -= 400 * 86_400 * 10**9
    assert not clock.steady(0)


def test_earlier_moves_both_clocks_back_together() -> None:
    stamp = Stamp(10_000, TimeQuality.SYNC, "b", 10_000_000_000)
    assert stamp.earlier(1.5) == Stamp(8_500, TimeQuality.SYNC, "b", 8_500_000_000)


def test_rfc3339_has_milliseconds_and_survives_1970() -> None:
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"
    assert rfc3339(-1) == "1969-12-31T23:59:59.999Z"
    assert rfc3339(1_773_785_523_412) == "2026-03-17T22:12:03.412Z"


def test_this_machine_gives_a_boot_id_and_an_answer_from_its_kernel() -> None:
    stamp = Clock().now()
    assert len(stamp.boot) == 36
    assert stamp.quality is (TimeQuality.SYNC if kernel_synchronised() else TimeQuality.UNSYNC)
