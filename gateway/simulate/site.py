"""The devices of a simulated gate on real ports, and people who use them lane by lane."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, Self

from drivers.emulators.modbus_board import ModbusBoard
from drivers.emulators.scanner import Scanner
from drivers.emulators.thermometer import Thermometer
from gateway.holders.wallet import Wallet
from gateway.simulate.profiles import Profile
from gateway.simulate.scenes import MEASURING_S, Deed, Felt, Moved, Scene, Shown

READER: Final = "scanner-"
"""What the names of the readers begin with."""
_STAYS_S: Final = 2.3
"""Before the thermometer, once they have stepped up."""
_PULSE: Final = 0x0200
"""What the address of a board's relay begins with when it is to be on for a while."""
_PATIENCE_S: Final = 8.0
"""So long somebody who may pass waits for the door to be released."""
_LOOK_S: Final = 0.05
_REACTION_S: Final = 0.3

_HEAD: Final = """\
gateway = {{ id = "410102011003007", district = "410102", street = "011", community = "003", \
state_dir = "state" }}
uplink = {{ host = "127.0.0.1", port = {port}, confirm = "centre", ack_timeout_s = 300.0, \
keepalive_s = 300 }}
page = {{ listen = "off" }}
passes = {{ trust_file = "passes.json" }}

"""
_BOARD: Final = """\
[devices.board]
driver = "modbus_io"
port = "dev/board"
answer_ms = 10000
"""


def stanzas(profile: Profile, broker_port: int) -> str:
    """The configuration of the gate."""
    lanes = [
        *((lane, "entry") for lane in profile.lanes_in),
        *((lane, "exit") for lane in profile.lanes_out),
    ]
    return _HEAD.format(port=broker_port) + "".join(
        [
            *(
                f'lanes.{lane} = {{ direction = "{way}", door = "{lane}" }}\n'
                for lane, way in lanes
            ),
            *(_reader(lane) for lane, _ in lanes),
            *(_thermometer(lane) for lane in profile.lanes_in),
            _BOARD,
            *(
                f'doors.{lane} = {{ role = "gate", input = {number}, strike = {number} }}\n'
                for number, (lane, _) in enumerate(lanes)
            ),
        ]
    )


def _reader(lane: str) -> str:
    return (
        f'devices.{READER}{lane} = {{ driver = "serial_scanner", lane = "{lane}",'
        f' port = "dev/scanner-{lane}" }}\n'
    )


def _thermometer(lane: str) -> str:
    return (
        f'devices.thermometer-{lane} = {{ driver = "gy_mcu906", lane = "{lane}",'
        f' port = "dev/thermometer-{lane}" }}\n'
    )


class Site:
    """Everything that is plugged in; use it as an asynchronous context manager."""

    def __init__(self, profile: Profile, directory: Path, wallet: Wallet) -> None:
        self.performed: list[tuple[float, Scene]] = []
        """What has been played, and when it was to begin."""
        self.slip_s = 0.0
        """By how much something came later than it was to, at most."""
        self.unreleased = 0
        """Doors that were not released for whoever was to go through."""
        self._lanes = [*profile.lanes_in, *profile.lanes_out]
        self._measured = profile.lanes_in
        self._directory = directory
        self._wallet = wallet
        self._scanners: dict[str, Scanner] = {}
        self._thermometers: dict[str, Thermometer] = {}
        self._board: ModbusBoard | None = None
        self._exit = AsyncExitStack()

    @property
    def board(self) -> ModbusBoard:
        """With a contact and a strike for each lane."""
        assert self._board is not None
        return self._board

    async def __aenter__(self) -> Self:
        folder = self._directory / "dev"
        folder.mkdir()
        async with AsyncExitStack() as stack:
            for lane in self._lanes:
                scanner = Scanner(folder / f"scanner-{lane}")
                self._scanners[lane] = await stack.enter_async_context(scanner)
            for lane in self._measured:
                thermometer = Thermometer(folder / f"thermometer-{lane}")
                self._thermometers[lane] = await stack.enter_async_context(thermometer)
            self._board = await stack.enter_async_context(ModbusBoard(folder / "board"))
            for channel in range(len(self._lanes)):
                await self._board.set_input(channel, active=True)
            self._exit = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exit.aclose()

    async def play(self, scenes: Sequence[tuple[float, Scene]], stop: asyncio.Event) -> None:
        """Have the people of one lane come, one after the other, until `stop`."""
        for begins, scene in scenes:
            await _until(begins, stop)
            if stop.is_set():
                return
            self.performed.append((begins, scene))
            await self._act(scene)

    async def _act(self, scene: Scene) -> None:
        loop = asyncio.get_running_loop()
        begins, told = loop.time(), len(self.board.written)
        for at, deed in _moves(scene):
            await _until(begins + at)
            opens = isinstance(deed, Moved) and deed.is_open
            if opens and not await self._released(scene.lane, told):
                self.unreleased += 1
                return
            self.slip_s = max(self.slip_s, loop.time() - begins - at)
            begins = max(begins, loop.time() - at)  # who comes late does the rest later
            await self._do(deed)
        await _until(begins + scene.lasts_s)

    async def _released(self, lane: str, told: int) -> bool:
        """Wait until the strike has been told to let somebody through; `told`: what it was told
        before does not count."""
        relay = _PULSE + self._lanes.index(lane)
        loop = asyncio.get_running_loop()
        given_up = loop.time() + _PATIENCE_S
        waited = False
        while relay not in (at for at, _ in self.board.written[told:]):
            if loop.time() > given_up:
                return False
            waited = True
            await asyncio.sleep(_LOOK_S)
        if waited:
            await asyncio.sleep(_REACTION_S)
        return True

    async def _do(self, deed: Deed) -> None:
        match deed:
            case Shown(lane, holder):
                self._scanners[lane].hold_up(self._wallet.code(holder))
            case Felt(lane, celsius):
                await self._thermometers[lane].person(celsius, stays_s=_STAYS_S)
            case Moved(door, is_open):
                await self.board.set_input(self._lanes.index(door), active=not is_open)


def _moves(scene: Scene) -> Iterator[tuple[float, Deed]]:
    """The deeds by when they are begun: whoever is measured has to step up first."""
    begun = [
        (at - MEASURING_S if isinstance(deed, Felt) else at, number, deed)
        for number, (at, deed) in enumerate(scene.deeds)
    ]
    for at, _, deed in sorted(begun, key=lambda each: each[:2]):
        yield at, deed


async def _until(at_s: float, stop: asyncio.Event | None = None) -> None:
    left_s = at_s - asyncio.get_running_loop().time()
    if left_s <= 0:
        return
    if stop is None:
        await asyncio.sleep(left_s)
        return
    try:
        async with asyncio.timeout(left_s):
            await stop.wait()
    except TimeoutError:
        return
