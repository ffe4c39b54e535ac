"""The camera's driver: against the emulated camera, and against servers that misbehave."""

import asyncio
import logging
import os
import re
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from drivers.base import CodeScanned, DeviceError, DeviceObserved, DeviceState
from drivers.camera import Config, Driver
from drivers.emulators.camera import Camera
from drivers.opencv import cv2
from tests.collecting import Collector
from tests.drivers import codes
from tests.drivers.running import kept_running, running
from tests.drivers.streams import HEAD, ScriptedServer, in_turn, part, repeats, sends

LIVE = part(codes.jpeg(codes.raw(b"live")))
QUIET = "no picture from the camera for 1 s|sends nothing any more"
"""Who waits for pictures and who waits for bytes are equally patient."""


def boastful(jpeg: bytes) -> bytes:
    """The same JPEG, whose head claims 65,500 × 65,500 pixels."""
    size_at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:size_at] + (65500).to_bytes(2, "big") * 2 + jpeg[size_at + 4 :]


pytestmark = pytest.mark.usefixtures("nothing_left_over")


def driver(source: str | Path, **options: object) -> Driver:
    times = {"open_timeout_s": 0.5, "read_timeout_s": 0.5, "gone_after_s": 0.5, "fps": 60.0}
    stanza = {"driver": "camera", "source": str(source), **times, **options}
    return Driver("camera-1", Config.model_validate(stanza))


async def outcome(camera: Driver, collector: Collector | None = None) -> str:
    """What the driver gives up with."""
    with pytest.raises(DeviceError) as caught:
        async with asyncio.timeout(20):
            await camera.run(collector or Collector())
    return str(caught.value)


def scanned(collector: Collector) -> list[bytes]:
    return [each.payload for each in collector.readings if isinstance(each, CodeScanned)]


