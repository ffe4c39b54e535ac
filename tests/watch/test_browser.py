"""The page in a real browser: what it shows, to whom, and what it never does."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from drivers.base import DeviceState
from drivers.emulators.thermometer import Thermometer
from gateway.health import Health
from gateway.watch.page import answering
from gateway.web import serving
from tests.browser import Browser
from tests.daemon import GATE, Daemon
from tests.ports import free_port
from tests.watch.pictures import CAMERA, TROUBLED, WELL

TEXT = "document.querySelector('main').innerText"
VERDICT = "document.getElementById('verdict').dataset.level"
DESKTOP, PHONE = 1280, 360

CONFIG = (
    GATE
    + """\
[uplink]
host = "127.0.0.1"
port = {broker}

[page]
listen = "127.0.0.1:{page}"

[devices.thermometer]
driver = "gy_mcu906"
port = "thermometer"
"""
)


class Shown:
    """A page and what is behind it."""

    def __init__(self, url: str, browser: Browser) -> None:
        self.url = url
        self.browser = browser
        self.seen = WELL

    async def opened(self, seen: Health, *, language: str = "en", width: int = 1280) -> str:
        """The page's text once it shows `seen`."""
        self.seen = seen
        await self.browser.open(self.url, language=language, width=width)
        await self.browser.until(f"{VERDICT} !== 'none'")
        return str(await self.browser.value(TEXT))

    async def is_sound(self) -> None:
        """Nothing has failed, nothing is wider than the screen, and nothing came from elsewhere."""
        assert self.browser.errors == []
        foreign = [each for each in self.browser.requested if not each.startswith(self.url)]
        assert foreign == []
        element = "document.documentElement"
        assert await self.browser.value(f"{element}.scrollWidth <= {element}.clientWidth")


@pytest.fixture
async def shown(tmp_path: Path) -> AsyncIterator[Shown]:
    page: list[Shown] = []
    answer = answering(lambda: page[0].seen)
    async with serving("127.0.0.1:0", answer) as url, Browser(tmp_path) as browser:
        page.append(Shown(url, browser))
        yield page[0]


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
async def test_both_languages_on_both_screens(shown: Shown, width: int) -> None:
    english = await shown.opened(TROUBLED, width=width)
    await shown.is_sound()
    for text in (
        "Somebody has to see to this gate",
        "camera-in is lost",
        "no route to host",
        "Is it plugged in and powered?",
        "door gate-1 closed · 3 min. ago",
        "code · 5 min. ago",
        "surroundings 21.4 °C",
        "wrong sum 3",
        "812",
        "52 °C",
        "612 MB of 2 GB",
        "not set",
        "9f2c61d0a4be",
    ):
        assert text in english, text

    chinese = await shown.opened(TROUBLED, language="zh-CN,zh;q=0.9", width=width)
    await shown.is_sound()
    for text in (
        "需要有人处理",
        "网络中断,本机照常使用",
        "时间未校准",
        "门 gate-1 关",
        "812",
        "52 °C",
    ):
        assert text in chinese, text
    for heading in ("Devices", "Journal", "lost", "waiting"):
        assert heading not in chinese.replace("the connection was lost", ""), heading


async def test_the_reader_can_choose_the_language(shown: Shown) -> None:
    await shown.opened(WELL, language="zh")
    assert await shown.browser.value("document.title") == "一切正常 · 410102011003007"
    await shown.browser.value("document.querySelector('nav a[hreflang=en]').click()")
    await shown.browser.until("document.title === 'All is well · 410102011003007'")
    assert await shown.browser.value("document.documentElement.lang") == "en"
    current = "document.querySelector('nav a[aria-current]').hreflang"
    assert await shown.browser.value(current) == "en"


async def test_what_changes_is_shown_without_a_reload(shown: Shown) -> None:
    assert "All is well" in await shown.opened(WELL)
    shown.seen = TROUBLED
    await shown.browser.until(f"{TEXT}.includes('camera-in is lost')", within_s=10)
    shown.seen = WELL
    await shown.browser.until(f"{TEXT}.includes('All is well')", within_s=10)


