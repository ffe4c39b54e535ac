"""The rota: who is to be on which post, and when."""

from collections.abc import Callable, Collection
from typing import Annotated, Self

from msgspec import Struct
from pydantic import Field, StringConstraints, model_validator

from drivers.base import Line, Name, OptionTable

_DAY = 24 * 60
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"

_Time = Annotated[
    str,
    StringConstraints(pattern=rf"^({_CLOCK}|24:00)$"),
    Field(json_schema_extra={"words": 'a time of day from "00:00" to "24:00"'}),
]


_Badge = Annotated[
    Line,
    StringConstraints(pattern="^[^/]+/."),
    Field(json_schema_extra={"words": 'whose pass it is, as "issuer/subject"'}),
]


class ShiftEntry(OptionTable):
    """One shift, as the document has it."""

    name: Name
    """What it is called, for example `morning`."""
    begins: Annotated[_Time, Field(alias="from")]
    """Local time; over midnight if `to` is earlier, all day if they are the same."""
    ends: Annotated[_Time, Field(alias="to")]
    post: Name
    """Which post; it has a table `[duty.posts.NAME]` in the configuration."""
    badges: Annotated[tuple[_Badge, ...], Field(min_length=1, max_length=200)]
    """Whose badges: issuer and subject of their passes, as `410102-003/staff-0017`."""


class RotaEntries(OptionTable):
    """The body of the document `rota`."""

    shifts: Annotated[tuple[ShiftEntry, ...], Field(max_length=200)]
    """All of a day, in any order."""

    @model_validator(mode="after")
    def _one_at_a_time(self) -> Self:
        for number, entry in enumerate(self.shifts):
            for other in self.shifts[:number]:
                if entry.post == other.post and entry.name == other.name:
                    raise ValueError(f"two shifts at {entry.post} are called {entry.name}")
                if entry.post == other.post and set(_minutes(entry)) & set(_minutes(other)):
                    raise ValueError(
                        f"at {entry.post} {other.name} and {entry.name} are at the same time"
                    )
        return self


class Shift(Struct, frozen=True):
    """One shift, as decisions need it."""

    name: str
    post: str
    begins: int
    """Minute of the local day."""
    minutes: int
    """How long it is."""
    badges: frozenset[str]
    """The tokens of whoever may be there."""


Rota = tuple[Shift, ...]


def check_posts(entries: RotaEntries, posts: Collection[str]) -> None:
    """See to it that all posts in `entries` exist.

    Raises:
        ValueError: one does not, in one sentence.
    """
    for entry in entries.shifts:
        if entry.post not in posts:
            known = ", ".join(sorted(posts)) or "none"
            raise ValueError(f"{entry.name}: no post is called {entry.post}; there are: {known}")


def rota(entries: RotaEntries, posts: Collection[str], token_of: Callable[[str], str]) -> Rota:
    """What `entries` say of these posts, with tokens for the subjects of badges.

    A post may have gone with the configuration since the document came: the rest counts.
    """
    return tuple(
        Shift(
            entry.name,
            entry.post,
            _minutes(entry)[0],
            len(_minutes(entry)),
            frozenset(map(token_of, entry.badges)),
        )
        for entry in entries.shifts
        if entry.post in posts
    )


def _minutes(entry: ShiftEntry) -> list[int]:
    """Every minute of the day that is of this shift, beginning with the first."""
    begins, ends = (int(each[:2]) * 60 + int(each[3:]) for each in (entry.begins, entry.ends))
    length = (ends - begins) % _DAY or _DAY
    return [(begins + each) % _DAY for each in range(length)]