class TestEmulatedCamera:
    async def test_each_person_is_one_scan(self) -> None:
        collector = Collector()
        async with Camera(fps=15) as camera, running(driver(camera.url), collector):
            await collector.wait_for(DeviceObserved)
            for payload in (b"first", "第二".encode(), b"first"):
                told = len(collector.readings)
                await camera.person(payload, stays_s=1.4)
                await collector.wait_for(CodeScanned, after=told)
                await asyncio.sleep(0.6)

        assert collector.readings[0] == DeviceObserved(DeviceState.ONLINE)
        assert scanned(collector) == [person.payload for person in camera.shown]
        kinds = {
            (each.symbology, each.medium)
            for each in collector.readings
            if isinstance(each, CodeScanned)
        }
        assert kinds == {("qr", "camera")}

    async def test_the_time_of_a_scan_is_that_of_its_picture(self) -> None:
        collector = Collector()
        loop = asyncio.get_running_loop()
        async with Camera(fps=15) as camera, running(driver(camera.url), collector):
            await collector.wait_for(DeviceObserved)
            person = asyncio.create_task(camera.person(b"code"))
            scan = await collector.wait_for(CodeScanned)
            taken_s = loop.time() - collector.ages_s[-1]
            await person

        assert isinstance(scan, CodeScanned)
        assert camera.shown[0].from_s < taken_s < camera.shown[0].until_s
        assert scan.decode_ms
        assert 0 < scan.decode_ms / 1e3 <= collector.ages_s[-1]

    async def test_the_stream_stops_and_comes_back_time_and_again(self) -> None:
        collector = Collector()
        async with Camera(fps=30) as camera, kept_running(driver(camera.url), collector) as errors:
            for _ in range(4):
                await collector.wait_for(DeviceObserved, after=len(collector.readings))
                await camera.stop_stream()
                told = len(collector.readings)
                while not any("cannot be reached" in str(error) for error in errors):
                    await asyncio.sleep(0.01)
                errors.clear()
                await camera.start_stream()
            await collector.wait_for(DeviceObserved, after=told)

        assert set(collector.readings) == {DeviceObserved(DeviceState.ONLINE)}

    async def test_who_is_still_there_after_an_outage_has_not_come_again(self) -> None:
        collector = Collector()
        async with (
            Camera(fps=15) as camera,
            kept_running(driver(camera.url, gone_after_s=30), collector),
        ):
            person = asyncio.create_task(camera.person(b"patient", stays_s=30))
            await collector.wait_for(CodeScanned)
            await camera.stop_stream()
            told = len(collector.readings)
            await camera.start_stream()
            await collector.wait_for(DeviceObserved, after=told)
            await asyncio.sleep(0.5)
            person.cancel()

        assert scanned(collector) == [b"patient"]

    async def test_photos_instead_of_people(self, tmp_path: Path) -> None:
        for name in ("1.png", "2.jpg"):
            cv2.imwrite(str(tmp_path / name), codes.raw(name.encode()))
        collector = Collector()
        async with (
            Camera(fps=15, photos=tmp_path) as camera,
            running(driver(camera.url), collector),
        ):
            await collector.wait_for(DeviceObserved)
            for _ in range(3):
                await camera.person(stays_s=0.8)
                await asyncio.sleep(0.6)

        assert scanned(collector) == [b"1.png", b"2.jpg", b"1.png"]

    async def test_a_code_stays_out_of_the_log(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        collector = Collector()
        async with Camera() as camera, running(driver(camera.url), collector):
            await collector.wait_for(DeviceObserved)
            await camera.person(b"secret", stays_s=1.5)
            scan = await collector.wait_for(CodeScanned)

        assert "secret" not in caplog.text + repr(scan) + repr(camera.shown)


class TestTroubledStream:
    @pytest.mark.parametrize(
        ("answer", "sentence"),
        [
            ([], QUIET),
            ([HEAD], QUIET),
            ([HEAD, LIVE], "no picture from the camera for 0.5 s"),
            ([HEAD, LIVE, LIVE[: len(LIVE) // 2]], "no picture from the camera for 0.5 s"),
            ([HEAD, LIVE, os.urandom(100_000)], "no picture from the camera for 0.5 s"),
            ([HEAD, part(b"\xff\xd8 broken \xff\xd9")], QUIET),
            ([b"HTTP/1.0 503 Busy\r\n\r\n"], "answers HTTP 503"),
            ([b"HTTP/1.0 401 Who\r\n\r\n"], "asks for a user name and a password"),
            ([b"SSH-2.0-OpenSSH_9.2\r\n", bytes(9000)], "does not speak HTTP/1"),
        ],
    )
    async def test_silence_and_nonsense(self, answer: list[bytes], sentence: str) -> None:
        async with ScriptedServer(sends(*answer)) as server:
            assert re.search(sentence, await outcome(driver(server.url)))

    async def test_the_end(self) -> None:
        collector = Collector()
        async with ScriptedServer(sends(HEAD, LIVE, then_ends=True)) as server:
            sentence = await outcome(driver(server.url), collector)

        assert sentence == f"{server.place} has ended the stream"
        assert scanned(collector) == [b"live"]

    async def test_a_trickle_is_no_picture(self) -> None:
        async with ScriptedServer(repeats(HEAD + LIVE, b"x", every_s=0.05)) as server:
            assert "no picture" in await outcome(driver(server.url))

    @pytest.mark.parametrize(
        "broken", [b"\xff\xd8 broken \xff\xd9", boastful(codes.jpeg(codes.noise()))]
    )
    async def test_broken_pictures_are_passed_over(self, broken: bytes) -> None:
        collector = Collector()
        async with ScriptedServer(repeats(HEAD, part(broken), every_s=0.05)) as server:
            assert "no picture" in await outcome(driver(server.url), collector)
        assert collector.readings == []

        mixed = repeats(HEAD, part(broken), LIVE, every_s=0.02)
        async with ScriptedServer(mixed) as server, running(driver(server.url), collector):
            await collector.wait_for(CodeScanned)

        assert scanned(collector) == [b"live"]

    async def test_nobody_there(self) -> None:
        async with ScriptedServer(sends()) as server:
            url = server.url
        assert "cannot be reached" in await outcome(driver(url))

    async def test_it_can_be_stopped_at_once_while_it_waits(self) -> None:
        loop = asyncio.get_running_loop()
        async with ScriptedServer(sends(HEAD)) as server:
            async with running(driver(server.url, read_timeout_s=60), Collector()):
                while not server.requests:
                    await asyncio.sleep(0.01)
                stopped_s = loop.time()
            assert loop.time() - stopped_s < 5

    async def test_the_password_is_sent_when_it_is_asked_for(self, tmp_path: Path) -> None:
        secret = tmp_path / "camera"
        secret.write_text("gate:pass word\n")
        collector = Collector()
        question = b'HTTP/1.0 401 Who\r\nWWW-Authenticate: Basic realm="x"\r\n\r\n'
        script = in_turn(sends(question, then_ends=True), sends(HEAD, LIVE))
        async with (
            ScriptedServer(script) as server,
            running(driver(server.url, credentials_file=secret), collector),
        ):
            await collector.wait_for(CodeScanned)

        unasked, asked = server.requests
        assert unasked.startswith(b"GET /live?channel=1 HTTP/1.0\r\n")
        assert b"Authorization" not in unasked
        assert b"\r\nAuthorization: Basic Z2F0ZTpwYXNzIHdvcmQ=\r\n" in asked

    async def test_a_missing_credentials_file(self, tmp_path: Path) -> None:
        sentence = await outcome(driver("http://127.0.0.1:1", credentials_file=tmp_path / "none"))
        assert sentence == f"{tmp_path / 'none'} cannot be read: No such file or directory"

    async def test_credentials_in_another_charset(self, tmp_path: Path) -> None:
        file = tmp_path / "camera"
        file.write_bytes("gate:paßwort".encode("latin-1"))
        sentence = await outcome(driver("http://127.0.0.1:1", credentials_file=file))
        assert sentence == f"{file} cannot be read: it is not in UTF-8"

    @pytest.mark.parametrize("host", ["camera..example.org", "a" * 64 + ".example.org"])
    async def test_a_host_that_cannot_be(self, host: str) -> None:
        assert f"{host} cannot be reached" in await outcome(driver(f"http://{host}/live"))


class TestEventLoop:
    async def test_is_not_held_up_by_reading(self) -> None:
        """Large, noisy pictures without a code cost the reader most."""
        crowded = part(codes.jpeg(codes.noise(1080, 1920)))
        async with ScriptedServer(repeats(HEAD + LIVE, crowded, every_s=0.05)) as server:
            collector = Collector()
            async with running(driver(server.url), collector):
                await collector.wait_for(DeviceObserved)
                turns = [await loop_turn() for _ in range(300)]

        # Beside a test that serves the pictures from the same loop; the bound is 10 ms.
        busy_s = sorted(turn.busy_s for turn in turns)
        assert busy_s[-15] < 0.010, busy_s[-20:]
        # Nor does it wait for anything: this includes what else the machine does.
        late_s = sorted(turn.late_s for turn in turns)
        assert late_s[len(late_s) // 2] < 0.010, late_s[::20]


class LoopTurn(NamedTuple):
    busy_s: float
    """CPU that the loop's thread took meanwhile."""
    late_s: float
    """How much later than asked for the loop came back."""


async def loop_turn() -> LoopTurn:
    loop = asyncio.get_running_loop()
    due_s, before_s = loop.time() + 0.005, time.thread_time()
    await asyncio.sleep(0.005)
    return LoopTurn(time.thread_time() - before_s, loop.time() - due_s)


class TestOtherSources:
    @pytest.fixture
    def video(self, tmp_path: Path) -> Path:
        path = tmp_path / "gate.avi"
        shots = [codes.raw(payload) for payload in (b"one", b"two")]
        size = (shots[0].shape[1], shots[0].shape[0])
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 20.0, size)
        for shot in shots:
            for _ in range(10):
                writer.write(cv2.cvtColor(shot, cv2.COLOR_GRAY2BGR))
        writer.release()
        return path

    async def test_a_video_file_is_played_at_its_own_pace_and_ends(self, video: Path) -> None:
        collector = Collector()
        loop = asyncio.get_running_loop()
        began_s = loop.time()

        sentence = await outcome(driver(video), collector)

        assert sentence == f"{video} gives no more pictures"
        assert scanned(collector) == [b"one", b"two"]
        assert loop.time() - began_s >= 0.9

    async def test_a_folder_of_photos(self, tmp_path: Path) -> None:
        cv2.imwrite(str(tmp_path / "a.png"), codes.raw(b"a"))
        cv2.imwrite(str(tmp_path / "b.jpg"), codes.raw(b"b"))
        (tmp_path / "c.jpg").write_bytes(b"no picture")
        (tmp_path / "d.jpg").write_bytes(boastful(codes.jpeg(codes.noise())))
        (tmp_path / "truth.json").write_text("{}")
        collector = Collector()

        sentence = await outcome(driver(tmp_path, read_timeout_s=5), collector)

        assert sentence == f"{tmp_path} has no more photos"
        assert scanned(collector) == [b"a", b"b"]

    async def test_a_playing_video_can_be_stopped(self, video: Path) -> None:
        collector = Collector()
        async with running(driver(video), collector):
            await collector.wait_for(CodeScanned)

        assert scanned(collector) == [b"one"]

    async def test_what_is_no_video(self, tmp_path: Path) -> None:
        path = tmp_path / "notes.txt"
        path.write_text("nothing to see")
        assert await outcome(driver(path)) == f"{path} cannot be opened as a video source"

    async def test_a_device_that_is_no_camera(self) -> None:
        sentence = await outcome(driver("/dev/null", width=1280, height=720))
        assert sentence == "/dev/null cannot be opened as a video source"

    async def test_an_unplugged_device(self) -> None:
        path = "/dev/v4l/by-path/nothing-here"
        assert await outcome(driver(path)) == f"{path} does not exist"

    async def test_a_path_that_cannot_be(self) -> None:
        path = "/" + "a" * 300
        assert await outcome(driver(path)) == f"{path} cannot be opened: File name too long"

    async def test_an_rtsp_server_that_stays_silent(self, tmp_path: Path) -> None:
        secret = tmp_path / "camera"
        secret.write_text("gate:pass/word")
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        async with ScriptedServer(sends()) as server:
            source = f"rtsp://{server.place}/live"

            sentence = await outcome(driver(source, credentials_file=secret))

        assert sentence == f"{server.place} cannot be opened as a video source"
        assert loop.time() - began_s < 10


class TestMissingLibrary:
    """Where a library cannot be imported."""

    async def test_a_decoder_less_is_told_after_the_start(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cv2.imwrite(str(tmp_path / "1.png"), codes.raw(b"read all the same"))
        without(monkeypatch, "pyzbar", tmp_path)
        collector = Collector()

        sentence = await outcome(driver(tmp_path, read_timeout_s=5), collector)

        online, degraded, scan = collector.readings
        assert online == DeviceObserved(DeviceState.ONLINE)
        assert isinstance(degraded, DeviceObserved)
        assert degraded.state is DeviceState.DEGRADED
        assert str(degraded.reason).startswith("zbar is missing: apt-get install")
        assert isinstance(scan, CodeScanned)
        assert sentence.endswith("has no more photos")

    async def test_without_opencv_it_says_what_to_type(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        without(monkeypatch, "cv2", tmp_path)
        install = f"{sys.executable} -m pip install opencv-python-headless"
        assert await outcome(driver(tmp_path)) == f"OpenCV is missing: {install}"


def without(monkeypatch: pytest.MonkeyPatch, library: str, directory: Path) -> None:
    """Lay something before ``library`` that cannot be imported."""
    (directory / f"{library}.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", str(directory))
