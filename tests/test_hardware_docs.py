"""The stanzas in docs/hardware.md can be pasted as they are."""

import re
from pathlib import Path

import pytest

from gateway.configfile import load

DOCS = Path(__file__).parents[1] / "docs" / "hardware.md"
STANZAS = re.findall(r"^```toml\n(.*?)^```$", DOCS.read_text(), re.MULTILINE | re.DOTALL)

GATE = """\
gateway = { id = "410102011003007", district = "410102", street = "011", community = "003" }
uplink = { host = "mqtt.example.org" }
lanes = { in-1 = { direction = "entry" }, out-1 = { direction = "exit" } }

"""


@pytest.mark.parametrize("stanza", STANZAS)
def test_every_stanza_is_accepted(tmp_path: Path, stanza: str) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(GATE + stanza)
    assert load(file).devices
