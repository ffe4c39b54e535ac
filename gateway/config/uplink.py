"""The way to the centre: `[uplink]`."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from drivers.base import Line, OptionTable, SecretPath
from gateway.config.terms import Host


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
