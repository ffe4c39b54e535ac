"""What each order does, and what it must say for that."""

import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from gateway.commands.order import Order, Outcome, RefusedError
from gateway.config import Ordered
from gateway.control import Answer, Status

LogLevel = Literal["debug", "info", "warning", "error"]
_LOG_LEVELS: Mapping[str, LogLevel] = {each: each for each in get_args(LogLevel)}
_LONGEST_LOUD = 7 * 24 * 60
_LONGEST_WINDOW_S = 24 * 3600
_LARGEST_SEQ = 2**53
_EPOCH = re.compile(r"[a-z2-7]{8}")
_PROMPT = re.compile(r"[a-z0-9-]{1,32}")

Do = Callable[[], Awaitable[Outcome]]
"""Carries out an order that was understood."""


@dataclass(frozen=True, slots=True)
class Hands:
    """What the rest of the gateway does when it is ordered."""

    release: Callable[[str], Awaitable[None]]
    """Raises CommandError if the door was not released."""
    reload: Callable[[], Awaitable[Answer]]
    resend: Callable[[str, int, int], str | None]
    """Of this epoch, from the first number to the last; why not, or None."""
    diagnose: Callable[[], Mapping[str, Any]]
    log_level: Callable[[LogLevel, int], str]
    """The level, for so many minutes; words."""
    restart: Callable[[], None]
    """Stop; whoever started the gateway starts it again."""
    known: Callable[[str, str], bool]
    """Whether there is a `door`, a `home` (a watched door), a `lane` or an `alarm` of this name."""


@dataclass(frozen=True, slots=True)
class Deed:
    """How an order is carried out."""

    understand: Callable[[Hands, Order], Do]
    """Raises RefusedError where it does not say what it must."""
    within_s: float = 10.0
    recorded_first: bool = False
    """Its event is durable before it is done: whoever follows the journal knows of it by then."""
    recorded_only: bool = False
    """Its event is what is done: whoever follows the journal acts by it."""


def _release(hands: Hands, order: Order) -> Do:
    door = order.named("door")
    if hands.known("home", door):
        raise RefusedError(423, "a home door is only ever watched; nothing may release it")
    _must_be_known(hands, "door", door)

    async def do() -> Outcome:
        await hands.release(door)
        return Outcome(200, "released")

    return do


def _announce(hands: Hands, order: Order) -> Do:
    if order.target:
        _must_be_known(hands, "lane", order.named("lane"))
    said = [name for name in ("text", "prompt") if name in order.args]
    if len(said) != 1:
        raise RefusedError(400, "announce needs either args.text or args.prompt")
    if not _word(order, said[0]) or (said == ["prompt"] and not _fits(_PROMPT, order, "prompt")):
        raise RefusedError(400, f"args.{said[0]} is no such text")
    return _recorded


def _acknowledge(hands: Hands, order: Order) -> Do:
    _must_be_known(hands, "alarm", order.named("alarm"))
    return _recorded


def _grant_window(hands: Hands, order: Order) -> Do:
    _must_be_known(hands, "home", order.named("door"))
    begin, end = (_moment(order, name) for name in ("from", "until"))
    if not 0 < (end - begin).total_seconds() <= _LONGEST_WINDOW_S:
        raise RefusedError(400, f"from … until is more than 0 and at most {_LONGEST_WINDOW_S} s")
    return _recorded


def _reload(hands: Hands, _: Order) -> Do:
    async def do() -> Outcome:
        answer = await hands.reload()
        return Outcome(200 if answer.status is Status.DONE else 500, answer.text)

    return do


def _resend(hands: Hands, order: Order) -> Do:
    epoch = _word(order, "epoch")
    first, last = (_number(order, name, 1, _LARGEST_SEQ) for name in ("from", "to"))
    if not _fits(_EPOCH, order, "epoch") or first > last:
        raise RefusedError(400, "resend needs args.epoch, and args.from that is not above args.to")

    async def do() -> Outcome:
        if fault := hands.resend(epoch, first, last):
            raise RefusedError(404, fault)
        return Outcome(202, "what is kept of it goes on up/batch")

    return do


def _diagnose(hands: Hands, _: Order) -> Do:
    async def do() -> Outcome:
        return Outcome(200, "see body", hands.diagnose())

    return do


def _log_level(hands: Hands, order: Order) -> Do:
    level, minutes = _word(order, "level"), _number(order, "minutes", 1, _LONGEST_LOUD, 60)
    if level not in _LOG_LEVELS:
        raise RefusedError(400, f"args.level is one of {', '.join(_LOG_LEVELS)}")

    async def do() -> Outcome:
        return Outcome(200, hands.log_level(_LOG_LEVELS[level], minutes))

    return do


def _restart(hands: Hands, _: Order) -> Do:
    async def do() -> Outcome:
        return Outcome(202, "stopping, to be started again", then=hands.restart)

    return do


DEEDS: Mapping[Ordered, Deed] = {
    Ordered.RELEASE: Deed(_release, within_s=15.0, recorded_first=True),
    Ordered.ANNOUNCE: Deed(_announce, recorded_only=True),
    Ordered.ACKNOWLEDGE_ALARM: Deed(_acknowledge, recorded_only=True),
    Ordered.GRANT_WINDOW: Deed(_grant_window, recorded_only=True),
    Ordered.RELOAD: Deed(_reload, within_s=60.0),
    Ordered.RESEND: Deed(_resend),
    Ordered.DIAGNOSE: Deed(_diagnose),
    Ordered.LOG_LEVEL: Deed(_log_level),
    Ordered.RESTART: Deed(_restart),
}


async def _recorded() -> Outcome:
    return Outcome(200, "recorded")


def _must_be_known(hands: Hands, kind: str, name: str) -> None:
    if not hands.known(kind, name):
        raise RefusedError(404, f"there is no {kind} {name}")


def _word(order: Order, name: str) -> str:
    value = order.args.get(name)
    return value if isinstance(value, str) else ""


def _fits(pattern: re.Pattern[str], order: Order, name: str) -> bool:
    return pattern.fullmatch(_word(order, name)) is not None


def _number(order: Order, name: str, least: int, most: int, usual: int | None = None) -> int:
    value = order.args.get(name, usual)
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    raise RefusedError(400, f"args.{name} is a whole number from {least} to {most}")


def _moment(order: Order, name: str) -> datetime:
    with suppress(ValueError):
        value = datetime.fromisoformat(_word(order, name))
        if value.tzinfo is not None:
            return value
    raise RefusedError(400, f"args.{name} is a time as 2026-03-18T06:00:00+08:00")
