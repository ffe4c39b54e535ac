"""What a benchmark hands over: figures, each beside its limit and what is to be reached."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """How to measure."""

    directory: Path
    """Where files may be written: on the disk in question."""
    quick: bool = False
    photos: Path | None = None
    """A folder of photos, or of folders of them, each with its `truth.json`."""
    credentials: Path | None = None
    """A folder of public test credentials, see `credentials`."""

    def scaled(self, full: int, quick: int) -> int:
        """One of the two sizes."""
        return quick if self.quick else full


@dataclass(frozen=True, slots=True)
class Reach:
    """What a figure, or its ratio to the limit, is to be."""

    figure: float
    at_most: bool
    of_ratio: bool

    def __str__(self) -> str:
        sign = "≤" if self.at_most else "≥"
        return f"{sign} {shown(self.figure)}{' ×' if self.of_ratio else ''}"

    def reached(self, value: float, ratio: float | None) -> bool:
        """Whether it is."""
        got = ratio if self.of_ratio else value
        return got is not None and (got <= self.figure if self.at_most else got >= self.figure)


def at_least(figure: float) -> Reach:
    """The figure itself, or more."""
    return Reach(figure, at_most=False, of_ratio=False)


def at_most(figure: float) -> Reach:
    """The figure itself, or less."""
    return Reach(figure, at_most=True, of_ratio=False)


def share(ratio: float) -> Reach:
    """At least so many times the limit."""
    return Reach(ratio, at_most=False, of_ratio=True)


def times(ratio: float) -> Reach:
    """At most so many times the limit."""
    return Reach(ratio, at_most=True, of_ratio=True)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; `limit` was measured in the same run and is `beside` in words."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    beside: str = ""
    reach: Sequence[Reach] = ()

    @property
    def ratio(self) -> float | None:
        """The figure as a multiple of its limit."""
        return self.value / self.limit if self.limit else None

    @property
    def reached(self) -> bool | None:
        """Whether all that is to be reached is; None where nothing is."""
        if not self.reach:
            return None
        return all(each.reached(self.value, self.ratio) for each in self.reach)


def shown(value: float) -> str:
    """Three digits that mean something."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of `values` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return quantile(values, 0.5)
