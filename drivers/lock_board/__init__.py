"""Lock-control boards ("锁控板"): they open locks for an instant and read the locks' feedback.

Three protocols cover most of them: ``xor5``, ``wkly``, ``kerong``. All are spoken on RS-485, so
several boards and other devices may share the line.

The board itself times the impulse that opens a lock, and the gateway knows no command that keeps
one shut. Whether a lock's feedback contact closes when it is locked or when it is open depends on
how the lock is built, so each has to say which: try it with the lock in hand. The feedback is that
of the bolt; where the door leaf is, these boards cannot tell.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Final, Literal, NoReturn, Self

from pydantic import Field, model_validator

from drivers.base import (
    Command,
    DeviceError,
    DeviceObserved,
    DeviceState,
    DoorObserved,
    Emit,
    Lock,
    Name,
    OptionTable,
    Role,
)
from drivers.base import Driver as BaseDriver
from drivers.counters import Counters
from drivers.lock_board import kerong, wkly, xor5
from drivers.lock_board.family import Codec, Family, LockReport
from drivers.switching import ReleaseMs, Strike, Switching
from drivers.switching.doors import Doors
from drivers.switching.wiring import Level, each_once
from drivers.wire import bus
from drivers.wire.bus import Line, LineConfig

FAMILIES: Final[dict[str, Family]] = {
    "xor5": xor5.FAMILY,
    "wkly": wkly.FAMILY,
    "kerong": kerong.FAMILY,
}


class LockConfig(OptionTable):
    """`[devices.NAME.doors.DOOR]`: a door and its lock."""

    role: Role
    """What the door is for: `gate` or `sealed`; a home door has no lock of ours."""
    lock: Annotated[int, Field(ge=1, le=64)]
    """The lock's number, as the board prints it, from 1."""
    locked_when: Level
    """Its feedback while it is locked; try it, for it differs from lock to lock."""
    release_ms: ReleaseMs = 1000
    """How long the board drives the lock, in milliseconds; told, not set: the board knows."""

    @model_validator(mode="after")
    def _no_home(self) -> Self:
        if self.role is Role.HOME:
            raise ValueError("a home door is only ever watched; nothing may lock or release it")
        return self


class Config(LineConfig):
    """A lock-control board on an RS-485 line."""

    driver: Literal["lock_board"]
    protocol: Literal["xor5", "wkly", "kerong"]
    """Which protocol it speaks: begins its frames with 8A and 80, with 57 4B 4C 59, or with 02."""
    baud: Annotated[int, Field(ge=300, le=4_000_000)] = 9600
    """Bits per second; `kerong` is sold with 19200."""
    address: Annotated[int, Field(ge=0, le=255)] = 1
    """The board's number, as its switches say."""
    poll_ms: Annotated[int, Field(ge=50, le=60_000)] = 200
    """Pause between two looks at the locks, in milliseconds."""
    doors: Annotated[dict[Name, LockConfig], Field(min_length=1)]
    """The doors whose locks are wired to this board."""

    @property
    def releasable(self) -> frozenset[str]:
        """See :meth:`drivers.base.DeviceConfig.releasable`."""
        return frozenset(self.doors)

    @property
    def station(self) -> str:
        """See :meth:`drivers.wire.bus.LineConfig.station`."""
        return f"{self.protocol} board {self.address}"

    @property
    def family(self) -> Family:
        """What the board speaks."""
        return FAMILIES[self.protocol]

    def notices(self) -> Sequence[str]:
        """See :meth:`drivers.base.DeviceConfig.notices`."""
        usual = self.family.baud
        if self.baud == usual:
            return ()
        return [f"{self.protocol} boards are sold with {usual} baud, and baud is {self.baud}"]

    @model_validator(mode="after")
    def _as_the_board_counts(self) -> Self:
        boards, locks = self.family.boards, self.family.locks
        if self.address not in boards:
            raise ValueError(f"address is {self.address}; expected {boards[0]} to {boards[-1]}")
        for name, door in self.doors.items():
            if door.lock not in locks:
                raise ValueError(f"doors.{name}.lock is {door.lock}, but the last is {locks[-1]}")
        each_once([(door.lock, f"doors.{name}.lock") for name, door in self.doors.items()], "lock")
        return self


