"""A desk as the gateway has it, with a real journal and ledger; its hands note what they do."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from gateway.clock import Clock
from gateway.commands import LEDGER, Desk, Hands, Marks, desk_of
from gateway.commands.ledger import Ledger
from gateway.config import CommandsConfig, Config, Ordered, UplinkConfig
from gateway.control import Answer
from gateway.errors import JournalError
from gateway.events import CommandData, Draft, decode
from gateway.journal import Journal
from gateway.messages import Message, Replies
from gateway.signing import Keyring
from tests.journal.journals import CLOCK, opened
from tests.signers import keyring
from tests.uplink.gate import BASE, PLACE

COMMAND = f"{BASE}/down/command"
NOTICE = "cg1/410102/011/003/_all/down/notice"
REPLY = f"{BASE}/up/reply"


class Doing:
    """What the hands have done, and what becomes of it."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []
        self.before: Callable[[], None] = lambda: None
        """Called before a door is touched."""
        self.trouble: Exception | None = None
        self.held = asyncio.Event()
        self.held.set()

    async def release(self, door: str) -> None:
        self.before()
        self.done.append(("release", door))
        await self.held.wait()
        if self.trouble:
            raise self.trouble

    async def reload(self) -> Answer:
        self.done.append(("reload",))
        return Answer(text="nothing has changed")

    def resend(self, epoch: str, first: int, last: int) -> str | None:
        self.done.append(("resend", epoch, first, last))
        return None if last < 1000 else "it names events that do not exist"

    def diagnose(self) -> Mapping[str, Any]:
        self.done.append(("diagnose",))
        return {"devices": {"camera": "x" * 100}}

    def log_level(self, level: str, minutes: int) -> str:
        self.done.append(("log-level", level, minutes))
        return f"logging from {level} up"

    def restart(self) -> None:
        self.done.append(("restart",))

    def known(self, kind: str, name: str) -> bool:
        return (kind, name) in {
            ("door", "gate-1"),
            ("door", "flat-3"),
            ("home", "flat-3"),
            ("lane", "in-1"),
            ("alarm", "f00"),
        }

    @property
    def hands(self) -> Hands:
        return Hands(
            release=self.release,
            reload=self.reload,
            resend=self.resend,
            diagnose=self.diagnose,
            log_level=self.log_level,
            restart=self.restart,
            known=self.known,
        )


class There:
    """A desk at work, and what can be seen of it."""

    def __init__(self, desk: Desk, journal: Journal, replies: Replies, marks: Marks) -> None:
        self.desk = desk
        self.marks = marks
        self.doing = Doing()
        self._journal = journal
        self._replies = replies

    async def told(self, members: Mapping[str, Any], /, **message: Any) -> dict[str, Any]:
        """What the answer to an order says."""
        self.give(members, **message)
        return await self.answer()

    def give(self, members: Mapping[str, Any], /, topic: str = COMMAND, **message: Any) -> None:
        """Have an order arrive."""
        self.desk.take(Message(topic, json.dumps(members).encode(), **message))

    async def answer(self) -> dict[str, Any]:
        """The next answer."""
        async with asyncio.timeout(20):
            reply = await self._replies.next()
        self._replies.sent(reply)
        envelope = json.loads(reply.payload)
        assert envelope["type"] == "checkpoint.reply.v1"
        data: dict[str, Any] = envelope["data"]
        return data | {"topic": reply.topic, "correlation": reply.correlation}

    async def events(self) -> list[CommandData]:
        """What has been recorded."""
        rows = await self._journal.read(0, max_rows=10_000, max_bytes=1 << 30)
        decoded = [decode(row.body) for row in rows]
        return [each.data for each in decoded if each and isinstance(each.data, CommandData)]

    async def statuses(self) -> list[int]:
        """Those of the events."""
        return [each.status for each in await self.events()]


@asynccontextmanager
async def desk_at_work(
    directory: Path,
    *,
    allow: Sequence[Ordered] = tuple(Ordered),
    keys: Keyring | None = None,
    clock: Clock = CLOCK,
    doing: Doing | None = None,
    since_ms: int = 0,
) -> AsyncIterator[There]:
    """A desk in `directory`, where another may have been before; it remembers since `since_ms`."""
    config = Config(
        gateway=PLACE.model_copy(update={"state_dir": directory}),
        uplink=UplinkConfig(host="localhost"),
        commands=CommandsConfig(allow=list(allow)),
    )
    async with opened(directory / "journal.db", clock=clock) as journal:
        doing, replies, marks = doing or Doing(), Replies(), Marks(clock)
        Ledger(directory / LEDGER).open(since_ms)

        async def note(event: Draft) -> None:
            with suppress(JournalError):  # as the recorder, which keeps it for later
                await journal.append([event])

        desk = desk_of(
            config,
            keys or keyring(),
            clock,
            marks,
            doing.hands,
            replies,
            record=journal.append,
            note=note,
        )
        there = There(desk, journal, replies, marks)
        there.doing = doing
        running = asyncio.create_task(desk.run())
        try:
            yield there
        finally:
            running.cancel()
            await asyncio.wait([running])
            if not running.cancelled():
                running.result()
