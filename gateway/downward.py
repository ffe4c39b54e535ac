"""What comes down to this gateway, put together: orders and documents, and who takes them."""

import asyncio
from collections.abc import Awaitable, Callable

from gateway import documents
from gateway.clock import Clock
from gateway.commands import Desk, Hands, Marks, desk_of
from gateway.commands.once import Record
from gateway.config import Config
from gateway.documents import Force, Intake
from gateway.events import Draft
from gateway.messages import Down, Replies
from gateway.signing import Keyring
from gateway.topics import Topics


class Downward:
    """Without a key of the centre nothing is listened to."""

    def __init__(self, desk: Desk, intake: Intake, down: Down) -> None:
        self._desk = desk
        self.intake = intake
        self.down = down
        """For the uplink."""

    async def run(self) -> None:
        """Serve until cancelled."""
        async with asyncio.TaskGroup() as beside:
            beside.create_task(self.intake.run(), name="documents")
            if self.down.takers:
                beside.create_task(self._desk.run(), name="orders")


def downward(
    config: Config,
    clock: Clock,
    hands: Hands,
    force: Force,
    *,
    record: Record,
    note: Callable[[Draft], Awaitable[None]],
) -> Downward:
    """By `config`: `record` returns when events are durable, `note` sees to that in time. What the
    gate works by is in `force` from now on."""
    keys, marks = Keyring.read(config.centre.key_files or ()), Marks(clock)
    down = Down({}, Replies(), force.versions, born=marks.born)
    desk = desk_of(config, keys, clock, marks, hands, down.replies, record=record, note=note)
    intake = documents.opened(config.gateway, keys, clock, force, note=note, news=down.news)
    if keys:
        down.takers.update(desk.takers)
        down.takers[Topics(config.gateway).documents] = intake.take
    return Downward(desk, intake, down)
