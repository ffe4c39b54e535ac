"""What has come of one journal's life, what never will, and what is still awaited."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.ranges import Range, Ranges

LARGEST_SEQ = 2**53
"""Beyond it JSON readers disagree about integers."""
_MOST_RANGES = 200
"""In one acknowledgement; what does not fit comes with another one."""
_GAP = "checkpoint.gap.v1"

_Seq = Annotated[int, Field(ge=1, le=LARGEST_SEQ)]


class _Gap(BaseModel):
    """The data of a `gap` event that says which numbers it is about."""

    model_config = ConfigDict(strict=True, extra="ignore")

    epoch: str
    first: _Seq = Field(alias="from")
    last: _Seq = Field(alias="to")


def declared_by(content: Mapping[str, Any]) -> tuple[str, Range] | None:
    """Epoch and numbers that an event declares lost; None if it does no such thing."""
    if content.get("type") != _GAP:
        return None
    try:
        gap = _Gap.model_validate(content.get("data"))
    except ValidationError:  # nobody knows which numbers, or it makes no sense
        return None
    return (gap.epoch, (gap.first, gap.last)) if gap.epoch and gap.first <= gap.last else None


class Book:
    """One life; a number that has been declared lost may come after all, and then it is there."""

    def __init__(self, have: Iterable[Range] = (), declared: Iterable[Range] = ()) -> None:
        self.have = Ranges.of(have)
        self.announced = 0
        """The number that the gateway said was its last."""
        self._declared = Ranges.of(declared)
        self._settled = Ranges.of([*self.have, *self._declared])
        self._unanswered = Ranges()
        self._asked = False
        self._standing: dict[int, float] = {}

    def enter(self, seq: int) -> bool:
        """`seq` has come; whether for the first time."""
        new = seq not in self.have
        self.have.add(seq, seq)
        self._settled.add(seq, seq)
        self._unanswered.add(seq, seq)  # a duplicate may mean that the last answer got lost
        return new

    def give_up(self, lost: Range) -> None:
        """The gateway says that these will not come."""
        self._declared.add(*lost)
        self._settled.add(*lost)

    def ask(self) -> None:
        """The gateway wants to know all that has come."""
        self._asked = True

    @property
    def lost(self) -> list[Range]:
        """What was declared lost and has not come."""
        return lost_of(self.have, self._declared)

    @property
    def holes(self) -> list[Range]:
        """What is awaited below the highest number that has come."""
        return list(self._settled.gaps(0, self.have.last))

    def answers(self, now: float, patience_s: float) -> Iterator[dict[str, Any]]:
        """What there is to say at `now` (seconds): what has come since the last answer, or all if
        that was asked for, and what is missing."""
        missing = self._overdue(now, patience_s)
        news = self.have if self._asked else self._unanswered
        if not (self._asked or news or missing):
            return
        found = {self.have.around(first) for first, _ in news} - {None}
        beyond = sorted(each for each in found if each and each[0] > 1)
        self._asked, self._unanswered = False, Ranges()
        for start in range(0, len(beyond) or 1, _MOST_RANGES):
            have = beyond[start : start + _MOST_RANGES]
            yield {"upto": self.have.upto, "have": have, "missing": missing}
            missing = []

    def _overdue(self, now: float, patience_s: float) -> list[Range]:
        """The holes that nobody has been filling for `patience_s`.

        A backlog arrives in ascending order, so the lower end of a hole moves while it is filled.
        """
        holes = list(self._settled.gaps(0, max(self.have.last, self.announced)))
        self._standing = {first: self._standing.get(first, now) for first, _ in holes}
        due = [hole for hole in holes if now - self._standing[hole[0]] >= patience_s]
        due = due[:_MOST_RANGES]
        self._standing |= {first: now for first, _ in due}  # asked; again after as long a time
        return due


def lost_of(have: Ranges, declared: Iterable[Range]) -> list[Range]:
    """What of `declared` has not come."""
    return [each for first, last in declared for each in have.gaps(first - 1, last)]
