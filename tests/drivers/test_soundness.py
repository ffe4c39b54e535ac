"""What a working sensor cannot send, at ten samples a second."""

from collections.abc import Iterable

import pytest

from drivers.base import DeviceObserved, DeviceState
from drivers.thermometry.sampling import Sample
from drivers.thermometry.soundness import Soundness

WELL = DeviceObserved(DeviceState.ONLINE)
SPAN = (-70.0, 380.0)


def conditions(samples: Iterable[Sample], *, frozen_s: float | None = None) -> list[DeviceObserved]:
    """Each condition once, in the order in which they were seen."""
    soundness = Soundness(SPAN, frozen_s=frozen_s)
    seen = [WELL]
    for number, sample in enumerate(samples):
        condition = soundness.feed(sample, number / 10)
        if condition != seen[-1]:
            seen.append(condition)
    return seen


def degraded(reason: str, measured: float) -> DeviceObserved:
    return DeviceObserved(DeviceState.DEGRADED, reason, measured)


@pytest.mark.parametrize(
    ("sample", "condition"),
    [
        (Sample(655.35, 22.0), degraded("object-out-of-range", 655.35)),
        (Sample(-273.15, 22.0), degraded("object-out-of-range", -273.15)),
        (Sample(22.0, 200.0), degraded("sensor-out-of-range", 200.0)),
        (Sample(22.0, 22.0, fault="sensor-hot"), degraded("sensor-hot", 22.0)),
    ],
)
def test_a_trouble_that_lasts_is_told_and_so_is_its_end(
    sample: Sample, condition: DeviceObserved
) -> None:
    well = [Sample(22.0, 22.0)] * 30

    assert conditions([*well, *[sample] * 30, *well]) == [WELL, condition, WELL]


def test_one_odd_sample_is_no_defect() -> None:
    assert conditions([Sample(22.0), Sample(655.35), Sample(22.0)] * 50) == [WELL]


def test_a_sensor_that_has_been_cut_off_sends_the_same_for_ever() -> None:
    lively = [Sample(22.0 + number % 7 / 100) for number in range(1000)]
    frozen = [Sample(22.5)] * 1000

    assert conditions(lively + frozen, frozen_s=60) == [WELL, degraded("frozen", 22.5)]
    assert conditions(lively + frozen) == [WELL]
    assert conditions(lively + frozen[:600] + lively, frozen_s=60) == [WELL]


def test_a_line_with_many_bad_frames_is_told_with_their_share() -> None:
    soundness = Soundness(SPAN, frozen_s=None)
    seen, bad = [WELL], 1_000  # from before this connection
    for number in range(2_400):
        bad += number < 1_200 and number % 5 == 0
        condition = soundness.feed(Sample(22.0), number / 10, bad)
        if condition != seen[-1]:
            seen.append(condition)

    assert seen == [WELL, degraded("noisy-line", 17.0), WELL]
