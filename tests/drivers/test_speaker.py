"""The loudspeaker, with programs that really run and recordings that really are some."""

import asyncio
import sys
import wave
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import time
from pathlib import Path

import pytest
from pydantic import ValidationError

from drivers.base import (
    Announce,
    CommandError,
    DeviceError,
    DeviceObserved,
    DeviceState,
    Release,
    Urgency,
)
from drivers.speaker import Config, Driver
from tests.collecting import Collector
from tests.drivers.running import running

pytestmark = pytest.mark.usefixtures("nothing_left_over")

RATE = 8000
PLAYER = f'''#!{sys.executable}
"""Plays a WAV file into a log: what it was, when it began and ended."""
import sys, time, wave
path = sys.argv[-1]
with open({{log!r}}, "a") as log, wave.open(path) as sound:
    name = "/".join(path.split("/")[-2:])
    print("begin", name, sound.getnframes(), file=log, flush=True)
    time.sleep(sound.getnframes() / sound.getframerate())
    print("end", name, file=log, flush=True)
'''
VOICE = f'''#!{sys.executable}
"""Speaks into a log."""
import sys
text = sys.stdin.buffer.read().decode()
with open({{log!r}}, "a") as log:
    print("said", *sys.argv[1:], text, file=log, flush=True)
'''


