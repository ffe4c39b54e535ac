"""`[passes]`: what a code says is kept only if the configuration says so in as many words."""

from pathlib import Path

import pytest

from gateway.config import Config, Content
from gateway.configfile import load
from gateway.errors import ConfigError

GATE = """\
gateway = { id = "410102011003007", district = "410102", street = "011", community = "003" }
uplink = { host = "mqtt.example.org" }
"""


def loaded(directory: Path, text: str) -> Config:
    file = directory / "gateway.toml"
    file.write_text(GATE + text)
    return load(file)


def test_nothing_is_kept_unless_it_is_asked_for(tmp_path: Path) -> None:
    passes = loaded(tmp_path, "").passes
    assert (passes.keep_content, passes.notices()) == (Content.NO, ())
    assert (passes.trust_file, passes.resolver, passes.pseudonym_days) == (None, None, 30)


def test_what_is_kept_in_clear_must_be_known(tmp_path: Path) -> None:
    [notice] = loaded(tmp_path, '[passes]\nkeep_content = "yes, in clear"\n').passes.notices()
    assert notice.startswith("the content of every code is recorded and sent in clear")


@pytest.mark.parametrize("word", ["true", '"yes"', '"clear"', '"Yes, in clear"'])
def test_no_other_words_keep_anything(tmp_path: Path, word: str) -> None:
    with pytest.raises(ConfigError, match='expected "no", "sealed" or "yes, in clear"'):
        loaded(tmp_path, f"[passes]\nkeep_content = {word}\n")


def test_what_is_sealed_is_sealed_to_somebody(tmp_path: Path) -> None:
    sealed = '[passes]\nkeep_content = "sealed"\n'
    with pytest.raises(
        ConfigError, match=r"keep_content: export\.seal_to_file is missing; the key"
    ):
        loaded(tmp_path, sealed)
    known = loaded(tmp_path, f'{sealed}[export]\nseal_to_file = "/etc/centre.pem"\n')
    assert known.passes.keep_content is Content.SEALED


def test_a_kind_of_code_is_told_by_more_than_a_letter(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="4 to 256 characters, no \\* among the first 4"):
        loaded(tmp_path, '[passes]\nhealth_codes = ["h*"]\n')
    passes = loaded(tmp_path, '[passes]\nhealth_codes = ["https://x.example/*/code"]\n').passes
    assert passes.health_codes == ("https://x.example/*/code",)
