"""The configuration: what can be set, what it must look like, what applies when it is not."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    Field,
    PrivateAttr,
    SerializeAsAny,
)

from drivers.base import DeviceConfig, FilePath, Name, OptionTable
from gateway.config.orders import CentreConfig, CommandsConfig, Ordered
from gateway.config.passes import Content, PassesConfig
from gateway.config.rules import (
    AlarmsConfig,
    DoorsConfig,
    DutyConfig,
    InspectionsConfig,
    PolicyConfig,
    ReportsConfig,
)
from gateway.config.terms import FileName, Level, Listener, Zone, is_loopback
from gateway.config.uplink import Compress, Confirm, Profile, Protocol, TlsConfig, UplinkConfig

__all__ = [
    "LONGEST_TOPIC",
    "CommandsConfig",
    "Compress",
    "Config",
    "Confirm",
    "Content",
    "JournalConfig",
    "LaneConfig",
    "Level",
    "Ordered",
    "PageConfig",
    "Place",
    "Profile",
    "Protocol",
    "TlsConfig",
    "UplinkConfig",
]

LONGEST_TOPIC = 64
"""Characters; Alibaba Cloud and China Telecom refuse longer topics."""


class Place(OptionTable):
    """`[gateway]`: which gate this is."""

    id: Level
    """The gateway's own id; in China 15 digits: district 6, street 3, community 3, gate 3."""
    district: Level
    """First level of the grid, for example 410102."""
    street: Level
    """Second level of the grid, for example 011."""
    community: Level
    """Third level of the grid, for example 003."""
    timezone: Zone = "Asia/Shanghai"
    """Whose local time is meant wherever a time of day stands, here and in documents."""
    state_dir: FilePath = Path("/var/lib/checkpoint-gateway")
    """Where the journal and the pseudonym key live."""
    reload_on_change: bool = False
    """Take a changed file into force by itself, as `systemctl reload` does."""

    @property
    def source(self) -> str:
        """The CloudEvents source of everything this gateway says."""
        return f"/gateways/{self.id}"


class JournalConfig(OptionTable):
    """`[journal]`: how much is kept, and for how long."""

    file: FileName = "journal.db"
    """File inside `state_dir` that holds every event."""
    max_mb: Annotated[int, Field(ge=16, le=1_000_000)] = 2000
    """Most room on the disk, in megabytes, with what lies beside the file; about 4 million events.

    Before it is reached the oldest delivered events go, and only then, declared, undelivered ones.
    A damaged journal that was set aside counts from when all of it has been delivered, and then
    goes first.
    """
    keep_days: Annotated[int, Field(ge=1, le=3650)] = 14
    """Delivered events older than this are deleted; undelivered ones never for their age."""


class PageConfig(OptionTable):
    """`[page]`: the page for whoever looks after the gate, `/healthz` and `/metrics`."""

    listen: Listener = "127.0.0.1:8080"
    """Address and port; on the box itself only, unless it is changed. `off`: there is no page."""

    def notices(self) -> Sequence[str]:
        """What is allowed and must be known; one sentence each."""
        host = self.listen.rpartition(":")[0].strip("[]")
        if self.listen == "off" or host == "localhost" or is_loopback(host):
            return ()
        return (
            f"whoever reaches {self.listen} over the network can read the page: it has no password"
            " and is not encrypted",
        )


class ExportConfig(OptionTable):
    """`[export]`: records taken out by USB stick."""

    seal_to_file: FilePath | None = None
    """PEM with the centre's public key: nobody else can read what is on the stick."""


class LaneConfig(OptionTable):
    """`[lanes.NAME]`: one way through the gate."""

    direction: Literal["entry", "exit"]
    """Which way people go."""
    subject: Literal["person", "vehicle"] = "person"
    """Who goes through: people, or vehicles."""
    door: Name | None = None
    """The door of this lane, of role `gate`: released for whoever may pass, where it can be."""
    window_s: Annotated[float, Field(ge=1, le=120)] = 10.0
    """How long somebody's next part may take: code after temperature, or the other way round."""
    passage_s: Annotated[float, Field(ge=1, le=120)] = 15.0
    """How long after the decision the door may open; then nobody has gone through."""


class Config(OptionTable):
    """The whole file."""

    gateway: Place
    journal: JournalConfig = JournalConfig()
    uplink: UplinkConfig
    export: ExportConfig = ExportConfig()
    page: PageConfig = PageConfig()
    passes: PassesConfig = PassesConfig()
    policy: PolicyConfig = PolicyConfig()
    doors: DoorsConfig = DoorsConfig()
    alarms: AlarmsConfig = AlarmsConfig()
    duty: DutyConfig = DutyConfig()
    inspections: InspectionsConfig = InspectionsConfig()
    reports: ReportsConfig = ReportsConfig()
    lanes: Annotated[dict[Name, LaneConfig], Field(max_length=8)] = Field(default_factory=dict)
    centre: CentreConfig = CentreConfig()
    commands: CommandsConfig = CommandsConfig()
    devices: dict[Name, SerializeAsAny[DeviceConfig]] = Field(default_factory=dict)
    _version: str = PrivateAttr(default="")

    @property
    def version(self) -> str:
        """Names the text that this was read from, byte for byte: the first 12 hexadecimal digits
        of its SHA-256. Empty for what was not read from a file."""
        return self._version

    def of_version(self, version: str) -> Self:
        """The same, with the name of its text."""
        copy = self.model_copy()
        copy._version = version
        return copy
