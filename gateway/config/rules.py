"""What the gate looks after by itself: `[policy]`, `[doors]`, `[alarms]`, `[duty]` and more."""

from typing import Annotated

from pydantic import Field

from drivers.base import FilePath, Line, Name, OptionTable
from gateway.config.terms import TimeOfDay

Wait = Annotated[float, Field(ge=1, le=86_400)]
"""Seconds, up to a day."""


class PolicyConfig(OptionTable):
    """`[policy]`: who may pass, and when."""

    file: FilePath | None = None
    """A policy, until one comes from the centre; without either the built-in one applies."""


class DoorsConfig(OptionTable):
    """`[doors]`: what is wrong with a door, and from when on."""

    open_within_s: Annotated[float, Field(ge=1, le=600)] = 10.0
    """So long after a release from afar a gate may be opened; later it was forced. After a
    passage was granted, `passage_s` of its lane counts."""
    held_open_s: Wait = 60.0
    """A gate open for longer is an alarm."""
    unknown_after_s: Wait = 60.0
    """A door of which nothing is known for longer is an alarm."""
    battery_low_percent: Annotated[float, Field(ge=1, le=90)] = 15.0
    """A battery below this is an alarm."""
    until_acknowledged: bool = True
    """An opening that should not have been stays an alarm until somebody has acknowledged it, also
    when the door is shut again."""
    egress: tuple[Name, ...] = ()
    """Gates that people open by handle or button to leave: nobody has forced them."""


class AlarmsConfig(OptionTable):
    """`[alarms]`: those that the gate itself raises."""

    remind_every_s: Annotated[float, Field(ge=60, le=86_400)] = 600.0
    """Until somebody acknowledges it, an alarm is sent again so often."""


class PostConfig(OptionTable):
    """`[duty.posts.NAME]`: where somebody is to be, round the clock."""

    at: Name
    """The device or lane at which badges are shown for it."""


class DutyConfig(OptionTable):
    """`[duty]`: who is on post."""

    posts: dict[Name, PostConfig] = Field(default_factory=dict)
    """The places where somebody is to be, round the clock."""
    unattended_after_s: Wait = 300.0
    """A post left alone for longer is an alarm."""
    late_after_s: Wait = 900.0
    """So long after a shift of the rota has begun, whoever is not there is late."""
    same_scan_s: Annotated[float, Field(ge=1, le=600)] = 60.0
    """A badge shown again within this is shown once: it does not check out."""
    roles: tuple[Line, ...] = ()
    """Roles on a badge that count; with none named, all but those of `[inspections]`."""


class InspectionsConfig(OptionTable):
    """`[inspections]`: rounds that are to be made every day."""

    slots: Annotated[tuple[TimeOfDay, ...], Field(max_length=16)] = ("09:00", "14:00", "22:00")
    """When; none: nothing is expected."""
    early_min: Annotated[int, Field(ge=0, le=180)] = 30
    """So many minutes before its time an inspection counts, and …"""
    late_min: Annotated[int, Field(ge=1, le=180)] = 30
    """… so many after; then it is missed."""
    roles: tuple[Line, ...] = ("inspector",)
    """Roles on a badge that make an inspection, wherever it is shown."""
    places: tuple[Name, ...] = ()
    """Devices or lanes at which any staff badge makes one."""


class ReportsConfig(OptionTable):
    """`[reports]`: what is sent when nothing happens, too."""

    at: TimeOfDay = "00:00"
    """When the daily report is made, of what happened since the one before."""
    shifts: bool = True
    """Make one at the end of each shift of the rota, too."""
