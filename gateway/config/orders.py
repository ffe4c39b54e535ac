"""What can be ordered from afar, and by whom: the tables `[centre]` and `[commands]`."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from drivers.base import FilePath, OptionTable


class CentreConfig(OptionTable):
    """`[centre]`: who may order something of this gateway, and give it documents."""

    key_files: Annotated[list[FilePath], Field(max_length=8)] | None = None
    """PEM files with Ed25519 public keys; what is signed with any of them counts. Without one
    nobody can order anything from afar."""


class Ordered(StrEnum):
    """What can be ordered from afar."""

    RELEASE = "release"
    ANNOUNCE = "announce"
    ACKNOWLEDGE_ALARM = "acknowledge-alarm"
    GRANT_WINDOW = "grant-window"
    RELOAD = "reload"
    RESEND = "resend"
    DIAGNOSE = "diagnose"
    LOG_LEVEL = "log-level"
    RESTART = "restart"


_HARMLESS: Sequence[Ordered] = [each for each in Ordered if each is not Ordered.RELEASE]


class CommandsConfig(OptionTable):
    """`[commands]`: what the centre may order, whatever it has signed."""

    allow: list[Ordered] = Field(default_factory=lambda: list(_HARMLESS))
    """All others are refused. `release` opens a door from afar, and is off unless it is named."""
