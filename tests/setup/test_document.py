"""The written configuration: it says what was answered, whatever that was, and explains itself."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import configfile
from gateway.setup import document

CONFIG = Path(__file__).parents[2] / "config"

keys = st.text(min_size=1, max_size=8)
values = st.recursive(
    st.text()
    | st.integers(-(2**63), 2**63 - 1)
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(keys, values, max_size=4))
def test_the_short_form_says_the_same(tables: dict[str, Any]) -> None:
    assert tomllib.loads(document.bare(tables)) == tables


@given(st.dictionaries(keys, values, max_size=4))
def test_the_long_form_says_the_same(tables: dict[str, Any]) -> None:
    whole = {"gateway": {"id": "1"}, "uplink": {"host": "h", **tables}}
    assert tomllib.loads(document.text(whole, Path("gateway.toml"))) == whole


@pytest.mark.parametrize("name", ["gateway.toml", "demo.toml"])
def test_a_whole_gate_loads_again(name: str, tmp_path: Path) -> None:
    tables = tomllib.loads((CONFIG / name).read_text())
    file = tmp_path / "gateway.toml"
    file.write_text(document.text(tables, file))
    # Its version is that of the text.
    assert configfile.load(file).of_version("") == configfile.load(CONFIG / name).of_version("")


def test_every_option_is_explained_once() -> None:
    text = document.text(tomllib.loads((CONFIG / "demo.toml").read_text()), Path("/etc/g.toml"))
    lines = text.splitlines()
    for option, words in {
        "district": "# First level of the grid, for example 410102.",
        "role": "# What the door is for: `gate`, `sealed` or `home`.",
    }.items():
        first = next(at for at, line in enumerate(lines) if line.startswith(f"{option} ="))
        assert lines[first - 1] == words
        assert text.count(words) == 1
    assert "#     checkpoint-gateway check /etc/g.toml" in lines
    assert max(map(len, lines)) <= 100
