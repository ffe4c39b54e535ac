"""Has somebody asked about health codes that nobody here can judge, and records the answers."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final, NoReturn

from msgspec.structs import replace

from gateway.checkpoint.machine import Ask
from gateway.clock import Clock
from gateway.config.passes import Answer, ResolverConfig
from gateway.errors import GatewayError
from gateway.events import Draft, Kind, Verdict

if TYPE_CHECKING:
    from gateway.resolving import Resolver

_log = logging.getLogger(__name__)

_MOST_HELD: Final = 16
"""Codes in memory: two lanes' worth of people for each of eight lanes."""

_VERDICT = {
    Answer.PASS: Verdict.VALID,
    Answer.REFUSE: Verdict.REVOKED,
    Answer.UNKNOWN: Verdict.OPAQUE,
}


class Questions:
    """Keeps a code, in memory only, for as long as an answer about it may take."""

    def __init__(
        self,
        config: ResolverConfig | None,
        note: Callable[[Draft], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._config = config
        self._note = note
        self._clock = clock
        self._held: dict[str, bytes] = {}
        self._asked: asyncio.Queue[tuple[Ask, bytes | None]] = asyncio.Queue()
        self._changed = asyncio.Event()

    def change(self, config: ResolverConfig | None) -> None:
        """Ask somebody else from now on, or nobody."""
        if config != self._config:
            self._config = config
            self._changed.set()

    def hold(self, token: str, code: bytes) -> None:
        """Something may have to be asked about `code`."""
        if self._config is None:
            return
        while len(self._held) >= _MOST_HELD:
            del self._held[next(iter(self._held))]
        self._held[token] = code
        asyncio.get_running_loop().call_later(self._config.timeout_s, self._drop, token, code)

    def ask(self, ask: Ask) -> None:
        """Have it asked; returns at once."""
        self._asked.put_nowait((ask, self._held.pop(ask.scan.token, None)))

    async def run(self) -> NoReturn:
        """Ask until cancelled."""
        while True:
            self._changed.clear()
            async with AsyncExitStack() as stack:
                if self._config:
                    resolver = await _resolver(self._config, stack)
                    answers = await stack.enter_async_context(asyncio.TaskGroup())
                    serving = answers.create_task(self._serve(self._config, resolver, answers))
                    stack.callback(serving.cancel)
                await self._changed.wait()

    async def _serve(
        self, config: ResolverConfig, resolver: "Resolver | None", answers: asyncio.TaskGroup
    ) -> NoReturn:
        while True:
            ask, code = await self._asked.get()
            if resolver is None or code is None:
                await self._record(ask, config.unanswered)
            else:
                answers.create_task(self._resolve(resolver, ask, code), name="question")

    async def _resolve(self, resolver: "Resolver", ask: Ask, code: bytes) -> None:
        await self._record(ask, (await resolver.resolve(code)).answer)

    async def _record(self, ask: Ask, answer: Answer) -> None:
        """As another scan: what is recorded is never altered."""
        said = replace(
            ask.scan, verdict=_VERDICT[answer], decode_ms=None, content=None, sealed=None
        )
        subject = f"lane/{said.lane}"
        stamp = self._clock.now()
        await self._note(Draft(Kind.SCAN, subject, stamp, said, correlation=ask.cause))

    def _drop(self, token: str, code: bytes) -> None:
        if self._held.get(token) is code:
            del self._held[token]


async def _resolver(config: ResolverConfig, stack: AsyncExitStack) -> "Resolver | None":
    from gateway.resolving import resolving  # for those only who have somebody to ask

    try:
        return await stack.enter_async_context(resolving(config))
    except GatewayError as error:
        _log.error("nobody can be asked about health codes: %s", error)
        return None
