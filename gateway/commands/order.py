"""What an order says, and what became of it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct, ValidationError, convert

from gateway.clock import Stamp
from gateway.events import CommandData, Draft, Kind

LARGEST = 16 * 1024
"""Bytes of an order."""

_LINE = r"^[^\x00-\x1f\x7f]*\Z"

LONGEST_ID = 64
_Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]+\Z", max_length=LONGEST_ID)]
_Word = Annotated[str, Meta(pattern=r"^[a-z-]{1,32}\Z")]
_Target = Annotated[str, Meta(pattern=r"^[a-z]{1,16}/[A-Za-z0-9._-]{1,64}\Z")]
_Line = Annotated[str, Meta(pattern=_LINE, max_length=200)]
_Number = Annotated[int, Meta(ge=-(2**53), le=2**53)]
_Args = Annotated[
    dict[Annotated[str, Meta(pattern=r"^[a-z_]{1,32}\Z")], _Line | _Number | float | bool],
    Meta(max_length=16),
]


class Order(Struct, frozen=True, kw_only=True):
    """One order, as it was signed; other members may be there."""

    id: _Id
    command: _Word
    target: _Target | None = None
    args: _Args = {}
    issued: Annotated[datetime, Meta(tz=True)]
    ttl_s: Annotated[int, Meta(ge=1, le=86_400)]
    by: Annotated[_Line, Meta(min_length=1)]
    reason: _Line | None = None
    since: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,40}\Z")] | None = None
    """What this gateway has said of late; whoever repeats it has heard that, so the order is
    younger."""

    @property
    def issued_ms(self) -> int:
        """In milliseconds since 1970."""
        return round(self.issued.timestamp() * 1000)

    def named(self, kind: str) -> str:
        """The name in a target `kind/name`.

        Raises:
            RefusedError: there is no such target.
        """
        found, _, name = (self.target or "").partition("/")
        if found != kind:
            raise RefusedError(400, f"{self.command} needs a target as {kind}/NAME")
        return name


class Outcome(Struct, frozen=True):
    """What became of an order: HTTP's numbers, and words."""

    status: int
    text: str
    body: Mapping[str, Any] | None = None
    then: Callable[[], None] | None = None
    """What is to be done when this has been said."""


class RefusedError(Exception):
    """It is not done, and why."""

    def __init__(self, status: int, text: str, body: Mapping[str, Any] | None = None) -> None:
        super().__init__(text)
        self.outcome = Outcome(status, text, body)


def understood(members: Mapping[str, Any]) -> Order:
    """The order that `members` of a JSON object make.

    Raises:
        RefusedError: they make none.
    """
    try:
        return convert(members, Order)
    except ValidationError as error:
        # Its words are of types and places; nothing that somebody wrote is in them.
        raise RefusedError(400, f"this is no order: {error}") from error


def told(order: Order, outcome: Outcome, stamp: Stamp, *, unsaid: int = 0) -> Draft:
    """The event that says what became of `order`; `unsaid`: of so many others it was not said."""
    args = dict(order.args) | ({"unsaid": unsaid} if unsaid else {})
    data = CommandData(
        id=order.id,
        command=order.command,
        target=order.target,
        by=order.by,
        reason=order.reason,
        status=outcome.status,
        text=outcome.text,
        args=args,
    )
    return Draft(Kind.COMMAND, order.target or "gateway", stamp, data)
