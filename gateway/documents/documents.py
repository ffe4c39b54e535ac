"""The documents of a gate, and how one follows another: all of it, or nothing of it."""

import asyncio
from contextlib import suppress
from typing import NoReturn

from msgspec import structs

from gateway.canonical import read
from gateway.clock import rfc3339
from gateway.config import Place
from gateway.documents.account import Account
from gateway.documents.document import (
    LARGEST,
    NAMES,
    Document,
    DocumentError,
    Times,
    check_meant,
    order_of,
)
from gateway.documents.force import Force, InForce
from gateway.documents.shelf import Kept, Members, Shelf
from gateway.signing import Keyring


class RolledBackError(DocumentError):
    """It was in force, and could not be used."""


class Documents:
    """`news` is set when a version is in force that was not."""

    LOOK_S = 5.0
    """Between two looks at what has become effective, and what has expired."""

    def __init__(
        self,
        shelf: Shelf,
        place: Place,
        keys: Keyring,
        force: Force,
        times: Times,
        account: Account,
        news: asyncio.Event,
    ) -> None:
        self._shelf = shelf
        self._place = place
        self._keys = keys
        self.force = force
        self._times = times
        self._account = account
        self._news = news
        self._pending: dict[str, Document] = {}
        self._expired: dict[str, str] = {}
        self._unfit: list[tuple[str, str | None, str]] = []
        self._turn = asyncio.Lock()

    def open(self) -> None:
        """Work by what is kept: it was checked when it came, and the disk is our own."""
        with suppress(DocumentError):  # the first that comes is told
            self._shelf.make()
        for name in NAMES:
            try:
                kept = self._shelf.load(name)
            except DocumentError as error:
                self._unfit.append((name, None, str(error)))
                continue
            for found in map(Document.of, filter(None, (kept.current, kept.former))):
                try:
                    self.force.begin(self.force.understood(found))
                    break
                except DocumentError as error:
                    self._unfit.append((name, found.version, f"of no use any more: {error}"))
            if kept.pending:
                self._pending[name] = structs.replace(Document.of(kept.pending), body=None)

    def listed(self) -> list[dict[str, str | None]]:
        """What there is, for people."""
        return [_told(name, self.force[name], self._pending.get(name)) for name in NAMES]

    async def take(self, text: bytes, name: str | None = None) -> str:
        """Put the document in `text` in force, or keep it until it is effective; what became of
        it, in words. `name` is what it must be called.

        Raises:
            DocumentError: it is refused, and nothing has changed.
        """
        found, members = await asyncio.to_thread(_read, text)
        if name not in (None, found.name):
            raise DocumentError(f"it is called {found.name}, and came as {name}")
        async with self._turn:
            try:
                return await self._take(found, members)
            except RolledBackError:
                raise
            except DocumentError as error:
                await self._account.refused(found.name, found.version, str(error))
                raise

    async def roll_back(self, name: str) -> str:
        """Put the former version of `name` in force again; only one that is higher than the
        present one will be taken after that.

        Raises:
            DocumentError: there is none, or it cannot be.
        """
        async with self._turn:
            kept = self._shelf.load(name) if name in NAMES else Kept()
            if not kept.current or not kept.former:
                raise DocumentError(f"there is no former {name}")
            former, gone = Document.of(kept.former), Document.of(kept.current)
            made = await asyncio.to_thread(self.force.understood, former)
            back = structs.replace(kept, current=kept.former, former=None)
            await self._put(back, made, kept)
            words = f"{name} {former.version} is in force again"
            await self._account.rolled_back(name, gone.version, words)
            return words

    async def run(self) -> NoReturn:
        """Look after them until cancelled."""
        for each in self._unfit:
            await self._account.refused(*each)
        while True:
            for name in NAMES:
                async with self._turn:
                    await self._look(name)
            await asyncio.sleep(self.LOOK_S)

    async def _take(self, found: Document, members: Members) -> str:
        check_meant(found, members, self._keys, self._place)
        kept = self._shelf.load(found.name)
        if known := _known(found, kept):
            return known
        made = await asyncio.to_thread(self.force.understood, found)
        if not self._times.reached(found.effective_ms):
            self._shelf.save(found.name, structs.replace(kept, pending=members))
            self._pending[found.name] = made.document
            return f"{found.name} {found.version} is kept until {rfc3339(found.effective_ms)}"
        await self._apply(made, members, kept)
        return f"{found.name} {found.version} is in force"

    async def _apply(self, made: InForce, members: Members, kept: Kept) -> None:
        """Work by this from now on, if that can be; else by what there was."""
        found = made.document
        waits = Document.of(kept.pending) if kept.pending else None
        pending = kept.pending if waits and waits.order > found.order else None
        if pending is None:
            self._pending.pop(found.name, None)
        await self._put(Kept(members, kept.current, pending, found.version), made, kept)
        await self._account.applied(found.name, found.version)

    async def _put(self, kept: Kept, made: InForce, before: Kept) -> None:
        """Durable first. What then cannot be used goes back as a whole, and is not tried again."""
        name = made.document.name
        self._shelf.save(name, kept)
        try:
            self.force.switch(made)
        except DocumentError as error:
            with suppress(DocumentError):  # else it is tried again at the next start
                self._shelf.save(name, structs.replace(before, highest=kept.highest))
            await self._account.rolled_back(name, made.document.version, str(error))
            raise RolledBackError(str(error)) from error
        self._expired.pop(name, None)
        self._news.set()

    async def _look(self, name: str) -> None:
        waits, now = self._pending.get(name), self.force[name]
        if waits and self._times.reached(waits.effective_ms):
            del self._pending[name]
            with suppress(DocumentError):  # it has been said
                await self._apply_pending(name)
        elif now and now.document.expires_ms and self._times.reached(now.document.expires_ms):
            found = now.document
            if self._expired.get(name) != found.version:
                self._expired[name] = found.version
                why = f"it expired at {rfc3339(found.expires_ms or 0)}, and is used on"
                await self._account.expired(found, why)

    async def _apply_pending(self, name: str) -> None:
        kept = self._shelf.load(name)
        if kept.pending is None:
            return
        found = Document.of(kept.pending)
        try:
            made = await asyncio.to_thread(self.force.understood, found)
        except DocumentError as error:
            await self._account.refused(name, found.version, str(error))
            raise
        await self._apply(made, kept.pending, kept)


def _read(text: bytes) -> tuple[Document, Members]:
    try:
        members = read(text, most_bytes=LARGEST)
    except ValueError as error:
        raise DocumentError(str(error)) from error
    return Document.of(members), members


def _known(found: Document, kept: Kept) -> str | None:
    """What became of it already, in words; None if it is new.

    Raises:
        DocumentError: what is there counts more.
    """
    for members, where in ((kept.current, "in force"), (kept.pending, "kept for later")):
        there = Document.of(members) if members else None
        if there and there.order == found.order:
            if there.sha256 != found.sha256:
                raise DocumentError(f"another {found.name} of version {there.version} is {where}")
            return f"{found.name} {there.version} is {where} already"
    if kept.highest and found.order <= order_of(kept.highest):
        raise DocumentError(f"version {kept.highest} has been in force; expected a higher one")
    return None


def _told(name: str, now: InForce | None, waits: Document | None) -> dict[str, str | None]:
    expires_ms = now.document.expires_ms if now else None
    return {
        "name": name,
        "version": now.document.version if now else None,
        "expires": rfc3339(expires_ms) if expires_ms else None,
        "pending": waits.version if waits else None,
        "effective": rfc3339(waits.effective_ms) if waits else None,
    }
