"""What docs/hardware.md shows to be copied is accepted as it stands."""

import re
from pathlib import Path

import pytest

from gateway.configfile import load

DOC = Path(__file__).parents[1] / "docs" / "hardware.md"

GATE = """
gateway = { id = "410102011003007", district = "410102", street = "011", community = "003" }
uplink = { host = "mqtt.example.org" }
lanes = { in-1 = { direction = "entry" } }
"""

STANZAS = re.findall(r"^```toml\n(.*?)^```$", DOC.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("stanza", STANZAS)
def test_a_stanza_can_be_copied(tmp_path: Path, stanza: str) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(GATE + stanza)
    assert load(file).devices
