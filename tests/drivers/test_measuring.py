"""One person, one measurement: the rule on traces as a sensor gives them, ten samples a second."""

import pytest
from pydantic import ValidationError

from drivers.base import Quality, Surface
from drivers.thermometry.measuring import (
    Measurement,
    MeasuringConfig,
    MeasuringRule,
    Report,
)
from drivers.thermometry.sampling import Sample

PERIOD_S = 0.1
AMBIENT = 22.0

EMPTY = [22.4, 22.5, 22.5, 22.4, 22.6]
STEPS_UP = [24.1, 29.8, 33.2, 35.7]
HELD = [36.41, 36.44, 36.38, 36.42, 36.40, 36.43]
WOBBLES = [36.4, 35.2, 36.1, 34.9, 36.6, 35.4]
STEPS_AWAY = [34.0, 30.4, 26.2]
NOBODY_FOR_A_WHILE = [22.5] * 15


def measure(
    trace: list[float],
    config: MeasuringConfig | None = None,
    *,
    ambient: float | None = AMBIENT,
    correction: float | None = None,
) -> list[Measurement]:
    rule = MeasuringRule(config or MeasuringConfig(), kind=Surface.SURFACE, correction=correction)
    fed = (
        rule.feed(Sample(celsius, ambient), number * PERIOD_S)
        for number, celsius in enumerate(trace)
    )
    return [measurement for measurement in fed if measurement]


def test_nobody_is_no_measurement() -> None:
    assert measure(EMPTY * 40) == []


def test_one_person_is_one_measurement() -> None:
    (measurement,) = measure(EMPTY + STEPS_UP + HELD * 10 + STEPS_AWAY + NOBODY_FOR_A_WHILE)

    reading = measurement.reading
    assert reading.quality is Quality.OK
    assert reading.reason is None
    assert reading.celsius == reading.raw_celsius
    assert reading.celsius in HELD
    assert reading.kind is Surface.SURFACE
    assert reading.ambient_celsius == AMBIENT
    assert reading.correction is None
    assert reading.samples == MeasuringConfig().window


def test_the_measurement_comes_while_the_person_is_still_there() -> None:
    config = MeasuringConfig(look_s=2.0)
    here = EMPTY + STEPS_UP + HELD * 3

    assert len(measure(here, config)) == 0
    assert len(measure(here + HELD, config)) == 1


def test_who_leaves_early_is_measured_all_the_same() -> None:
    trace = EMPTY + STEPS_UP + HELD + NOBODY_FOR_A_WHILE

    (measurement,) = measure(trace)

    assert measurement.reading.quality is Quality.OK
    last_held = (len(EMPTY) + len(STEPS_UP) + len(HELD) - 1) * PERIOD_S
    assert measurement.at_s <= last_held + 1e-9


def test_two_people_are_two_measurements() -> None:
    first, second = measure(
        EMPTY
        + STEPS_UP
        + [36.4] * 25
        + NOBODY_FOR_A_WHILE
        + STEPS_UP
        + [37.5] * 25
        + NOBODY_FOR_A_WHILE
    )

    assert (first.reading.celsius, second.reading.celsius) == (36.4, 37.5)


def test_a_short_dropout_does_not_make_two_people_of_one() -> None:
    turned_head = [24.0] * 5
    trace = STEPS_UP + HELD * 4 + turned_head + HELD * 4 + NOBODY_FOR_A_WHILE

    assert len(measure(trace)) == 1


def test_somebody_who_stays_is_not_measured_again() -> None:
    assert len(measure(STEPS_UP + HELD * 200)) == 1


def test_of_two_stable_stretches_the_closer_one_counts() -> None:
    still_far = [35.1] * 6
    close = [37.6] * 6

    (measurement,) = measure(STEPS_UP[:3] + still_far + close + still_far * 3)

    assert measurement.reading.celsius == 37.6


@pytest.mark.parametrize("spike", [36.6, 39.9])
def test_one_high_sample_alone_is_not_reported(spike: float) -> None:
    with_a_spike = [36.4] * 7 + [spike] + [36.4] * 20

    (measurement,) = measure(STEPS_UP + with_a_spike)

    assert measurement.reading.celsius == 36.4


