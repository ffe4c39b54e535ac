"""Every table that can be configured is strict; what cannot work together is refused in words."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError

from drivers import registry
from drivers.base import OptionTable
from gateway.config import Config
from gateway.configfile import load
from tests.configfile.test_load import GATE, mistakes


def tables(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The model and those inside it."""
    yield model
    for field in model.model_fields.values():
        for inner in inside(field.annotation):
            yield from tables(inner)


def inside(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from inside(argument)


ROOTS: list[type[BaseModel]] = [Config, *(registry.load(name).config for name in registry.names())]
TABLES = sorted({each for root in ROOTS for each in tables(root)}, key=lambda model: str(model))


def test_the_nested_tables_of_drivers_are_among_them() -> None:
    assert {"MeasuringConfig", "DoorConfig", "TlsConfig"} <= {model.__name__ for model in TABLES}


@pytest.mark.parametrize("model", TABLES)
def test_a_table_takes_nothing_it_does_not_know(model: type[BaseModel]) -> None:
    assert issubclass(model, OptionTable)
    with pytest.raises(ValidationError) as refused:
        model.model_validate({"no_such_option": 1})
    assert ("no_such_option",) in {error["loc"] for error in refused.value.errors()}


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("model", TABLES)
def test_no_option_takes_what_is_no_finite_number(model: type[BaseModel], number: float) -> None:
    for name in model.model_fields:
        for value in (number, [number, number], {"x": number}):
            with pytest.raises(ValidationError) as refused:
                model.model_validate({name: value})
            assert name in {error["loc"][0] for error in refused.value.errors() if error["loc"]}


THERMOMETER = 'port = "/dev/ttyUSB0"\n'
BOARD = 'port = "/dev/ttyUSB1"\n'


@pytest.mark.parametrize(
    ("after", "options", "told"),
    [
        (
            THERMOMETER,
            "measuring = { window = 100 }",
            "13: [devices.thermometer.measuring]: window: 100 samples take 9.9 seconds; look_s is"
            " only 2",
        ),
        (
            THERMOMETER,
            "measuring = { person_above_celsius = 42 }",
            "13: [devices.thermometer.measuring]: person_above_celsius: 42.0 is not below 42.0,"
            " the highest of plausible_celsius; nobody would be measured",
        ),
        (
            BOARD,
            "baud = 300\ninputs = 64",
            "14: [devices.board]: answer_ms: 500 is too short; at 300 baud a question and its"
            " answer are 700 ms on the line",
        ),
        (
            'role = "gate"\n',
            'tamper_when = "active"',
            "17: [devices.board.doors.gate-1]: tamper_input is missing; without it tamper_when"
            " means nothing",
        ),
    ],
)
def test_options_that_cannot_work_together(
    tmp_path: Path, after: str, options: str, told: str
) -> None:
    text = GATE.replace(after, f"{after}{options}\n")
    assert mistakes(tmp_path / "gate.toml", text) == [told]


def test_samples_as_they_come_need_no_window(tmp_path: Path) -> None:
    file = tmp_path / "gate.toml"
    options = 'measuring = { report = "every", window = 100, person_above_celsius = 50 }'
    file.write_text(GATE.replace(THERMOMETER, f"{THERMOMETER}{options}\n"))
    assert len(load(file).devices) == 2
