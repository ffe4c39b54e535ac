"""The sample policy is true: it loads, and shows every option at its real default."""

from pathlib import Path

import pytest
from msgspec.structs import asdict
from pydantic import BaseModel

from gateway.checkpoint.options import Entries, ExitRule, PolicyDocument
from gateway.checkpoint.policy import BUILT_IN, compiled
from gateway.configfile import lines
from gateway.configfile.policies import load, read
from tests.test_sample_config import switched_on, tables

SAMPLE = Path(__file__).parents[2] / "config" / "policy.toml"


@pytest.fixture
def uncommented(tmp_path: Path) -> Path:
    """The sample with every option switched on."""
    path = tmp_path / "policy.toml"
    path.write_text(switched_on(SAMPLE.read_text()))
    return path


def written_name(table: BaseModel, name: str) -> str:
    """As the file has it."""
    return type(table).model_fields[name].alias or name


def written_path(at: lines.Path) -> lines.Path:
    return tuple("health-code" if part == "health_code" else part for part in at)


def test_as_it_stands_it_is_the_built_in_policy_with_examples_of_cards() -> None:
    sample = {**asdict(load(SAMPLE)), "version": "built-in", "cards": {}}
    assert sample == asdict(BUILT_IN)


def test_every_option_is_shown_and_every_default_is_the_real_one(uncommented: Path) -> None:
    document, _ = read(uncommented)
    written = lines.first_lines(uncommented.read_text())
    sample = SAMPLE.read_text().split("\n")
    defaults = {written_path(at): table for at, table in tables(PolicyDocument())}
    shown = 0
    for at, table in tables(document):
        if at[:1] == ("exit",) and at != ("exit", "resident"):
            continue  # the same options again, and it says so
        for name in type(table).model_fields:
            path = (*written_path(at), written_name(table, name))
            assert path in written, path
            line = sample[written[path] - 1]
            default = getattr(defaults[written_path(at)], name)
            if isinstance(default, BaseModel) or not line.startswith("#"):
                continue
            shown += 1
            if default is None:
                assert "# default: " in line
            else:
                assert getattr(table, name) == default, line
    assert shown > 60


def test_classes_that_are_not_shown_going_out_have_the_same_rule() -> None:
    exits = PolicyDocument().exit
    assert {type(getattr(exits, name)) for name in type(exits).model_fields} == {ExitRule}
    assert list(type(exits).model_fields) == list(Entries.model_fields)


def test_it_compiles_with_every_option_switched_on(uncommented: Path) -> None:
    policy = compiled(*read(uncommented))
    assert len(policy.version) == 12
    assert policy.cards == {"REASON AMBULANCE": "ambulance", "REASON NO PHONE": "no-phone"}
