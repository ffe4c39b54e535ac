"""Asks over the network what becomes of a health code that nobody at the gate can judge.

What is answered is whoever is asked's own word; nothing here makes one of its own about anybody's
health. Whoever waits for it does so for the time-out at most.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from gateway.config.passes import Answer, ResolverConfig
from gateway.errors import GatewayError

if TYPE_CHECKING:
    from aiohttp import ClientSession

_log = logging.getLogger(__name__)

_LONGEST_ANSWER: Final = 4096
_AT_ONCE: Final = 4
"""Questions on their way; a fifth waits within its own time-out."""


class Resolution(msgspec.Struct, frozen=True):
    """What became of a question."""

    answer: Answer
    answered: bool
    """Whether somebody has said so; else it is what counts without an answer."""


class _Told(msgspec.Struct):
    answer: Answer


class Resolver(Protocol):
    """Whoever can be asked."""

    async def resolve(self, code: bytes) -> Resolution:
        """What becomes of `code`; within the time-out, and never an error."""


class HttpResolver:
    """Asks by HTTP: the code in the body of a POST, the answer in JSON."""

    def __init__(self, session: "ClientSession", config: ResolverConfig) -> None:
        self._session = session
        self._config = config
        self._silent = False

    async def resolve(self, code: bytes) -> Resolution:
        """See `Resolver.resolve`."""
        from aiohttp import ClientError

        started = monotonic()
        try:
            async with asyncio.timeout(self._config.timeout_s):
                answer = await self._ask(code)
        except (ClientError, TimeoutError, OSError, ValueError) as error:
            if not self._silent:
                # Its text may have the address with what was asked, so only its kind is told.
                _log.warning("about health codes there is no answer: %s", type(error).__name__)
            self._silent = True
            return Resolution(self._config.unanswered, answered=False)
        if self._silent:
            _log.info("about health codes there are answers again")
        self._silent = False
        _log.debug("an answer about a health code took %.0f ms", (monotonic() - started) * 1e3)
        return Resolution(answer, answered=True)

    async def _ask(self, code: bytes) -> Answer:
        """Raises ValueError for what is no answer."""
        async with self._session.post(
            self._config.url, data=code, allow_redirects=False
        ) as response:
            body = await response.content.read(_LONGEST_ANSWER + 1)
            while body and len(body) <= _LONGEST_ANSWER and not response.content.at_eof():
                body += await response.content.read(_LONGEST_ANSWER + 1 - len(body))
        if response.status != 200 or len(body) > _LONGEST_ANSWER:
            raise ValueError("no answer")
        try:
            return msgspec.json.decode(body, type=_Told).answer
        except (msgspec.DecodeError, RecursionError):
            raise ValueError("no answer") from None


@asynccontextmanager
async def resolving(config: ResolverConfig) -> AsyncIterator[HttpResolver]:
    """One who asks as `config` says; its library is loaded only here.

    Raises:
        GatewayError: the token cannot be read.
    """
    from aiohttp import ClientSession, TCPConnector

    headers = {"Content-Type": "application/octet-stream", "Accept": "application/json"}
    if config.token_file:
        try:
            token = config.token_file.read_text().partition("\n")[0].strip()
        except (OSError, UnicodeDecodeError) as error:
            raise GatewayError(f"the token {config.token_file} cannot be read") from error
        headers["Authorization"] = f"Bearer {token}"
    connector = TCPConnector(limit=_AT_ONCE)
    async with ClientSession(connector=connector, headers=headers, trust_env=False) as session:
        yield HttpResolver(session, config)
