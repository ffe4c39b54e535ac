"""The page's answers, as a program reads them."""

import json
import logging
import re
from pathlib import Path

import pytest

from gateway.config import PageConfig
from gateway.health import Health
from gateway.watch.language import language
from gateway.watch.page import answering, serving_page
from gateway.web import Request, serving
from tests.ports import free_port
from tests.watch.pictures import TROUBLED, WELL
from tests.web.talking import Answered, asked

ASSETS = Path(__file__).parents[2] / "gateway" / "watch" / "assets"
WORDS = json.loads((ASSETS / "words.json").read_text())


async def shown(path: str, seen: Health = WELL, **headers: str) -> Answered:
    async with serving("127.0.0.1:0", answering(lambda: seen)) as url:
        return await asked(url, path, **headers)


async def test_health_for_machines() -> None:
    well = await shown("/healthz")
    assert (well.status, well.headers["content-type"]) == (200, "application/json")
    assert json.loads(well.body) == {"status": "healthy", "gateway": WELL.gateway, "faults": []}
    assert well.body.count(b"\n") == 1

    ill = await shown("/healthz", TROUBLED)
    assert ill.status == 503
    [fault] = json.loads(ill.body)["faults"]
    assert (fault["code"], fault["subject"]) == ("device-lost", "camera-in")


async def test_everything_that_is_known() -> None:
    answer = await shown("/status.json", TROUBLED)
    told = json.loads(answer.body)
    assert told["healthy"] is False
    assert Health.model_validate(told["health"]) == TROUBLED
    assert [each["code"] for each in told["findings"]] == [
        "device-lost",
        "link-down",
        "clock-wrong",
    ]


async def test_the_metrics() -> None:
    answer = await shown("/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert b"checkpoint_gateway_healthy 1.0\n" in answer.body


@pytest.mark.parametrize("path", ["/page.css", "/page.js", "/words.json", "/icon.svg"])
async def test_what_the_page_is_made_of(path: str) -> None:
    answer = await shown(path)
    assert answer.status == 200
    assert answer.body == (ASSETS / path[1:]).read_bytes()


@pytest.mark.parametrize("path", ["/page.html", "/../page.py", "//", "/status", "/assets/page.js"])
async def test_nothing_else_is_there(path: str) -> None:
    assert (await shown(path)).status == 404


async def test_the_page_comes_in_the_readers_language() -> None:
    chinese = await shown("/", Accept_Language="zh-CN,zh;q=0.9,en;q=0.8")
    assert b'<html lang="zh">' in chinese.body
    assert chinese.headers["vary"] == "Accept-Language"
    assert b'<html lang="en">' in (await shown("/?lang=en", Accept_Language="zh-CN")).body


@pytest.mark.parametrize(
    ("accepted", "spoken"),
    [
        ("", "en"),
        ("zh", "zh"),
        ("zh-Hans-CN,en;q=0.5", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("de,fr;q=0.9", "en"),
        ("de,zh;q=0.3", "zh"),
        ("zh;q=0,en;q=0", "en"),
        ("zh;q=nonsense", "en"),
        (";;;,=,zh", "zh"),
    ],
)
def test_which_language(accepted: str, spoken: str) -> None:
    assert language(Request("GET", "/", {}, {"accept-language": accepted})) == spoken


def test_both_languages_say_everything() -> None:
    english, chinese = WORDS["en"], WORDS["zh"]
    assert set(english) == set(chinese)
    assert set(english["findings"]) == set(chinese["findings"])
    for sentence, advice in [*english["findings"].values(), *chinese["findings"].values()]:
        assert sentence
        assert advice


@pytest.mark.parametrize("path", sorted(ASSETS.iterdir()), ids=lambda path: path.name)
def test_nothing_comes_from_elsewhere(path: Path) -> None:
    text = path.read_text().replace("http://www.w3.org/2000/svg", "")  # a name, not an address
    assert re.findall(r"""https?:|(?:src|href|url|from)\W{0,3}//""", text) == []


async def test_a_port_that_is_taken_costs_the_page_and_not_the_gate(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    listen = f"127.0.0.1:{free_port()}"
    config = PageConfig(listen=listen)
    async with serving_page(config, lambda: WELL), serving_page(config, lambda: WELL):
        assert (await asked(f"http://{listen}/", "/healthz")).status == 200
    first, second = (record.message for record in caplog.records)
    assert first == f"the page is at http://{listen}/"
    assert second.startswith("no page ([page] listen): ")
    assert second.endswith("address already in use; the gate goes on")


async def test_without_a_page(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with serving_page(PageConfig(listen="off"), lambda: WELL):
        pass
    assert caplog.records == []


@pytest.mark.parametrize(
    ("listen", "told"),
    [
        ("127.0.0.1:8080", 0),
        ("[::1]:8080", 0),
        ("localhost:8080", 0),
        ("off", 0),
        ("0.0.0.0:8080", 1),
        ("[::]:8080", 1),
        ("192.168.1.5:80", 1),
        ("gate.local:8080", 1),
    ],
)
def test_off_the_box_is_allowed_and_said(listen: str, told: int) -> None:
    assert len(PageConfig(listen=listen).notices()) == told


@pytest.mark.parametrize(
    "listen", ["", "8080", "127.0.0.1", "127.0.0.1:99999", "300.1.1.1:80", "http://x:80", "on"]
)
def test_what_is_no_address(listen: str) -> None:
    with pytest.raises(ValueError, match="listen"):
        PageConfig(listen=listen)
