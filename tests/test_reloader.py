"""What becomes of a file that is to be taken into force: said once, in full, and everywhere."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import drivers
from gateway import configfile
from gateway.clock import Clock
from gateway.config import Config
from gateway.control import Status
from gateway.errors import GatewayError
from gateway.events import DocumentData, Draft
from gateway.reload import Reloader
from tests.brokers import until

GOOD = """
gateway = { id = "1", district = "1", street = "1", community = "1" }
uplink = { host = "mqtt.example.org" }
"""


WATCHED = GOOD.replace("gateway = {", "gateway = { reload_on_change = true,")


class Gate:
    """Where a configuration is taken into force, or refuses to be."""

    def __init__(self, directory: Path, text: str) -> None:
        self.file = directory / "gateway.toml"
        self.file.write_text(text)
        self.applied: list[Config] = []
        self.events: list[DocumentData] = []
        self.refuses = False
        self.wanted = asyncio.Event()
        config, clock = configfile.load(self.file), Clock()
        self.reloader = Reloader(
            *(self.file, config, self.apply, self.refresh),
            *(self.note, clock, self.wanted),
            look_s=0.2,
        )

    async def refresh(self) -> str:
        return "and in no other file"

    async def apply(self, config: Config) -> str:
        if self.refuses:
            raise GatewayError("it cannot be")
        self.applied.append(config)
        return "done"

    async def note(self, event: Draft) -> None:
        assert isinstance(event.data, DocumentData)
        self.events.append(event.data)


@asynccontextmanager
async def at_work(directory: Path, text: str = GOOD) -> AsyncIterator[Gate]:
    gate = Gate(directory, text)
    running = asyncio.create_task(gate.reloader.run())
    try:
        yield gate
    finally:
        running.cancel()
        await asyncio.wait([running])


@pytest.fixture
def broken_driver(tmp_path: Path) -> Iterator[str]:
    source = "class Config(DeviceConfig):\nclass Driver(BaseDriver):\n"
    (tmp_path / "broken.py").write_text(source)
    drivers.__path__.append(str(tmp_path))
    yield "broken"
    drivers.__path__.remove(str(tmp_path))


async def test_whoever_asks_meanwhile_gets_the_same_answer(tmp_path: Path) -> None:
    async with at_work(tmp_path) as gate:
        gate.file.write_text(GOOD + "# one\n")
        answers = await asyncio.gather(*(gate.reloader.reload() for _ in range(5)))
        assert len(set(map(id, answers))) == 1
        assert [each.version for each in gate.applied] == [gate.reloader.version]
        gate.file.write_text(GOOD + "# two\n")
        await gate.reloader.reload()
        gate.wanted.set()
        assert (await gate.reloader.reload()).text.startswith("nothing has changed")
    assert [each.version for each in gate.applied] == [e.version for e in gate.events[1:]]


async def test_what_cannot_be_applied_is_refused_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with at_work(tmp_path) as gate:
        first = gate.reloader.version
        gate.refuses = True
        gate.file.write_text(GOOD + "# another\n")
        for _ in range(3):
            answer = await gate.reloader.reload()
            assert (answer.status, answer.text) == (Status.CONFLICT, "it cannot be")
        assert (gate.reloader.version, gate.reloader.refused) == (first, "it cannot be")
        gate.file.write_text(GOOD + "# yet another\n")
        await gate.reloader.reload()
        gate.file.write_text(GOOD)
        await gate.reloader.reload()
        assert gate.reloader.refused is None
    assert [each.state for each in gate.events] == ["applied", "refused", "refused"]
    assert len({each.version for each in gate.events}) == 3
    assert len(caplog.messages) == 3
    assert (
        caplog.messages[-1] == f"the file is that of configuration {first} again, which is in force"
    )


@pytest.mark.parametrize("file", ["another.toml", "\0", 5, {"a": 1}])
async def test_another_file_than_the_one_in_use_is_not_taken(tmp_path: Path, file: object) -> None:
    async with at_work(tmp_path) as gate:
        answer = await gate.reloader.answer({"request": "reload", "file": file})
        assert answer.status is Status.CONFLICT


async def test_a_driver_that_cannot_be_imported_stops_nothing(
    tmp_path: Path, broken_driver: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with at_work(tmp_path) as gate:
        gate.file.write_text(f'{GOOD}[devices.x]\ndriver = "{broken_driver}"\n')
        answer = await gate.reloader.reload()
        assert answer.status is Status.CONFLICT
        assert (
            answer.text == "a driver that the configuration names failed; the log has the details"
        )
        gate.file.write_text(GOOD + "# good again\n")
        assert (await gate.reloader.reload()).status is Status.DONE
    assert any(record.exc_info for record in caplog.records)


async def test_a_file_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    async with at_work(tmp_path, WATCHED) as gate:
        with gate.file.open("a") as file:
            file.write("[lanes.in-1]\n# direction is missing yet")
            for _ in range(50):
                file.write(".")
                file.flush()
                await asyncio.sleep(0.02)
            file.write('\ndirection = "entry"\n')
        await until(lambda: gate.applied)
        gate.file.write_text(WATCHED + "wrong = 1\n")
        await until(lambda: gate.reloader.refused)
        gate.file.write_text(GOOD)
        await until(lambda: gate.reloader.refused is None)
        gate.file.write_text(GOOD + "# nobody watches any more\n")
        await asyncio.sleep(1.0)
    assert [each.state for each in gate.events] == ["applied", "applied", "refused", "applied"]


async def test_of_many_mistakes_an_event_tells_the_first(tmp_path: Path) -> None:
    async with at_work(tmp_path) as gate:
        gate.file.write_text(GOOD + "\n".join(f"wrong-{number} = 1" for number in range(20)))
        answer = await gate.reloader.reload()
        assert answer.status is Status.MISTAKES
        told = answer.text.splitlines()
        assert len(told) == 20
        assert gate.events[-1].reason == "\n".join([*told[:5], "and 15 more"])
        gate.file.unlink()
        await gate.reloader.reload()
        assert gate.events[-1].version is None