class Driver(BaseDriver):
    """Looks at the locks' feedback in turn and opens one when told to."""

    def __init__(self, name: str, config: Config) -> None:
        self._config = config
        self._doors = Doors({name: door.role for name, door in config.doors.items()})
        strikes = {name: Strike(each.lock, each.release_ms) for name, each in config.doors.items()}
        self._switching = Switching(strikes, {})

    async def run(self, emit: Emit) -> NoReturn:
        """See :meth:`drivers.base.Driver.run`."""
        config = self._config
        async with bus.joined(config.port, config.settings) as line:
            board = _Board(line, config, self.counters)
            await board.look()
            async with self._switching.connected(board):
                self.counters.online()
                await emit(DeviceObserved(DeviceState.ONLINE))
                while True:
                    await self._tell(emit, board.active)
                    await self._switching.wait(config.poll_ms / 1000)
                    await board.look()

    async def execute(self, command: Command) -> None:
        """See :meth:`drivers.base.Driver.execute`."""
        await self._switching.execute(command)

    def lost(self) -> Sequence[DoorObserved]:
        """See :meth:`drivers.base.Driver.lost`."""
        return self._doors.lost()

    async def _tell(self, emit: Emit, active: dict[int, bool]) -> None:
        for name, door in self._config.doors.items():
            lock = Lock.UNKNOWN
            if door.lock in active:
                is_locked = active[door.lock] is (door.locked_when == "active")
                lock = Lock.LOCKED if is_locked else Lock.UNLOCKED
            released = self._switching.released(name)
            await self._doors.tell(emit, name, lock=lock, released=released)


class _Board:
    """The board on its line; see :class:`drivers.switching.Board`."""

    def __init__(self, line: Line, config: Config, counters: Counters) -> None:
        self.active: dict[int, bool] = {}
        """The feedback contact of each lock that was heard of."""
        self._line = line
        self._config = config
        self._counters = counters

    def times(self, milliseconds: int) -> bool:
        """It times every impulse by itself, to its own length."""
        return milliseconds > 0

    async def switch(self, output: int, *, on: bool) -> None:
        """There is nothing here that stays on."""
        raise DeviceError(
            f"lock {output} can be opened, and not be switched {'on' if on else 'off'}"
        )

    async def pulse(self, output: int, milliseconds: int) -> None:  # the board knows how long
        """Open the lock ``output``."""
        question = self._config.family.open(self._config.address, output)
        answer = await self._ask(question, lambda report: _opens(report, output), attempts=1)
        if answer is None:
            await self._query(output)  # many do not answer to the other: is it there at all?
        elif not answer.opening:
            raise DeviceError(f"board {self._config.address} could not open lock {output}")

    async def look(self) -> None:
        """Read the feedback of every lock that is configured."""
        self.active = {}
        for door in self._config.doors.values():
            if door.lock not in self.active:  # some boards tell of all at once
                await self._query(door.lock)

    async def _query(self, lock: int) -> None:
        question = self._config.family.query(self._config.address, lock)
        attempts = self._config.attempts
        if not await self._ask(question, lambda report: _tells(report, lock), attempts=attempts):
            raise DeviceError(
                f"{self._line.name}: lock board {self._config.address} does not answer "
                f"({attempts} times asked, {self._config.answer_ms / 1000:g} s each)"
            )

    async def _ask(
        self, question: bytes, wanted: Callable[[LockReport], bool], *, attempts: int
    ) -> LockReport | None:
        for _ in range(attempts):
            hear = partial(self._hear, self._config.family.codec(self._counters), wanted)
            try:
                return await self._line.exchange(
                    question, hear, answer_s=self._config.answer_ms / 1000
                )
            except TimeoutError:
                self._counters.timeout += 1
        return None

    def _hear(
        self, codec: Codec, wanted: Callable[[LockReport], bool], data: bytes
    ) -> LockReport | None:
        ours = [each for each in codec.feed(data) if each.board == self._config.address]
        self.active |= {each.lock: each.active for each in ours if each.active is not None}
        return next(filter(wanted, ours), None)


def _opens(report: LockReport, lock: int) -> bool:
    return report.lock == lock and report.opening is not None


def _tells(report: LockReport, lock: int) -> bool:
    return report.lock == lock and report.opening is None
