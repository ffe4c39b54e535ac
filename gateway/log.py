"""Where the log goes: standard error, in a form that suits a terminal and systemd's journal.

Only this program's own loggers follow the level: libraries would show at DEBUG what they carry,
and somebody's code may be in it.
"""

import asyncio
import logging
import os
import sys
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn

_SYSLOG_LEVELS = {"DEBUG": 7, "INFO": 6, "WARNING": 4, "ERROR": 3, "CRITICAL": 2}
_OWN: Final = ("gateway", "drivers")
_LOOK_S: Final = 10.0
_HALF: Final = 7000
"""Characters, of up to three bytes each."""


class _Formatter(logging.Formatter):
    """Writes nothing that is no text: part of it may come from a device or a broker."""

    def format(self, record: logging.LogRecord) -> str:
        lines = super().format(record).splitlines()
        return "\n".join("".join(c if c.isprintable() else "�" for c in each) for each in lines)


class _JournalFormatter(_Formatter):
    """`<level>text` in syslog's numbers, as sd-daemon(3) says; journald adds the time itself.

    It takes each line for a record of its own, so a traceback is written on one line; and it cuts
    one after 48 KiB, so of a longer one the middle is left out.
    """

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record).replace("\n", " | ")
        if len(text) > 2 * _HALF:
            text = f"{text[:_HALF]} … {text[-_HALF:]}"
        return f"<{_SYSLOG_LEVELS.get(record.levelname, 6)}>{text}"


@dataclass(slots=True)
class _Known:
    """A message that is being counted: its text (and nothing that the record holds besides), since
    when, for how long, and how often it came meanwhile."""

    name: str
    level: int
    text: str
    since_s: float
    window_s: float
    count: int = 0

    def counted(self, now: float) -> Iterator[logging.LogRecord]:
        """A record that tells the count, if there is one."""
        if self.count:
            times = "once" if self.count == 1 else f"{self.count} times"
            text = f"{self.text} … repeated {times} in {now - self.since_s:.0f} s"
            yield logging.LogRecord(self.name, self.level, "", 0, "%s", (text,), None)


class Repeats:
    """Lets a message through once, and then only how often it came.

    The first count is told after two minutes, the next after four, then every quarter of an hour;
    what did not come for as long is new again. A traceback is written with the first one only.
    DEBUG is let through: whoever turned it on wants every byte.
    """

    FIRST_S = 120.0
    """More than the longest back-off of a device: one that comes and goes is counted."""
    LAST_S = 900.0
    MOST = 200
    """Messages that are remembered."""
    LONGEST = 500
    """Characters of a text that is remembered."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, int, int], _Known] = OrderedDict()

    def take(self, record: logging.LogRecord, now: float) -> Iterator[logging.LogRecord]:
        """What is to be written when `record` comes at `now`, in seconds."""
        if record.levelno <= logging.DEBUG:
            yield record
            return
        yield from self.overdue(now)
        text = _text(record)
        key = (record.name, record.levelno, hash(text))
        if known := self._known.get(key):
            known.count += 1
            return
        if len(self._known) == self.MOST:
            _, oldest = self._known.popitem(last=False)
            yield from oldest.counted(now)
        text = text[: self.LONGEST]
        self._known[key] = _Known(record.name, record.levelno, text, now, self.FIRST_S)
        yield record

    def overdue(self, now: float) -> Iterator[logging.LogRecord]:
        """The counts that are to be told at `now`."""
        over = [key for key, each in self._known.items() if now >= each.since_s + each.window_s]
        for key in over:
            known = self._known.pop(key)
            yield from known.counted(now)
            if known.count:
                window_s = min(2 * known.window_s, self.LAST_S)
                self._known[key] = replace(known, since_s=now, window_s=window_s, count=0)

    def rest(self, now: float) -> Iterator[logging.LogRecord]:
        """All counts that have not been told."""
        while self._known:
            _, known = self._known.popitem(last=False)
            yield from known.counted(now)


def _text(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, LookupError):  # who writes it out says what is wrong with it
        return str(record.msg)


class _Handler(logging.StreamHandler[Any]):
    """Writes to standard error what `Repeats` lets through."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self._repeats = Repeats()

    def emit(self, record: logging.LogRecord) -> None:
        for each in self._repeats.take(record, time.monotonic()):
            super().emit(each)

    def tell_overdue(self) -> None:
        """Write the counts that are due though nothing else is logged."""
        self.acquire()
        try:
            for each in self._repeats.overdue(time.monotonic()):
                super().emit(each)
        finally:
            self.release()

    def close(self) -> None:
        """Write the counts that are left."""
        for each in self._repeats.rest(time.monotonic()):
            super().emit(each)
        super().close()


def set_up(*, verbose: bool = False) -> None:
    """Log to standard error; with ``verbose`` down to DEBUG, which shows bytes in hex."""
    handler = _Handler()
    if _stderr_is_the_journal():
        handler.setFormatter(_JournalFormatter("%(name)s: %(message)s"))
    else:
        handler.setFormatter(
            _Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")
        )
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    set_level(logging.DEBUG if verbose else logging.INFO)
    logging.captureWarnings(capture=True)


def level() -> int:
    """From which level up this program's own loggers log."""
    return logging.getLogger(_OWN[0]).getEffectiveLevel()


def set_level(level: int) -> None:
    """Log from `level` up, until it is set again."""
    for name in _OWN:
        logging.getLogger(name).setLevel(level)


async def tell_repeats() -> NoReturn:
    """Have the counts of repeated messages written in time, until cancelled."""
    while True:
        await asyncio.sleep(_LOOK_S)
        for each in logging.getLogger().handlers:
            if isinstance(each, _Handler):
                each.tell_overdue()


def _stderr_is_the_journal() -> bool:
    """Whether $JOURNAL_STREAM names the very stream behind standard error, see systemd.exec(5)."""
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):  # closed, or replaced by something without a descriptor
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
