"""How much is logged, changed for a while while the gate works."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway import log
from gateway.control import Answer, Status

_log = logging.getLogger(__name__)

_EXPECTED = (
    'expected "level", one of "debug", "info", "warning" and "error", and perhaps "minutes", a'
    " whole number from 1 to 10080"
)

Level = Literal["debug", "info", "warning", "error"]


class _Wish(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    level: Level
    minutes: Annotated[int, Field(ge=1, le=10_080)] = 60


class LogLevel:
    """The level there was at the start, and another one until its time is over: nobody leaves a
    gate at DEBUG for a year."""

    def __init__(self, *, minute_s: float = 60.0) -> None:
        self._minute_s = minute_s
        self._usual = log.level()
        self._over: asyncio.TimerHandle | None = None

    async def answer(self, request: Mapping[str, Any]) -> Answer:
        """`log-level`, from the local socket."""
        try:
            wish = _Wish.model_validate(request)
        except ValidationError:
            return Answer(status=Status.WRONG, text=_EXPECTED)
        return Answer(text=self.change(wish.level, wish.minutes))

    def change(self, level: Level, minutes: int) -> str:
        """Log from `level` up for so many minutes; in words."""
        if self._over:
            self._over.cancel()
            self._over = None
        usual = logging.getLevelName(self._usual).lower()
        text = f"logging from {level} up"
        if level != usual:
            loop = asyncio.get_running_loop()
            self._over = loop.call_later(self._minute_s * minutes, self._return)
            lasts = "1 minute" if minutes == 1 else f"{minutes} minutes"
            text += f" for {lasts}, then from {usual} up"
        log.set_level(logging.getLevelName(level.upper()))
        _log.warning("%s", text)
        return text

    def _return(self) -> None:
        log.set_level(self._usual)
        _log.warning("logging from %s up again", logging.getLevelName(self._usual).lower())
