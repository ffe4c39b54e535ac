"""The configuration: what can be set, what it must look like, what applies when it is not."""

from collections.abc import Sequence
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    Field,
    PrivateAttr,
    SerializeAsAny,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from drivers.base import DeviceConfig, FilePath, Line, Name, OptionTable, SecretPath
from gateway.orderable import CentreConfig, CommandsConfig
from gateway.passes_config import PassesConfig

Level = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9-][A-Za-z0-9_-]{0,31}$"),
    Field(json_schema_extra={"words": "1 to 32 letters, digits, - or _, no _ first, in quotes"}),
]
"""One level of a topic."""

_LABEL = "[A-Za-z0-9_-]{1,63}"


def _an_address(host: str) -> str:
    """What looks like an address must be one: nobody could look it up as a name."""
    if ":" in host or host.removesuffix(".").rpartition(".")[2].isdigit():
        try:
            ip_address(host)
        except ValueError as error:
            raise PydanticCustomError("host", "no address") from error
    return host


Host = Annotated[
    str,
    StringConstraints(
        pattern=rf"^(({_LABEL}\.)*{_LABEL}\.?|[0-9A-Fa-f:]+:[0-9A-Fa-f.]*)$", max_length=253
    ),
    AfterValidator(_an_address),
    Field(
        json_schema_extra={"words": "a host name or address, without mqtt:// and without a port"}
    ),
]
"""Where a broker is; a name in other letters than these is written as DNS has it, xn--…"""


def _a_listener(listen: str) -> str:
    if listen == "off":
        return listen
    host, _, port = listen.rpartition(":")
    _an_address(host.strip("[]"))
    if int(port) > 65535:
        raise PydanticCustomError("port", "no port")
    return listen


Listener = Annotated[
    str,
    StringConstraints(pattern=rf"^(off|(\[[0-9A-Fa-f:.]+\]|({_LABEL}\.)*{_LABEL}):[0-9]{{1,5}})$"),
    AfterValidator(_a_listener),
    Field(json_schema_extra={"words": 'an address and a port, as "127.0.0.1:8080", or "off"'}),
]
"""Where something can be asked at over the network; port 0 is any that is free."""

TimeOfDay = Annotated[
    str,
    StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$"),
    Field(json_schema_extra={"words": 'a time of day from "00:00" to "23:59"'}),
]
"""Local time."""


def _a_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise PydanticCustomError("zone", "no such zone") from error
    return name


Zone = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$", max_length=64),
    AfterValidator(_a_zone),
    Field(json_schema_extra={"words": 'a time zone, as "Asia/Shanghai"'}),
]
"""By its name in the IANA database, which is on every Debian."""

FileName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,60}\.db$"),
    Field(json_schema_extra={"words": "a file name that ends in .db, without a directory"}),
]
"""A database inside `state_dir`; its ending keeps it apart from the keys there."""

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


class Protocol(StrEnum):
    """MQTT versions."""

    V5 = "5"
    V311 = "3.1.1"


class Confirm(StrEnum):
    """Whose word counts as delivered."""

    BROKER = "broker"
    CENTRE = "centre"


class Profile(StrEnum):
    """Kinds of broker whose limits are known; see `gateway.services`."""

    GENERIC = "generic"
    AWS = "aws"
    ALIYUN = "aliyun"
    TENCENT = "tencent"
    HUAWEI = "huawei"
    ONENET = "onenet"
    RABBITMQ = "rabbitmq"
    NATS = "nats"


class Compress(StrEnum):
    """How batches are made smaller."""

    OFF = "off"
    GZIP = "gzip"
    ZSTD = "zstd"
    AUTO = "auto"


class TlsConfig(OptionTable):
    """`[uplink.tls]`: present means TLS, always with the server's name verified."""

    ca_file: SecretPath | None = None
    """PEM bundle of the authorities to trust; without it the system's."""
    cert_file: SecretPath | None = None
    """PEM client certificate."""
    key_file: SecretPath | None = None
    """PEM key of the client certificate."""

    @model_validator(mode="after")
    def _certificate_with_key(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            missing = "key_file" if self.key_file is None else "cert_file"
            raise ValueError(f"{missing} is missing; cert_file and key_file go together")
        return self


class UplinkConfig(OptionTable):
    """`[uplink]`: the way to the centre."""

    host: Host
    """The broker's name or address."""
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    """The broker's port; 8883 is usual with TLS."""
    profile: Profile = Profile.GENERIC
    """Whose limits are kept: those of a cloud service, or of any broker."""
    protocol: Protocol = Protocol.V5
    """MQTT version; `3.1.1` for brokers that know no other."""
    username: Line | None = None
    """Defaults to the gateway's id."""
    password_file: SecretPath | None = None
    """File with the password on its first line; never written into this file."""
    keepalive_s: Annotated[int, Field(ge=5, le=300)] = 30
    """A dead link is noticed after at most 1.5 × this."""
    ack_timeout_s: Annotated[float, Field(ge=1, le=300)] = 30.0
    """A publish not acknowledged for this long closes the link, and a new one is made."""
    confirm: Confirm = Confirm.BROKER
    """`broker`: an acknowledged publish is delivered. `centre`: only the centre's own word is."""
    compress: Compress = Compress.AUTO
    """Batches: `auto` is gzip, or zstd where the centre says that it reads it."""
    message_bytes: Annotated[int, Field(ge=1024, le=268_435_455)] | None = None
    """Largest payload sent. Defaults to the profile's."""
    window: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Most messages in flight. Defaults to the profile's."""
    messages_per_s: Annotated[float, Field(gt=0, le=100_000)] | None = None
    """Most messages sent per second. Defaults to the profile's."""
    will: bool | None = None
    """Whether the broker is given a will to publish. Defaults to the profile's."""
    retain: bool | None = None
    """Whether states are retained by the broker. Defaults to the profile's."""
    tls: TlsConfig | None = None
    """Absent means plain TCP."""


class PageConfig(OptionTable):
    """`[page]`: the page for whoever looks after the gate, `/healthz` and `/metrics`."""

    listen: Listener = "127.0.0.1:8080"
    """Address and port; on the box itself only, unless it is changed. `off`: there is no page."""

    def notices(self) -> Sequence[str]:
        """What is allowed and must be known; one sentence each."""
        host = self.listen.rpartition(":")[0].strip("[]")
        if self.listen == "off" or host == "localhost" or _is_loopback(host):
            return ()
        return (
            f"whoever reaches {self.listen} over the network can read the page: it has no password"
            " and is not encrypted",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class ExportConfig(OptionTable):
    """`[export]`: records taken out by USB stick."""

    seal_to_file: FilePath | None = None
    """PEM with the centre's public key: nobody else can read what is on the stick."""


Wait = Annotated[float, Field(ge=1, le=86_400)]
"""Seconds, up to a day."""


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
