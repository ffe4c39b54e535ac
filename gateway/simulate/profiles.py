"""How much goes on at a gate: a small, a typical and a very large compound."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One compound's gate."""

    name: str
    entries: int
    """Lanes in."""
    exits: int
    """Lanes out."""
    passages: int
    """About so many on a day, both ways, refusals with them."""
    power_cuts: int
    outages: int
    """Times without a network."""

    @property
    def lanes_in(self) -> list[str]:
        """Their names."""
        return [f"in-{number}" for number in range(1, self.entries + 1)]

    @property
    def lanes_out(self) -> list[str]:
        """Their names."""
        return [f"out-{number}" for number in range(1, self.exits + 1)]


PROFILES: Final = {
    each.name: each
    for each in (
        Profile(name="small", entries=1, exits=1, passages=800, power_cuts=1, outages=1),
        Profile(name="typical", entries=2, exits=1, passages=2500, power_cuts=2, outages=3),
        Profile(name="very-large", entries=5, exits=3, passages=25_000, power_cuts=1, outages=4),
    )
}

QUIET: Final = (0.3, 0.15, 0.1, 0.1, 0.2, 0.8)
"""How busy each of the first six hours of a day is, against an even one."""
LEAVING: Final = (*QUIET, 3, 7, 7, 3, 2, 2, 2.5, 2.5, 2, 2, 1.5, 2, 2.5, 3, 2, 1, 0.7, 0.4)
"""When residents go out, by the hour."""
VISITING: Final = (*[0] * 8, 1, 3, 4, 3, 1, 2, 4, 4, 3, 2, 2, 1, 0.5, *[0] * 3)
DELIVERING: Final = (*[0] * 7, 1, 2, 3, 5, 7, 6, 3, 3, 4, 5, 7, 6, 4, 2, 1, *[0] * 2)
ANY_TIME: Final = (*QUIET, *[1] * 18)
