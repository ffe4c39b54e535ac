"""Every prompt has its words in every language, and nothing foreign gets into them."""

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

from drivers.base import Urgency
from gateway.checkpoint.prompts import Prompt
from gateway.prompts import LANGUAGES, blanks, urgency, worded

ON_THE_SCREEN = {
    Prompt.SHOW_CODE: "请出示通行码",
    Prompt.MEASURING: "正在测温",
    Prompt.PASS: "体温正常,请通行",
    Prompt.TOO_WARM: "体温偏高,请到旁边休息后复测",
    Prompt.EXPIRED: "通行证已过期",
    Prompt.NOT_HERE: "不是本小区通行证",
    Prompt.REGISTER_FIRST: "请先登记",
    Prompt.SHOW_SLIP: "请出示入住条",
    Prompt.CLOSE_THE_DOOR: "请关好门",
    Prompt.DOOR_FORCED: "门被强行打开",
    Prompt.OFFLINE: "网络中断,本机照常使用,已存12条",
    Prompt.ONLINE: "网络已恢复,正在补传",
    Prompt.THERMOMETER_LOST: "测温枪未连接",
    Prompt.CLOCK_UNSURE: "时间未校准",
}
"""As the people at the gates know them."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_every_prompt_and_no_other(language: str) -> None:
    text = (files("gateway.prompts") / "assets" / f"{language}.json").read_text(encoding="utf-8")
    assert list(json.loads(text)) == [each.value for each in Prompt]


@pytest.mark.parametrize("prompt", Prompt)
def test_all_languages_have_the_same_blanks(prompt: Prompt) -> None:
    assert {frozenset(blanks(prompt, language)) for language in LANGUAGES} == {
        frozenset(blanks(prompt))
    }
    assert all(worded(prompt, {}).values())


@pytest.mark.parametrize("prompt", ON_THE_SCREEN)
def test_the_words_are_those_of_the_gates(prompt: Prompt) -> None:
    assert worded(prompt, {"n": "12"})["zh-CN"] == ON_THE_SCREEN[prompt]


def test_the_documentation_has_them_all() -> None:
    told = (Path(__file__).parents[2] / "docs" / "hardware.md").read_text()
    for each in Prompt:
        said = worded(each, {name: f"{{{name}}}" for name in blanks(each)})
        assert f"| `{each}` | {said['zh-CN']} | {said['en']} |\n" in told


def test_nobody_is_called_ill() -> None:
    sentences = [text for each in Prompt for text in worded(each, {}).values()]
    assert not [text for text in sentences if re.search("发烧|發燒|病|感染|fever|ill|infect", text)]


def test_an_open_blank_stays_visible() -> None:
    assert worded(Prompt.OFFLINE, {})["zh-CN"] == "网络中断,本机照常使用,已存…条"


def test_what_comes_from_far_away_is_one_plain_line() -> None:
    said = worded(Prompt.ANNOUNCEMENT, {"text": "停水\x1b[2J\r\n{n} \u202e今天\t{0}" + "啊" * 500})
    assert said["en"].startswith("停水 [2J {n} 今天 {0}啊")
    assert len(said["en"]) == 200


def test_alarms_come_before_refusals_and_these_before_greetings() -> None:
    assert urgency(Prompt.DOOR_FORCED) is Urgency.ALARM
    assert urgency(Prompt.TOO_WARM) is Urgency.NOTICE
    assert urgency(Prompt.PASS) is Urgency.ROUTINE
