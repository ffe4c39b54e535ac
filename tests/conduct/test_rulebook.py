"""The rules in force, when what they are made of changes on the disk or no longer fits."""

from pathlib import Path
from typing import Any

import pytest

from gateway.conduct.rulebook import UNDERSTAND, Rulebook
from gateway.config import Config, Place, UplinkConfig
from gateway.config.rules import DutyConfig, PolicyConfig, PostConfig
from tests.ports import free_port

ROTA = {
    "shifts": [
        {"name": "day", "from": "00:00", "to": "24:00", "post": "table", "badges": ["c/li"]},
        {"name": "day", "from": "00:00", "to": "24:00", "post": "lodge", "badges": ["c/zhao"]},
    ]
}


def config(directory: Path, *posts: str, policy: Path | None = None) -> Config:
    return Config(
        gateway=Place(
            id="410102011003007",
            district="410102",
            street="011",
            community="003",
            state_dir=directory,
        ),
        uplink=UplinkConfig(host="127.0.0.1", port=free_port()),
        policy=PolicyConfig(file=policy),
        duty=DutyConfig(posts={name: PostConfig(at="in-1") for name in posts}),
    )


def token(subject: bytes) -> str:
    return subject.hex()


def test_a_rota_that_names_a_post_that_is_gone_keeps_no_gate_from_starting(tmp_path: Path) -> None:
    made = UNDERSTAND["rota"](ROTA, "1")
    rules = Rulebook.of(config(tmp_path, "table", "lodge"), token, {"rota": made})
    assert [each.post for each in rules.rota] == ["table", "lodge"]
    assert [each.post for each in rules.by(config(tmp_path, "lodge")).rota] == ["lodge"]
    assert Rulebook.of(config(tmp_path), token, {"rota": made}).rota == ()


def test_a_policy_that_is_being_edited_counts_when_it_is_loaded_and_not_before(
    tmp_path: Path,
) -> None:
    """Nor does it stop a change of pseudonyms, or a document."""
    file = tmp_path / "policy.toml"
    file.write_text("[fever]\nthreshold_celsius = 37.5\n")
    rules = Rulebook.of(config(tmp_path, "table", "lodge", policy=file), token, {})
    file.write_text("[fever\n")
    made = UNDERSTAND["rota"](ROTA, "1")
    for changed in (rules.renamed(), rules.having("rota", made)):
        assert changed.policy is rules.policy
        assert changed.policy.threshold_celsius == 37.5


@pytest.mark.parametrize(
    ("name", "body", "where"),
    [
        ("register", {"people": [{"iss": "c", "sub": "zhang-san\n"}]}, "[people #1] sub: "),
        ("watch-list", {"people": [{"iss": "c", "sub": 1380013800}]}, "[people #1] sub: "),
        ("watch-list", {"people": "zhang-san"}, "people: "),
        ("rota", {"shifts": [{**ROTA["shifts"][0], "badges": ["zhang-san"]}]}, "badges #1: "),
    ],
)
def test_what_is_wrong_with_a_list_of_people_is_told_without_repeating_anybody(
    name: str, body: dict[str, Any], where: str
) -> None:
    """It goes into the log, and as an event to whoever listens."""
    with pytest.raises(ValueError, match=r".") as refused:
        UNDERSTAND[name](body, "1")
    told = str(refused.value)
    assert where in told
    assert "zhang-san" not in told
    assert "1380013800" not in told
