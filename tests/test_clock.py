"""The clock never claims more than it knows."""

from gateway.clock import Clock, Stamp, TimeQuality, kernel_synchronised, rfc3339


class Source:
    """A wall clock, a monotonic clock and a time source, all set by hand."""

    def __init__(self) -> None:
        self.wall_ns = 0
        self.mono_ns = 0
        self.synchronised = False

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
    source.mono_ns += round(Clock.RECHECK_S * 1e9) - 1
    assert clock.now().quality is TimeQuality.SYNC, "the source is not asked at every reading"
    source.mono_ns += 1
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
