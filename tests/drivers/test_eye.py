"""The eye's process: killed, hung, orphaned, fed with garbage; and what it costs the daemon."""

import asyncio
import os
import random
import signal
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from drivers import qr
from drivers.base import CodeScanned, DeviceError, DeviceObserved, DeviceState
from drivers.camera import Config, Driver
from drivers.camera.conditions import Conditions
from drivers.camera.process import GRACE_S, Eye
from drivers.eye.capture import brightness, packed
from drivers.eye.messages import Code, Look, Measures, parse
from drivers.eye.newest import Frame
from drivers.eye.sight import Sight
from drivers.opencv import cv2
from drivers.presence import Presence
from drivers.qr.grey import Grey
from tests.collecting import Collector
from tests.drivers import codes
from tests.drivers.conftest import children
from tests.drivers.running import kept_running, running
from tests.drivers.streams import HEAD, ScriptedServer, part, repeats, sends

LIVE = part(codes.jpeg(codes.raw(b"live")))
ONLINE = DeviceObserved(DeviceState.ONLINE)


def camera(source: str) -> Config:
    return Config(
        driver="camera", source=source, open_timeout_s=0.5, read_timeout_s=0.5, fps=60
    )  # fmt: skip


@pytest.mark.usefixtures("nothing_left_over")
class TestProcess:
    async def test_killed_it_is_noticed_at_once_and_started_again(self) -> None:
        collector = Collector()
        async with (
            ScriptedServer(repeats(HEAD, LIVE, every_s=0.02)) as server,
            kept_running(Driver("camera-1", camera(server.url)), collector) as errors,
        ):
            for time_round in range(3):
                await collector.wait_for(DeviceObserved, after=len(collector.readings))
                (pid,) = children()
                os.kill(pid, signal.SIGKILL)
                async with asyncio.timeout(5):
                    while len(errors) <= time_round:
                        await asyncio.sleep(0.005)

        assert {str(each) for each in errors[:3]} == {"the camera's process was ended by SIGKILL"}
        assert len(collector.matching(CodeScanned)) == 1, "who is still there has not come again"

    async def test_hung_it_is_killed_within_its_deadline(self) -> None:
        collector = Collector()
        loop = asyncio.get_running_loop()
        async with (
            ScriptedServer(repeats(HEAD, LIVE, every_s=0.02)) as server,
            running(Driver("camera-1", camera(server.url)), collector) as task,
        ):
            await collector.wait_for(DeviceObserved)
            (pid,) = children()
            os.kill(pid, signal.SIGSTOP)
            stopped_s = loop.time()
            with pytest.raises(DeviceError, match=r"hung for 2\.5 s and was killed"):
                await task

        assert loop.time() - stopped_s < 0.5 + GRACE_S + 2

    async def test_it_goes_when_the_daemon_is_killed(self) -> None:
        async with ScriptedServer(sends(HEAD)) as server:
            program = (
                "import asyncio; from tests.drivers.test_eye import camera, Driver, Collector; "
                f"asyncio.run(Driver('x', camera({server.url!r})).run(Collector()))"
            )
            daemon = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
            async with asyncio.timeout(30):
                while not server.requests:
                    await asyncio.sleep(0.01)
                (eye,) = children(daemon.pid)
                daemon.kill()
                await daemon.wait()
                while _alive(eye):
                    await asyncio.sleep(0.01)

    async def test_the_daemon_loads_no_native_decoder(self) -> None:
        program = (
            "import sys, drivers.camera, gateway.app; "
            "print({'cv2', 'numpy', 'zxingcpp', 'pyzbar'} & set(sys.modules))"
        )
        daemon = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", program), stdout=asyncio.subprocess.PIPE
        )
        assert (await daemon.communicate())[0] == b"set()\n"