@pytest.mark.parametrize(
    ("held", "reason"),
    [(33.4, "below-plausible"), (34.49, "below-plausible"), (42.01, "above-plausible")],
)
def test_an_implausible_value_is_invalid_and_left_as_it_is(held: float, reason: str) -> None:
    (measurement,) = measure(EMPTY + [held] * 30)

    reading = measurement.reading
    assert (reading.quality, reading.reason) == (Quality.INVALID, reason)
    assert reading.celsius == reading.raw_celsius == held


@pytest.mark.parametrize("held", [34.5, 35.9, 36.0, 37.3, 42.0])
def test_values_that_others_have_been_seen_to_rewrite_are_left_alone(held: float) -> None:
    (measurement,) = measure(EMPTY + [held] * 30)

    assert measurement.reading.quality is Quality.OK
    assert measurement.reading.celsius == measurement.reading.raw_celsius == held


def test_a_restless_person_is_suspect() -> None:
    (measurement,) = measure(EMPTY + WOBBLES * 2 + NOBODY_FOR_A_WHILE)

    reading = measurement.reading
    assert (reading.quality, reading.reason) == (Quality.SUSPECT, "unstable")
    assert reading.raw_celsius in WOBBLES


def test_a_passing_hand_is_no_measurement() -> None:
    assert measure([*EMPTY, 31.0, 33.0, 32.0, *NOBODY_FOR_A_WHILE]) == []


def test_a_wall_in_the_sun_is_nobody() -> None:
    assert measure([36.5] * 100, ambient=36.0) == []


def test_ambient_may_be_left_out_of_it() -> None:
    config = MeasuringConfig(ambient_apart_celsius=0)

    assert len(measure([36.5] * 100, config, ambient=36.5)) == 1
    assert len(measure([36.5] * 100, ambient=None)) == 1


def test_a_person_may_be_cooler_than_the_air() -> None:
    assert len(measure([36.5] * 100, ambient=39.0)) == 1


def test_a_correction_stands_beside_the_raw_value() -> None:
    (measurement,) = measure(EMPTY + [35.11] * 30, correction=0.89)

    reading = measurement.reading
    assert (reading.raw_celsius, reading.correction, reading.celsius) == (35.11, 0.89, 36.0)


def test_plausibility_is_judged_after_the_correction_and_presence_before() -> None:
    (measurement,) = measure(EMPTY + [34.0] * 30, correction=0.89)

    assert measurement.reading.quality is Quality.OK
    assert measure([29.9] * 30, correction=5.0) == []


def test_every_reports_samples_at_their_pace() -> None:
    config = MeasuringConfig(report=Report.EVERY, every_s=0.5)

    measurements = measure([22.5, 36.4] * 10, config)

    assert [round(m.at_s, 1) for m in measurements] == [0.0, 0.5, 1.0, 1.5]
    assert [m.reading.samples for m in measurements] == [1] * 4
    assert [m.reading.quality for m in measurements] == [Quality.INVALID, Quality.OK] * 2


def test_some_samples_may_disagree() -> None:
    blinks = [36.4, 36.41, 35.2, 36.39, 36.4] * 6

    (measurement,) = measure(EMPTY + blinks)
    (strict,) = measure(EMPTY + blinks * 2, MeasuringConfig(agree=5))

    assert (measurement.reading.quality, measurement.reading.celsius) == (Quality.OK, 36.4)
    assert (strict.reading.quality, strict.reading.reason) == (Quality.SUSPECT, "unstable")


def test_more_cannot_agree_than_are_looked_at() -> None:
    with pytest.raises(ValidationError, match="agree: 6 is more than window, which is 5"):
        MeasuringConfig(agree=6)


def test_who_wobbles_is_looked_at_again_before_that_is_reported() -> None:
    restless = WOBBLES * 4  # 2.4 s; the first look ends at 2.0

    (measurement,) = measure(EMPTY + restless + HELD * 4)
    (at_once,) = measure(EMPTY + restless + HELD * 4, MeasuringConfig(repeats=0))

    assert measurement.reading.quality is Quality.OK
    assert measurement.reading.celsius in HELD
    assert (at_once.reading.quality, at_once.reading.reason) == (Quality.SUSPECT, "unstable")


def test_after_the_last_repeat_it_is_reported_as_it_is() -> None:
    (measurement,) = measure(WOBBLES * 10)

    assert (measurement.reading.quality, measurement.reading.reason) == (
        Quality.SUSPECT,
        "unstable",
    )
    assert measurement.at_s == pytest.approx(4.0, abs=0.11)