class Room:
    """Where the loudspeaker hangs: what can be heard there, line by line."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._log = directory / "heard"
        self.player = self._program("player", PLAYER)
        self.voice = self._program("voice", VOICE)

    def _program(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.write_text(text.format(log=str(self._log)))
        path.chmod(0o755)
        return path

    def record(self, prompt: str, seconds: float = 0.05, language: str = "zh-CN") -> None:
        path = self.directory / "sounds" / language / f"{prompt}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(path), "wb") as sound:
            sound.setparams((1, 2, RATE, 0, "NONE", ""))
            sound.writeframes(bytes(2 * round(RATE * seconds)))

    @property
    def heard(self) -> Sequence[str]:
        return self._log.read_text().splitlines() if self._log.exists() else []

    async def hears(self, line: str, times: int = 1) -> None:
        async with asyncio.timeout(20):
            while self.heard.count(line) < times:
                await asyncio.sleep(0.005)

    def config(self, **options: object) -> Config:
        (self.directory / "sounds").mkdir(exist_ok=True)
        stanza = {"driver": "speaker", "sounds": self.directory / "sounds", "repeat_s": 0}
        return Config.model_validate(stanza | {"play": (str(self.player),)} | options)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


@asynccontextmanager
async def at_work(config: Config) -> AsyncIterator[tuple[Driver, Collector]]:
    driver, readings = Driver("horn", config), Collector()
    async with running(driver, readings):
        await readings.wait_for(DeviceObserved)
        yield driver, readings


def saying(prompt: str, urgency: Urgency = Urgency.NOTICE, **more: object) -> Announce:
    texts = {"zh-CN": f"{prompt} 中文", "zh-Hant": f"{prompt} 繁體", "en": f"{prompt} in English"}
    return Announce(prompt, texts, urgency=urgency, **more)  # type: ignore[arg-type]


async def test_a_recording_is_played_to_its_end(room: Room) -> None:
    room.record("pass", 0.1)
    async with at_work(room.config()) as (driver, _):
        await driver.execute(saying("pass"))
        await room.hears("end zh-CN/pass.wav")
    assert room.heard == ["begin zh-CN/pass.wav 800", "end zh-CN/pass.wav"]


async def test_each_language_in_its_turn(room: Room) -> None:
    room.record("pass")
    room.record("pass", language="en")
    async with at_work(room.config(languages=["zh-CN", "en"])) as (driver, _):
        await driver.execute(saying("pass"))
        await room.hears("end en/pass.wav")
    assert [line for line in room.heard if line.startswith("end")] == [
        "end zh-CN/pass.wav",
        "end en/pass.wav",
    ]


async def test_what_has_no_recording_is_spoken(room: Room) -> None:
    speak = {"zh-CN": [str(room.voice), "-v", "cmn"]}
    async with at_work(room.config(speak=speak)) as (driver, _):
        await driver.execute(saying("announcement"))
        await room.hears("said -v cmn announcement 中文")


async def test_no_shell_looks_at_a_text(room: Room, tmp_path: Path) -> None:
    speak = {"zh-CN": [str(room.voice)]}
    text = f"$(touch {tmp_path}/hit) ; -rf `id` \"'"
    async with at_work(room.config(speak=speak)) as (driver, _):
        await driver.execute(Announce("announcement", {"zh-CN": text}))
        await room.hears(f"said {text}")
    assert not (tmp_path / "hit").exists()


async def test_what_can_be_neither_played_nor_spoken_is_refused(room: Room) -> None:
    async with at_work(room.config()) as (driver, _):
        with pytest.raises(CommandError, match="no recording of it in zh-CN"):
            await driver.execute(saying("pass"))


async def test_nobody_waits_for_it(room: Room) -> None:
    room.record("pass", 5.0)
    async with at_work(room.config()) as (driver, _):
        async with asyncio.timeout(2):
            for _ in range(100):
                await driver.execute(saying("pass"))
        await room.hears("begin zh-CN/pass.wav 40000")


async def test_an_alarm_breaks_off_what_matters_less(room: Room) -> None:
    room.record("show-code", 30)
    room.record("door-forced")
    async with at_work(room.config(longest_s=60)) as (driver, readings):
        await driver.execute(saying("show-code"))
        await room.hears("begin zh-CN/show-code.wav 240000")
        await driver.execute(saying("door-forced", Urgency.ALARM))
        await room.hears("end zh-CN/door-forced.wav")
    assert "end zh-CN/show-code.wav" not in room.heard
    assert not readings.matching(_degraded), "that was no fault"


async def test_one_at_a_time_and_of_each_lane_the_newest(room: Room) -> None:
    for prompt in ("show-code", "measuring", "pass", "too-warm"):
        room.record(prompt, 0.3)
    async with at_work(room.config()) as (driver, _):
        await driver.execute(saying("show-code", lane="in-1"))
        await room.hears("begin zh-CN/show-code.wav 2400")
        await driver.execute(saying("measuring", lane="in-1"))
        await driver.execute(saying("too-warm", lane="in-2"))
        await driver.execute(saying("pass", lane="in-1"))
        await room.hears("end zh-CN/pass.wav")
    assert [line.split()[:2] for line in room.heard] == [
        [what, f"zh-CN/{prompt}.wav"]
        for prompt in ("show-code", "too-warm", "pass")
        for what in ("begin", "end")
    ]


async def test_the_same_is_not_said_again_at_once(room: Room) -> None:
    room.record("pass")
    room.record("too-warm")
    async with at_work(room.config(repeat_s=60)) as (driver, _):
        await driver.execute(saying("pass"))
        await room.hears("end zh-CN/pass.wav")
        await driver.execute(saying("pass"))
        await driver.execute(saying("too-warm"))
        await room.hears("end zh-CN/too-warm.wav")
    assert room.heard.count("end zh-CN/pass.wav") == 1


async def test_after_a_pause_it_is_said_again(room: Room) -> None:
    room.record("pass")
    async with at_work(room.config(repeat_s=0.1)) as (driver, _):
        async with asyncio.timeout(20):
            while room.heard.count("end zh-CN/pass.wav") < 2:
                await driver.execute(saying("pass"))
                await asyncio.sleep(0.01)


async def test_what_hangs_is_ended_and_told(room: Room) -> None:
    room.record("pass", 60)
    room.record("too-warm")
    async with at_work(room.config(longest_s=1)) as (driver, readings):
        await driver.execute(saying("pass"))
        degraded = await readings.wait_for(_degraded)
        await driver.execute(saying("too-warm"))
        await readings.wait_for(DeviceObserved, after=readings.readings.index(degraded) + 1)
    assert degraded == DeviceObserved(
        DeviceState.DEGRADED, f"{room.player} took longer than 1 s and was ended"
    )
    assert readings.readings[-1] == DeviceObserved(DeviceState.ONLINE)
    assert driver.counters.timeout == 1


async def test_all_that_a_program_has_started_ends_with_it(room: Room) -> None:
    script = room.directory / "forks"
    script.write_text('#!/bin/sh\nsleep 300 &\necho $! > "$0.pid"\nwait\n')
    script.chmod(0o755)
    room.record("pass")
    async with at_work(room.config(play=[str(script)], longest_s=1)) as (driver, readings):
        await driver.execute(saying("pass"))
        await readings.wait_for(_degraded)
    child = int((room.directory / "forks.pid").read_text())
    async with asyncio.timeout(10):
        while not _ended(child):
            await asyncio.sleep(0.01)


async def test_of_a_talkative_program_the_last_line_is_told(room: Room) -> None:
    script = room.directory / "aplay"
    script.write_text(
        "#!/bin/sh\nyes 'ALSA lib: one of its reasons' | head -c 300000 >&2\necho >&2\n"
        "echo 'audio open error: No such file or directory' >&2\nexit 1\n"
    )
    script.chmod(0o755)
    room.record("pass")
    async with at_work(room.config(play=[str(script)])) as (driver, readings):
        await driver.execute(saying("pass"))
        degraded = await readings.wait_for(_degraded)
    assert degraded == DeviceObserved(
        DeviceState.DEGRADED, f"{script} failed: audio open error: No such file or directory"
    )


async def test_alsa_is_given_every_sample_by_its_own_player(room: Room, tmp_path: Path) -> None:
    room.record("pass", 0.5)
    play = ["aplay", "--quiet", "-D", f"file:FILE={tmp_path}/played,FORMAT=raw"]
    async with at_work(room.config(play=play)) as (driver, readings):
        seen = len(readings.readings)
        await driver.execute(saying("pass"))
        done = await readings.wait_for(DeviceObserved, after=seen)
    assert done == DeviceObserved(DeviceState.ONLINE)
    assert len((tmp_path / "played").read_bytes()) == 8000


async def test_a_sound_card_that_is_not_there_is_told_in_alsas_words(room: Room) -> None:
    room.record("pass")
    play = ["aplay", "--quiet", "-D", "hw:31"]
    async with at_work(room.config(play=play)) as (driver, readings):
        await driver.execute(saying("pass"))
        degraded = await readings.wait_for(_degraded)
    assert isinstance(degraded, DeviceObserved)
    assert "audio open error" in (degraded.reason or "")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"play": ["no-such-player"]}, "there is no program no-such-player"),
        ({"speak": {"en": ["no-such-voice"]}}, "there is no program no-such-voice"),
        ({"sounds": "/no/such/sounds"}, "there is no directory /no/such/sounds"),
    ],
)
async def test_what_is_not_there_is_named(
    room: Room, options: dict[str, object], complaint: str
) -> None:
    driver = Driver("horn", room.config(**options))
    with pytest.raises(DeviceError, match=complaint):
        await driver.run(Collector())
    with pytest.raises(CommandError, match="not there"):
        await driver.execute(saying("pass"))


async def test_a_player_that_vanishes_is_a_lost_device(room: Room) -> None:
    room.record("pass")
    driver, readings = Driver("horn", room.config()), Collector()
    async with running(driver, readings) as task:
        await readings.wait_for(DeviceObserved)
        room.player.unlink()
        await driver.execute(saying("pass"))
        with pytest.raises(DeviceError, match="cannot be started: No such file"):
            async with asyncio.timeout(10):
                await task


async def test_it_can_do_nothing_else(room: Room) -> None:
    with pytest.raises(CommandError, match="cannot do Release"):
        await Driver("horn", room.config()).execute(Release("gate-1"))


async def test_at_night_only_alarms_are_heard(room: Room) -> None:
    room.record("pass")
    room.record("door-forced")
    async with at_work(room.config(quiet="22:00-06:00")) as (driver, _):
        await driver.execute(saying("pass", at=time(23, 30)))
        await driver.execute(saying("door-forced", Urgency.ALARM, at=time(23, 30)))
        await room.hears("end zh-CN/door-forced.wav")
    assert len(room.heard) == 2


@pytest.mark.parametrize(
    ("quiet", "at", "silent"),
    [
        ("22:00-06:00", time(21, 59, 59), False),
        ("22:00-06:00", time(22), True),
        ("22:00-06:00", time(5, 59, 59), True),
        ("22:00-06:00", time(6), False),
        ("12:30-14:00", time(12, 29), False),
        ("12:30-14:00", time(13), True),
        ("12:30-14:00", time(14), False),
        ("22:00-06:00", None, False),
        (None, time(23), False),
    ],
)
def test_quiet_hours(room: Room, quiet: str | None, at: time | None, silent: bool) -> None:
    config = room.config(quiet=quiet)
    assert config.is_quiet(Urgency.NOTICE, at) is silent
    assert not config.is_quiet(Urgency.ALARM, at)
    assert room.config(quiet=quiet, alarms_always=False).is_quiet(Urgency.ALARM, at) is silent


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"sounds": ""}, "sounds"),
        ({"quiet": "24:00-06:00"}, "quiet"),
        ({"quiet": "22-6"}, "quiet"),
        ({"languages": ["fr"]}, "languages"),
        ({"languages": []}, "languages"),
        ({"speak": {"fr": ["x"]}}, "speak"),
        ({"play": []}, "play"),
    ],
)
def test_mistakes_are_named(room: Room, options: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        room.config(**options)


def _degraded(reading: object) -> bool:
    return isinstance(reading, DeviceObserved) and reading.state is DeviceState.DEGRADED


def _ended(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"