async def test_what_strangers_wrote_is_text(shown: Shown) -> None:
    """A device's name comes from a file, its reason from a wire: none of it may be a script."""
    evil = "<img src=x onerror='window.caught=1'><script>window.caught=1</script>"
    device = CAMERA.model_copy(update={"state": DeviceState.LOST, "reason": evil, "driver": evil})
    link = WELL.link.model_copy(
        update={"online": False, "reason": evil, "alarms": {evil: evil}, "refused": {evil: 1}}
    )
    seen = WELL.model_copy(update={"devices": {evil: device}, "link": link, "gateway": evil})
    text = await shown.opened(seen)
    assert text.count(evil) >= 5
    await asyncio.sleep(0.2)
    assert await shown.browser.value("window.caught ?? 0") == 0
    assert (
        await shown.browser.value("document.querySelectorAll('main img, main script').length") == 0
    )
    await shown.is_sound()


async def test_a_long_name_breaks_and_not_the_page(shown: Shown) -> None:
    long = "x" * 32
    device = CAMERA.model_copy(update={"state": DeviceState.LOST, "reason": "/dev/" + "y" * 300})
    await shown.opened(WELL.model_copy(update={"devices": {long: device}}), width=PHONE)
    await shown.is_sound()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everything_can_be_read(shown: Shown, scheme: str) -> None:
    """WCAG 2.2 AA: 4.5 to 1 between each text and what is behind it."""
    shown.seen = TROUBLED
    await shown.browser.open(shown.url, prefers_color_scheme=scheme)
    await shown.browser.until(f"{VERDICT} === 'fault'")
    poor = await shown.browser.value(_CONTRASTS)
    assert poor == []


async def test_a_page_for_those_who_do_not_see_it(shown: Shown) -> None:
    await shown.opened(TROUBLED, width=PHONE)
    value = shown.browser.value
    assert await value("document.querySelectorAll('header, main, nav[aria-label]').length") == 3
    assert await value("document.querySelectorAll('h1').length") == 1
    assert await value("document.querySelector('[role=status]').id") == "verdict"
    unnamed = "[...document.querySelectorAll('section:not([role])')].filter(each => !document"
    unnamed += ".getElementById(each.getAttribute('aria-labelledby'))?.textContent).length"
    assert await value(unnamed) == 0
    small = "[...document.querySelectorAll('nav a')].filter(a => a.offsetHeight < 24).length"
    assert await value(small) == 0


@asynccontextmanager
async def gate(directory: Path) -> AsyncIterator[tuple[Daemon, str]]:
    port = free_port()
    daemon = Daemon(directory, CONFIG.format(broker=free_port(), page=port))
    async with daemon:
        yield daemon, f"http://127.0.0.1:{port}/"


async def test_the_real_gate(tmp_path: Path) -> None:
    """A device that is lost, and a program that ends, are seen within seconds."""
    (tmp_path / "browser").mkdir()
    async with Browser(tmp_path / "browser") as browser, gate(tmp_path) as (daemon, url):
        async with Thermometer(tmp_path / "thermometer"):
            await daemon.until(lambda seen: seen.devices["thermometer"].state is DeviceState.ONLINE)
            await browser.open(url)
            await browser.until("document.querySelector('[data-state=online]') !== null")
        await browser.until(f"{TEXT}.includes('thermometer is lost')", within_s=15)
        reason = await browser.value("document.querySelector('#device-list .reason').innerText")
        assert re.search("gone|unplugged|no such|cannot|lost", reason), reason
        await daemon.kill()
        await browser.until(f"{TEXT}.includes('No connection to the gateway')", within_s=15)
        await daemon.start()
        await browser.until(f"{TEXT}.includes('thermometer is lost')", within_s=30)


_CONTRASTS = """
(() => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(value => value / 255)
    .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, at) => sum + value * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const ground = parts(getComputedStyle(at).backgroundColor);
      if (ground.length === 3 || ground[3] > 0) return ground;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const each of document.querySelectorAll("body *")) {
    const own = [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!own || each.tagName === "NOSCRIPT") continue;
    const [one, other] = [light(parts(getComputedStyle(each).color)), light(behind(each))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) poor.push(`${each.textContent.slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return poor;
})()
"""
