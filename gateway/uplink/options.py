"""From the configuration to the options of a connection: identity, secrets, TLS."""

from pathlib import Path

from drivers.base import SECRETS
from gateway.clock import Clock
from gateway.config import Config, UplinkConfig
from gateway.errors import LinkError
from gateway.services import allowed
from gateway.uplink.client import LinkOptions, Will
from gateway.uplink.streams import Pacing
from gateway.uplink.tls import make_tls


def check_files(uplink: UplinkConfig, clock: Clock) -> None:
    """Look whether the files that `uplink` names can be used, as every connection will.

    Raises:
        LinkError: one cannot.
    """
    if uplink.password_file:
        read_password(uplink.password_file)
    if uplink.tls:
        make_tls(uplink.tls, clock.now(), clock.floor_ms)


def link_options(config: Config, will: Will, clock: Clock) -> LinkOptions:
    """Files are read anew for every connection, so that a renewed certificate counts at once.

    Raises:
        LinkError: a file that the configuration names cannot be used.
    """
    uplink, service = config.uplink, allowed(config.uplink)
    return LinkOptions(
        host=uplink.host,
        port=uplink.port,
        client_id=config.gateway.id,
        protocol=uplink.protocol,
        username=uplink.username or config.gateway.id,
        password=read_password(uplink.password_file) if uplink.password_file else None,
        tls=make_tls(uplink.tls, clock.now(), clock.floor_ms) if uplink.tls else None,
        keepalive_s=uplink.keepalive_s,
        ack_timeout_s=uplink.ack_timeout_s,
        window=service.window,
        payload_bytes=service.message_bytes,
        retain=service.retain,
        will=will if service.will else None,
    )


def pacing_of(uplink: UplinkConfig) -> Pacing:
    """The figures of the sender within what the service allows."""
    service = allowed(uplink)
    return Pacing(
        batch_bytes=service.message_bytes,
        messages_per_s=service.messages_per_s,
        bytes_per_s=service.bytes_per_s,
    )


def read_password(path: Path) -> str:
    """The first line of the file `path`.

    Raises:
        LinkError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except UnicodeDecodeError as error:
        raise LinkError(f"cannot read the password from {path}: {error}") from error
    except OSError as error:
        found = f"cannot read the password from {path}: {error.strerror}"
        if path.parent == SECRETS:  # systemd has read them when it started the service
            found += "; if it is there, it takes a restart: systemctl restart checkpoint-gateway"
        raise LinkError(found) from error
