"""Tells of doors what is news, and what is no longer known when their device is lost."""

from collections.abc import Mapping, Sequence

from drivers.base import DoorObserved, Emit, Lock, Position, Role


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

    def lost(self) -> Sequence[DoorObserved]:
        """See :meth:`drivers.base.Driver.lost`."""
        unknown = [DoorObserved(door, role, Position.UNKNOWN) for door, role in self._roles.items()]
        news = [door for door in unknown if self._told.get(door.door) != door]
        self._told.update((door.door, door) for door in news)
        return news


def only_watched(role: Role, releases: object) -> None:
    """Refuse whatever could lock or release a home door.

    Raises:
        ValueError: ``releases`` is set at one.
    """
    if role is Role.HOME and releases is not None:
        raise ValueError("a home door is only ever watched; nothing may lock or release it")
