"""What comes down to this gateway, put together: who takes orders, and what they are done with."""

from collections.abc import Awaitable, Callable

from gateway.clock import Clock
from gateway.commands import Desk, Hands, Marks, desk_of
from gateway.commands.once import Record
from gateway.config import Config
from gateway.events import Draft
from gateway.messages import Down, Replies
from gateway.signing import Keyring


class Downward:
    """Without a key of the centre nothing is listened to."""

    def __init__(self, desk: Desk, down: Down) -> None:
        self._desk = desk
        self.down = down
        """For the uplink."""

    async def run(self) -> None:
        """Serve until cancelled, if there is somebody to be served."""
        if self.down.takers:
            await self._desk.run()


def downward(
    config: Config,
    clock: Clock,
    hands: Hands,
    *,
    record: Record,
    note: Callable[[Draft], Awaitable[None]],
) -> Downward:
    """By `config`: `record` returns when events are durable, `note` sees to that in time."""
    keys = Keyring.read(config.centre.key_files or ())
    marks, replies = Marks(clock), Replies()
    desk = desk_of(config, keys, clock, marks, hands, replies, record=record, note=note)
    takers = desk.takers if keys else {}
    return Downward(desk, Down(takers, replies, born=marks.born))
