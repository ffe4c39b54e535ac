"""When the camera's condition is told: after a while, once, and again when it is over."""

import pytest

from drivers.base import DeviceObserved, DeviceState
from drivers.camera.conditions import CLEAR_S, FROZEN_S, HOLD_S, RULES, Conditions
from drivers.eye.messages import Code, Look, Measures

GOOD = Measures(brightness=120, glare=0.0, structure=9.8, focus=100, sharpness=0.8, same_s=0)
SUN = GOOD.model_copy(update={"glare": 0.5})
COVERED = GOOD.model_copy(update={"structure": 0.1, "brightness": 40, "sharpness": None})
FROZEN = GOOD.model_copy(update={"same_s": FROZEN_S})
BLURRED = GOOD.model_copy(update={"sharpness": 0.2})
NIGHT = GOOD.model_copy(update={"structure": 0.4, "brightness": 5, "sharpness": None})
CODE = Code(payload=b"x", symbology="qr", decoder="zxing")


class Watch:
    """Looks twice a second and keeps what is told, with the time."""

    def __init__(self) -> None:
        self.told: list[tuple[float, DeviceObserved | None]] = []
        self.now_s = 0.0
        self._conditions = Conditions()

    def for_s(self, seconds: float, measures: Measures, *, read: bool = False) -> None:
        for _ in range(round(seconds * 2)):
            look = Look(
                taken_s=self.now_s, took_ms=2, width=1280, height=720,
                codes=(CODE,) if read else (), measures=measures,
            )  # fmt: skip
            if self._conditions.look(look):
                self.told.append((self.now_s, self._conditions.trouble))
            self.now_s += 0.5

    @property
    def reasons(self) -> list[str | None]:
        """The first word of what was told, ``None`` where all was well again."""
        return [str(told.reason).split(":")[0] if told else None for _, told in self.told]


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.mark.parametrize("measures", [GOOD, NIGHT])
def test_an_hour_in_which_nothing_happens(watch: Watch, measures: Measures) -> None:
    watch.for_s(3600, measures)
    assert watch.told == []


@pytest.mark.parametrize(
    ("trouble", "reason", "figure", "hold_s"),
    [
        (SUN, "overexposed", 0.5, HOLD_S),
        (COVERED, "nothing to see", 0.0022, HOLD_S),
        (FROZEN, "frozen", FROZEN_S, 0.0),
        (BLURRED, "out of focus", 0.2, HOLD_S),
    ],
)
def test_trouble_is_told_once_with_its_figure_and_so_is_its_end(
    watch: Watch, trouble: Measures, reason: str, figure: float, hold_s: float
) -> None:
    watch.for_s(100, GOOD)
    watch.for_s(600, trouble)
    watch.for_s(600, GOOD)

    (begun_s, begun), (ended_s, ended) = watch.told
    assert begun is not None
    assert (begun.state, begun.measured) == (DeviceState.DEGRADED, figure)
    assert watch.reasons == [reason, None]
    assert ended is None
    assert (begun_s, ended_s) == (100 + hold_s, 700 + CLEAR_S)


@pytest.mark.parametrize("trouble", [SUN, COVERED, BLURRED])
def test_what_passes_is_not_told(watch: Watch, trouble: Measures) -> None:
    for _ in range(50):
        watch.for_s(HOLD_S - 1, trouble)
        watch.for_s(1, GOOD)
    assert watch.told == []


def test_trouble_that_flickers_does_not(watch: Watch) -> None:
    watch.for_s(HOLD_S + 1, SUN)
    for _ in range(50):
        watch.for_s(CLEAR_S - 1, GOOD)
        watch.for_s(1, SUN)
    assert watch.reasons == ["overexposed"]


def test_between_the_limits_all_stays_as_it_is(watch: Watch) -> None:
    between = GOOD.model_copy(update={"glare": 0.3})
    watch.for_s(600, between)
    assert watch.told == []
    watch.for_s(60, SUN)
    watch.for_s(600, between)
    assert watch.reasons == ["overexposed"]


def test_one_trouble_after_the_other(watch: Watch) -> None:
    watch.for_s(60, BLURRED)
    watch.for_s(60, COVERED)
    watch.for_s(60, GOOD)
    assert watch.reasons == ["out of focus", "nothing to see", None]


@pytest.mark.parametrize("trouble", [SUN, COVERED, BLURRED])
def test_a_code_that_is_read_proves_the_picture(watch: Watch, trouble: Measures) -> None:
    watch.for_s(60, trouble)
    watch.for_s(CLEAR_S + 1, GOOD, read=True)
    watch.for_s(3600, trouble)
    assert watch.reasons[1:] == [None]


def test_worse_than_what_was_proved_is_trouble_again(watch: Watch) -> None:
    watch.for_s(60, BLURRED)
    watch.for_s(CLEAR_S + 1, GOOD, read=True)
    watch.for_s(60, BLURRED.model_copy(update={"sharpness": 0.1}))
    assert watch.reasons == ["out of focus", None, "out of focus"]


def test_a_phone_at_the_lens_before_it_is_read_proves_nothing(watch: Watch) -> None:
    watch.for_s(60, GOOD)
    watch.for_s(5, COVERED)
    watch.for_s(2, GOOD, read=True)
    watch.for_s(60, COVERED)
    assert watch.reasons == ["nothing to see"]


def test_a_code_in_a_frozen_picture_proves_nothing(watch: Watch) -> None:
    watch.for_s(60, FROZEN, read=True)
    assert watch.reasons == ["frozen"]


def test_a_figure_that_cannot_be_taken_changes_nothing(watch: Watch) -> None:
    watch.for_s(60, BLURRED)
    watch.for_s(600, NIGHT)
    assert watch.reasons == ["out of focus"]
    assert all(rule.verdict(None, None) is None for rule in RULES)
