"""Tells of doors what is news, and what is no longer known when their device is lost."""

from collections.abc import Callable, Mapping, Sequence

from drivers.base import DoorObserved, Emit, Lock, Position, Role
from drivers.switching.wiring import DoorConfig


class Doors:
    """What was told of the doors of one device; outlives its connections."""

    def __init__(self, roles: Mapping[str, Role]) -> None:
        self._roles = roles
        self._told: dict[str, DoorObserved] = {}

    async def tell(
        self,
        emit: Emit,
        door: str,
        *,
        position: Position = Position.UNKNOWN,
        lock: Lock = Lock.UNKNOWN,
        tamper: bool | None = None,
        released: bool = False,
        age_s: float = 0.0,
    ) -> None:
        """Emit what was observed unless it is what was told last; ``released``: its lock is told
        to be open at present, and else nothing."""
        commanded = Lock.UNLOCKED if released else None
        observed = DoorObserved(door, self._roles[door], position, lock, tamper, commanded)
        if self._told.get(door) != observed:
            await emit(observed, age_s=age_s)
            self._told[door] = observed

    async def tell_wired(
        self,
        emit: Emit,
        wired: Mapping[str, DoorConfig],
        levels: Mapping[int, bool],
        released: Callable[[str], bool],
        *,
        age_s: float = 0.0,
    ) -> None:
        """What the inputs' ``levels`` say of each door, as far as it is news."""
        for name, door in wired.items():
            await self.tell(
                emit,
                name,
                position=door.position(levels),
                tamper=door.tamper(levels),
                released=released(name),
                age_s=age_s,
            )

    def lost(self) -> Sequence[DoorObserved]:
        """See :meth:`drivers.base.Driver.lost`."""
        unknown = [DoorObserved(door, role, Position.UNKNOWN) for door, role in self._roles.items()]
        news = [door for door in unknown if self._told.get(door.door) != door]
        self._told.update((door.door, door) for door in news)
        return news