def _alive(pid: int) -> bool:
    """Whether the process is there; one that only waits to be collected is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class TestSight:
    def test_no_broken_jpeg_upsets_it(self) -> None:
        """Cut off, bits turned over, pieces repeated, sizes of the head beyond reason."""
        rng = random.Random(1)
        sight = Sight(qr.open_reader())
        whole = codes.jpeg(codes.raw(b"fuzz"))
        unpacked = 0
        for turn in range(1500):
            broken = bytearray(whole)
            for _ in range(rng.randint(1, 20)):
                broken[rng.randrange(2, len(broken))] = rng.randrange(256)
            at, to = sorted(rng.randrange(len(broken)) for _ in range(2))
            broken[at:to] = broken[at:to] * rng.choice((0, 1, 1, 1, 2))
            unpacked += sight.look(Frame(turn, bytes(broken))) is not None

        assert 0 < unpacked < 1500
        found = sight.look(Frame(9999.0, whole))
        assert found is not None
        assert [code.payload for code in found.codes] == [b"fuzz"]

    @pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1)])
    def test_nor_does_a_picture_that_is_a_line(self, size: tuple[int, int]) -> None:
        look = Sight(qr.open_reader(), aiming=True).look(Frame(1.0, np.zeros(size, np.uint8)))
        assert look is not None
        assert look.picture is not None

    def test_hours_in_fast_motion_take_no_memory(self) -> None:
        sight = Sight(qr.open_reader())
        seen = [codes.raw(b"%d" % each, scale=3) for each in range(50)]
        # What no attempt reads takes every one of them: spoilt codes, and dark noise.
        spoilt = [codes.rippled(each, 12) for each in seen[:5]]
        night = [codes.noise(99, 99, seed=each) // 16 for each in range(5)]
        shots = [codes.jpeg(each) for each in seen + spoilt + night]

        def run(first: int, count: int) -> None:
            for turn in range(first, first + count):
                sight.look(Frame(turn / 15, shots[turn % len(shots)]))

        run(0, 3000)
        before = resident_bytes()
        run(3000, 17_000)

        assert resident_bytes() - before < 4 << 20

    @pytest.mark.parametrize("fps", [5, 15])
    def test_a_code_far_away_is_held_up_by_one_person(self, fps: int) -> None:
        sight, presence = Sight(qr.open_reader()), Presence(2.0)
        far = codes.held_up(codes.small(codes.raw(b"far away"), 1.3 / 4), 720, 1280)
        visits = []
        for turn in range(12 * fps):
            look = sight.look(Frame(100 + turn / fps, codes.grainy(far, 1, seed=turn)))
            assert look is not None
            visits += presence.look([code.payload for code in look.codes], look.taken_s)
        assert visits == [b"far away"]

    def test_a_still_scene_is_read_four_times_a_second(self) -> None:
        reader = CountingReader()
        sight = Sight(reader)
        still = codes.noise(720, 1280) // 16
        for turn in range(150):
            noisy = still + np.random.default_rng(turn).integers(0, 8, still.shape, np.uint8)
            sight.look(Frame(100 + turn / 15, noisy))

        assert 35 <= reader.count <= 45

    def test_what_comes_into_the_picture_is_read_at_once(self) -> None:
        reader = CountingReader()
        sight = Sight(reader)
        scene = np.full((720, 1280), 120, np.uint8)
        sight.look(Frame(1.0, scene))
        entered = scene.copy()
        entered[300:352, 600:652] = cv2.resize(codes.raw(b"x"), (52, 52))
        sight.look(Frame(1.0625, entered))

        assert reader.count == 2

    def test_a_large_jpeg_is_halved_and_the_next_small_one_is_not(self) -> None:
        sight = Sight(CountingReader())
        large, usual = codes.jpeg(codes.noise(2000, 3000)), codes.jpeg(codes.noise(720, 1280))
        looks = [
            sight.look(Frame(at, shot)) for at, shot in enumerate([large, large, usual, usual])
        ]
        assert [each and each.width for each in looks] == [3000, 1500, 640, 1280]

    def test_the_same_picture_to_the_last_bit_is_told(self) -> None:
        sight = Sight(CountingReader())
        picture, other = codes.noise(), codes.noise(seed=2)
        same_s = []
        for at, shot in enumerate([picture, other, other.copy(), other, picture], start=1):
            look = sight.look(Frame(at, shot))
            assert look is not None
            assert look.measures is not None
            same_s.append(look.measures.same_s)
        assert same_s == [0, 0, 1, 2, 0]


class CountingReader(qr.Reader):
    """Reads nothing and counts how often."""

    def __init__(self) -> None:
        super().__init__(qr.Attempts([lambda grey: qr.Look([])]))
        self.count = 0

    def glance(self, grey: Grey) -> list[qr.Symbol]:
        self.count += 1
        return super().glance(grey)


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


class TestDaemonsPart:
    def test_days_of_looks_take_no_memory(self) -> None:
        presence, conditions = Presence(2.0), Conditions()
        measures = Measures(brightness=9, glare=0, structure=1, focus=1, sharpness=0.5, same_s=0)
        look = Look(taken_s=0, took_ms=2, width=1280, height=720, measures=measures)

        def run(count: int) -> None:
            for turn in range(count):
                code = Code(payload=b"%d" % turn, symbology="qr", decoder="zxing")
                line = look.model_copy(update={"taken_s": turn / 15, "codes": (code,)}).line()
                heard = parse(line)
                assert isinstance(heard, Look)
                presence.look([each.payload for each in heard.codes], heard.taken_s)
                conditions.look(heard)

        run(1000)
        tracemalloc.start()
        try:
            run(1000)
            before, _ = tracemalloc.get_traced_memory()
            run(10_000)
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert after - before < 100_000

    @pytest.mark.parametrize(
        "line", [b"", b"{}", b"nonsense \xff", b'{"kind":"look"}', b"[" * 9999]
    )
    def test_what_a_crash_leaves_in_the_pipe_is_no_message(self, line: bytes) -> None:
        with pytest.raises(ValueError, match="validation error"):
            parse(line)

    def test_a_codes_content_is_in_no_repr(self) -> None:
        code = Code(payload=b"secret", symbology="qr", decoder="zxing")
        look = Look(taken_s=0, took_ms=0, width=1, height=1, codes=(code,), picture=b"secret")
        assert "secret" not in repr(look)


class TestDevicesOwnFormats:
    """No camera is needed to see that its bytes come out right."""

    def test_yuyv_is_every_other_byte(self) -> None:
        grey = codes.noise(48, 64)
        buffer = np.stack([grey, np.full_like(grey, 128)], axis=2)
        assert np.array_equal(np.asarray(brightness(buffer)), grey)

    def test_mjpeg_stays_packed(self) -> None:
        jpeg = codes.jpeg(codes.noise())
        assert packed(np.frombuffer(jpeg, np.uint8).reshape(1, -1)) == jpeg


async def test_a_still_scene_costs_little_of_a_core() -> None:
    """Capture included, 15 fps at 720p; the bound is generous, see the figures in the README."""
    grain = np.random.default_rng(1).normal(0, 3, (4, 720, 1280))
    shots = [codes.jpeg(np.clip(120 + each, 0, 255).astype(np.uint8)) for each in grain]
    script = repeats(HEAD, *map(part, shots), every_s=1 / 15)
    async with ScriptedServer(script) as server:
        async with Eye(Config(driver="camera", source=server.url).options) as eye:
            await eye.ready()
            await eye.look()
            (pid,) = children()
            began_s, before_s = time.monotonic(), cpu_s(pid)
            while time.monotonic() - began_s < 4:
                await eye.look()
            share = (cpu_s(pid) - before_s) / (time.monotonic() - began_s)
        assert share < 0.15


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
