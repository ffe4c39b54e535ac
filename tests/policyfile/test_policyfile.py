"""`policy check` and `policy try`: every mistake with its line; what would have been otherwise."""

import json
import re
from datetime import date, datetime
from pathlib import Path

import pytest

from gateway import cli
from gateway.checkpoint.checkpoint import Checkpoint
from gateway.checkpoint.lanes import Lanes
from gateway.checkpoint.options import Admit, Need, PolicyDocument
from gateway.checkpoint.passages import LaneSettings
from gateway.checkpoint.policy import BUILT_IN, of_document
from gateway.checkpoint.reasons import Reason
from gateway.clock import Clock
from gateway.config import JournalConfig
from gateway.configfile.policies import load
from gateway.errors import ConfigError
from gateway.events import Direction, Draft
from gateway.policyfile.trial import Trial
from gateway.simulate.day import day
from gateway.simulate.profiles import PROFILES
from gateway.simulate.replay import Replay, drafts
from tests.checkpoint.lanes import OPEN_LANES, ZONE, Gate, at, policy
from tests.journal.journals import opened

WRONG = """\
day_begins = "24:30"
when_unsynced = "allow"
[fever]
threshold_celsius = "37.3"
invalid_below_celsius = 50
[entry.residnt]
needs = ["pass"]
[entry.visitor]
needs = ["pass", "temprature"]
hours = ["06:00-22:00", "9-10"]
[exit.resident]
per_day = 0
"""

TOLD = """\
1: day_begins: found the text "24:30"; expected a time of day from "00:00" to "23:59"
2: when_unsynced: unknown; expected one of day_begins, when_unsync, watched, repeat_s, fever,\
 passback, override, entry, exit; did you mean "when_unsync"?
4: [fever] threshold_celsius: found the text "37.3"; expected a number from 30 to 45
5: [fever] invalid_below_celsius: found the number 50; expected a number from 30 to 45
6: [entry.residnt]: unknown; expected one of resident, visitor, admission, staff, vehicle,\
 delivery, health-code, unknown; did you mean "resident"?
9: [entry.visitor] needs #2: found the text "temprature"; expected "pass", "registration",\
 "temperature" or "code"; did you mean "temperature"?
10: [entry.visitor] hours #2: found the text "9-10"; expected from when to when, as "06:00-22:30"
12: [exit.resident] per_day: found the number 0; expected a whole number from 1 to 1000"""


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "policy.toml"
    file.write_text(text)
    return file


