"""The sample configuration is true: it loads, and shows every option at its real default."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from drivers import registry
from gateway.config import Config
from gateway.configfile import lines, load, schema
from gateway.errors import ConfigError

README = Path(__file__).parents[1] / "README.md"
CONFIG = Path(__file__).parents[1] / "config"
SAMPLE = CONFIG / "gateway.toml"

_OPTION = re.compile(r"^#(?=[a-z]\w* = |\[)", re.MULTILINE)
"""The # before an option or a table; before a remark stands "# "."""


def switched_on(text: str) -> str:
    """The text of a sample with every option switched on."""
    return _OPTION.sub("", text)


@pytest.fixture
def uncommented(tmp_path: Path) -> Path:
    """The sample with every option switched on."""
    path = tmp_path / "gateway.toml"
    path.write_text(switched_on(SAMPLE.read_text()))
    return path


def tables(value: object, at: lines.Path = ()) -> Iterator[tuple[lines.Path, BaseModel]]:
    """Every table of a loaded configuration with its place in the file."""
    if isinstance(value, BaseModel):
        yield at, value
        for name in type(value).model_fields:
            yield from tables(getattr(value, name), (*at, name))
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from tables(each, (*at, name))


def test_both_files_load() -> None:
    assert {"camera-in", "thermometer-in", "doors"} <= set(load(SAMPLE).devices)
    assert len(load(CONFIG / "demo.toml").devices) == 4


def test_it_loads_with_every_option_switched_on(uncommented: Path) -> None:
    assert load(uncommented).uplink.tls is not None


def test_every_driver_is_shown() -> None:
    assert {device.driver for device in load(SAMPLE).devices.values()} == set(registry.names())


def test_every_option_is_shown(uncommented: Path) -> None:
    written = lines.first_lines(uncommented.read_text())
    missing: dict[type[BaseModel], set[str]] = {}
    for at, table in tables(load(uncommented)):
        # Of two tables of a kind, one shows everything; the other only what it needs.
        absent = {name for name in type(table).model_fields if (*at, name) not in written}
        missing[type(table)] = missing.get(type(table), absent) & absent
    assert {model.__name__: names for model, names in missing.items() if names} == {}


def test_every_default_is_the_real_one(uncommented: Path) -> None:
    defaults = dict(tables(load(SAMPLE)))
    written = lines.first_lines(uncommented.read_text())
    sample = SAMPLE.read_text().split("\n")
    checked = 0
    for at, shown in tables(load(uncommented)):
        for name in type(shown).model_fields:
            if (*at, name) not in written or at not in defaults:
                continue
            line = sample[written[(*at, name)] - 1]
            if not line.startswith("#"):
                continue
            default = getattr(defaults[at], name)
            if default is None:
                assert "# default: " in line or line.startswith("#["), line
            else:
                assert getattr(shown, name) == default, line
            checked += 1
    assert checked > 20


def test_the_demo_keeps_every_period_at_its_default() -> None:
    demo = load(CONFIG / "demo.toml")
    shortened = [
        (at, name)
        for at, table in tables(demo)
        for name in table.model_fields_set
        if name.endswith(("_s", "_ms", "fps"))
    ]
    assert shortened == []


@pytest.fixture
def shown() -> str:
    """The configuration in the README."""
    [text] = re.findall(r"^```toml\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    return str(text)


def test_the_readme_shows_a_whole_gate_in_twenty_lines(tmp_path: Path, shown: str) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(shown)
    config = load(file)
    assert len({device.driver for device in config.devices.values()}) == len(config.devices) == 3
    assert config.lanes
    assert len(shown.splitlines()) <= 20


def test_the_readme_shows_what_the_mistake_in_it_brings(tmp_path: Path, shown: str) -> None:
    described = r"With `(.+?)` in\s+place of `(.+?)` this is the list:\n\n    gateway\.toml:(.+)\n"
    [(wrong, right, told)] = re.findall(described, README.read_text())
    file = tmp_path / "gateway.toml"
    assert shown.count(right) == 1
    file.write_text(shown.replace(right, wrong))
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert str(caught.value) == f"{file}:{told}"


def test_the_schema_for_editors_is_up_to_date() -> None:
    written = (CONFIG / "checkpoint-gateway.schema.json").read_text()
    assert written == schema.text(), "run: make schema"


def test_the_schema_knows_every_table_and_driver() -> None:
    whole = schema.json_schema()
    assert set(whole["properties"]) == set(Config.model_fields)
    [stanza] = whole["properties"]["devices"]["patternProperties"].values()
    assert sorted(stanza["discriminator"]["mapping"]) == registry.names()
