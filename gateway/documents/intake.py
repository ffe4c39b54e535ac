"""How documents arrive: from the broker, or laid into a directory by hand."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from gateway.control import Answer, Status
from gateway.documents.document import LARGEST, DocumentError
from gateway.documents.documents import Documents
from gateway.messages import Message

_log = logging.getLogger(__name__)

_MOST_WAITING = 8
"""One of each name, and some that are wrong."""


class Intake:
    """Gives `documents` what comes."""

    def __init__(self, documents: Documents, incoming: Path) -> None:
        self.refused = 0
        self._documents = documents
        self._incoming = incoming
        self._waiting: asyncio.Queue[Message] = asyncio.Queue(_MOST_WAITING)

    def take(self, message: Message) -> None:
        """Take what the broker sent, soon."""
        if not message.payload:  # the broker keeps this document no more
            return
        if len(message.payload) > LARGEST:
            self._count(message.topic, f"it is longer than {LARGEST} bytes")
            return
        try:
            self._waiting.put_nowait(message)
        except asyncio.QueueFull:
            self._count(message.topic, "too many at once")

    async def run(self) -> NoReturn:
        """Serve until cancelled."""
        await self._take_incoming()
        async with asyncio.TaskGroup() as beside:
            beside.create_task(self._documents.run())
            while True:
                message = await self._waiting.get()
                try:
                    await self._documents.take(message.payload, message.topic.rpartition("/")[2])
                except DocumentError as error:
                    self._count(message.topic, str(error))

    async def answer(self, request: Mapping[str, Any]) -> Answer:
        """`documents`, from the local socket: what there is, take what was laid down, roll back."""
        match request.get("do"), request.get("name"):
            case "list", _:
                return Answer(body=self._documents.listed())
            case "take", _:
                said = await self._take_incoming()
                well = all(done for _, done in said)
                text = "\n".join(words for words, _ in said) or "there is nothing to take"
                return Answer(status=Status.DONE if well else Status.CONFLICT, text=text)
            case "roll-back", str(name):
                try:
                    return Answer(text=await self._documents.roll_back(name))
                except DocumentError as error:
                    return Answer(status=Status.CONFLICT, text=str(error))
            case _:
                text = 'expected "do": "list", "take", or "roll-back" with "name"'
                return Answer(status=Status.WRONG, text=text)

    async def _take_incoming(self) -> list[tuple[str, bool]]:
        """Take what lies there; what became of each in words, and whether it is taken."""
        said = []
        for path in sorted(self._incoming.glob("*.json")):
            try:
                text = await asyncio.to_thread(_content, path)
                said.append((await self._documents.take(text), True))
            except DocumentError as error:
                _log.warning("%s is not taken: %s", path.name, error)
                said.append((f"{path.name} is not taken: {error}", False))
            with suppress(OSError):  # whatever it was, it is not tried again
                path.unlink()
        return said

    def _count(self, topic: str, why: str) -> None:
        # Once as a warning: whoever sends nonsense a thousand times must not fill the disk.
        level = logging.DEBUG if self.refused else logging.WARNING
        self.refused += 1
        _log.log(level, "a document on %s is not taken: %s", topic, why)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise DocumentError(f"it cannot be read: {error.strerror}") from error