def test_every_mistake_is_told_with_its_line(tmp_path: Path) -> None:
    file = written(tmp_path, WRONG)
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert str(caught.value).replace(f"{file}:", "") == TOLD


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[fever]\ninvalid_below_celsius = 38.0",
            "1: [fever]: invalid_below_celsius: 38.0 is not below 37.3, the threshold_celsius;"
            " nobody could pass",
        ),
        (
            '[entry.unknown]\nadmit = "yes"\nneeds = ["pass"]',
            '1: [entry.unknown]: needs: "pass" cannot be met; whoever has one is of another class',
        ),
        ("day_begins = 04:00:00", "1: day_begins: found a date or time; expected a time of day"),
        ("[entry", "1: the name of the table is not closed"),
    ],
)
def test_what_cannot_be_meant(tmp_path: Path, text: str, told: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert str(caught.value).startswith(f"{file}:{told}")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        load(tmp_path / "policy.toml")
    with pytest.raises(ConfigError, match="this is a directory; expected a policy file"):
        load(tmp_path)


def test_check_says_what_it_found_and_what_must_be_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = '[exit.resident]\nper_day = 1\nover = "refuse"\n'
    assert cli.main(["policy", "check", str(written(tmp_path, text))]) == 0
    out = capsys.readouterr().out
    assert "no mistakes found" in out
    assert "[exit.resident] can refuse: the way out must be free without the gateway" in out
    assert cli.main(["policy", "check", str(written(tmp_path, "[fevr]"))]) == 78
    assert 'did you mean "fever"?' in capsys.readouterr().err


def test_a_file_and_a_document_say_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = '[fever]\nthreshold_celsius = 37.0\n[entry.health-code]\nadmit = "yes"\n'
    file = written(tmp_path, text)
    assert cli.main(["policy", "check", "--json", str(file)]) == 0
    body = json.loads(capsys.readouterr().out)
    assert body == {
        "fever": {"threshold_celsius": 37.0},
        "entry": {"health-code": {"admit": "yes"}},
    }
    assert of_document(body, load(file).version) == load(file)


async def recorded(gate: Gate, path: Path) -> None:
    """The journal file of a gate."""
    boot = Clock(boot="boot-1", synchronised=lambda: True)
    async with opened(path, config=JournalConfig(), clock=boot) as journal:
        gate.epoch = journal.epoch
        busy_day(gate)
        await journal.append(
            [Draft(each.kind, each.subject, each.at, each.data, False, each.correlation)
             for each in gate.journal]
        )  # fmt: skip


def busy_day(gate: Gate) -> None:
    gate.scan("chen", lane="out-1")
    gate.wait_until(at("08:00", day=19))
    gate.enter("chen")
    gate.wait(30)
    for token, celsius in (("li", 37.1), ("wang", 36.4)):
        gate.scan(token)
        gate.wait(2)
        gate.measure(celsius)
        gate.wait(30)


CONFIG = """\
[gateway]
id = "g"
district = "1"
street = "2"
community = "3"
state_dir = "{directory}"
[uplink]
host = "broker"
[lanes.in-1]
direction = "entry"
[lanes.out-1]
direction = "exit"
"""


@pytest.mark.parametrize("given", ["journal", "configuration"])
async def test_try_shows_what_would_differ(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    await recorded(Gate(lanes=OPEN_LANES, epoch="aaaaaaaa"), tmp_path / "journal.db")
    (tmp_path / "gate.toml").write_text(CONFIG.format(directory=tmp_path))
    source = tmp_path / ("journal.db" if given == "journal" else "gate.toml")
    file = written(tmp_path, "[fever]\nthreshold_celsius = 37.0\n")
    ask = ["policy", "try", str(file), "--journal", str(source)]

    assert cli.main(ask) == 0
    out = capsys.readouterr().out.split("\n")
    assert out[0] == f"2026-03-19: as it was recorded, and by policy {load(file).version}"
    assert [each.split() for each in out[1:4]] == [
        ["denied", "0", "→", "1", "(+1)"],
        ["granted", "3", "→", "2", "(-1)"],
        ["denied:", "re-check", "0", "→", "1", "(+1)"],
    ]
    assert out[4:6] == [
        "would differ: 1",
        "  08:00:32  in-1      li        granted → denied (re-check)  temperature: ok → failed",
    ]

    assert cli.main([*ask, "--day", "2026-03-18", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["day"], document["before"]["granted"]) == ("2026-03-18", 1)
    assert document["differences"] == []


async def test_try_knows_what_was_before_the_day(tmp_path: Path) -> None:
    gate = Gate(lanes=OPEN_LANES)
    busy_day(gate)
    strict = policy(
        exit={"resident": {"back_by": "21:00"}}, entry={"resident": {"when_late": "refuse"}}
    )
    found = Trial(strict, OPEN_LANES, ZONE, date(2026, 3, 19)).run(gate.journal)
    assert [(each.token, each.after and each.after.reason) for each in found.differences] == [
        ("chen", "late")
    ]


def test_try_without_anything_recorded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, "")
    gone = str(tmp_path / "journal.db")
    assert cli.main(["policy", "try", str(file), "--journal", gone]) == 1
    assert "there is no journal" in capsys.readouterr().err


def test_the_same_policy_would_change_nothing_on_a_whole_day() -> None:
    profile = PROFILES["small"]
    lanes = {name: LaneSettings(direction=Direction.ENTRY, door=name) for name in profile.lanes_in}
    lanes |= {name: LaneSettings(direction=Direction.EXIT, door=name) for name in profile.lanes_out}
    replay = Replay(Checkpoint({"lanes": Lanes(BUILT_IN, lanes, ZONE)}))
    replay.run(drafts(day(profile, 1), datetime(2026, 3, 18, tzinfo=ZONE)))
    found = Trial(BUILT_IN, lanes, ZONE, date(2026, 3, 18)).run(replay.recorded)
    assert found.before["granted"] > 600
    assert found.differences == []
    assert found.before == found.after


def test_the_examples_of_the_document_are_policies(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "policy.md").read_text()
    examples = re.findall(r"^```toml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        assert load(written(tmp_path, example)) != BUILT_IN


def test_the_document_names_every_reason_and_every_need() -> None:
    text = (Path(__file__).parents[2] / "docs" / "policy.md").read_text()
    names = [*Reason, *Need, *Admit, *PolicyDocument.model_fields]
    written = [f"`{each}" for each in names] + [f'"{each}"' for each in names]
    found = {each.strip('`"') for each in written if each in text}
    assert [each for each in names if each not in found and f"[{each}" not in text] == []