def own_temperatures(count: int, *, jump_at: int, jumps: float) -> list[float]:
    """The sensor's own temperature: calm, then in ten samples up or down, then calm again."""
    done = (min(max(number - jump_at, 0), 10) / 10 for number in range(count))
    return [AMBIENT + jumps * share for share in done]


def measure_in_shock(
    trace: list[float], own: list[float], config: MeasuringConfig
) -> list[Measurement]:
    rule = MeasuringRule(config, kind=Surface.SURFACE)
    samples = [Sample(celsius, ta) for celsius, ta in zip(trace, own, strict=True)]
    fed = (rule.feed(sample, number * PERIOD_S) for number, sample in enumerate(samples))
    return [measurement for measurement in fed if measurement]


@pytest.mark.parametrize("jumps", [-3.0, 3.0])
def test_a_thermal_shock_of_the_sensor_holds_the_measurement_off(jumps: float) -> None:
    trace = EMPTY * 10 + [37.9] * 80 + [36.4] * 100
    own = own_temperatures(len(trace), jump_at=40, jumps=jumps)

    (waits,) = measure_in_shock(trace, own, MeasuringConfig(repeats=10))
    (does_not,) = measure_in_shock(trace, own, MeasuringConfig())

    assert (waits.reading.quality, waits.reading.celsius) == (Quality.OK, 36.4)
    assert (does_not.reading.quality, does_not.reading.reason) == (
        Quality.SUSPECT,
        "thermal-shock",
    )
    assert does_not.reading.celsius == does_not.reading.raw_celsius == 37.9


def test_a_slow_drift_of_the_sensor_is_no_shock() -> None:
    trace = [36.4] * 300
    own = [AMBIENT + number * 0.004 for number in range(300)]  # 2.4 °C in a minute

    (measurement,) = measure_in_shock(trace, own, MeasuringConfig())

    assert measurement.reading.quality is Quality.OK


def test_what_the_sensor_itself_calls_wrong_is_invalid() -> None:
    rule = MeasuringRule(MeasuringConfig(), kind=Surface.SURFACE)
    wrong = [Sample(36.4, AMBIENT, fault="sensor-hot")] * 60
    fed = [rule.feed(sample, number * PERIOD_S) for number, sample in enumerate(wrong)]
    (measurement,) = [each for each in fed if each]

    assert (measurement.reading.quality, measurement.reading.reason) == (
        Quality.INVALID,
        "sensor-hot",
    )


def test_what_the_sensor_makes_of_it_for_a_body_is_reported_where_that_is_wanted() -> None:
    sample = Sample(33.1, 24.5, body_celsius=36.4)
    readings = []
    for kind in Surface:
        rule = MeasuringRule(MeasuringConfig(report=Report.EVERY), kind=kind, correction=0.1)
        measurement = rule.feed(sample, 0.0)
        assert measurement
        readings.append(measurement.reading)

    surface, body = readings
    assert (surface.kind, surface.celsius, surface.raw_celsius) == (Surface.SURFACE, 33.2, 33.1)
    assert (body.kind, body.celsius, body.raw_celsius) == (Surface.BODY, 36.5, 33.1)
    assert surface.body_celsius == body.body_celsius == 36.4


def test_a_sensor_that_is_never_better_than_suspect_is_not() -> None:
    rule = MeasuringRule(MeasuringConfig(), kind=Surface.SURFACE, caveat="screening-only")
    fed = [rule.feed(Sample(37.9, AMBIENT), number * PERIOD_S) for number in range(40)]
    (measurement,) = [each for each in fed if each]

    assert measurement.reading.quality is Quality.SUSPECT
    assert measurement.reading.reason == "screening-only"


def test_whoever_is_there_can_be_measured_again() -> None:
    rule = MeasuringRule(MeasuringConfig(), kind=Surface.SURFACE)
    first = [rule.feed(Sample(36.4, AMBIENT), number * PERIOD_S) for number in range(50)]
    rule.again()
    second = [rule.feed(Sample(36.9, AMBIENT), 5 + number * PERIOD_S) for number in range(50)]

    assert [each.reading.celsius for each in first if each] == [36.4]
    assert [each.reading.celsius for each in second if each] == [36.9]


def test_a_range_upside_down_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"42\.0 is not below 34\.5"):
        MeasuringConfig(plausible_celsius=(42.0, 34.5))
