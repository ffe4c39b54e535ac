"""Terms that several tables of the configuration are made of."""

from ipaddress import ip_address
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

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


def is_loopback(host: str) -> bool:
    """Whether nobody but this box itself is behind it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
