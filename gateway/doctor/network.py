"""The way to the centre: its name, the broker, its certificate, what may be done there."""

import asyncio
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

from drivers.wire import names
from gateway.clock import Clock
from gateway.config import Config
from gateway.errors import LinkError
from gateway.findings import Finding, Level, bad, good
from gateway.uplink.dial import dial
from gateway.uplink.probe import Probe
from gateway.uplink.tls import make_tls

_NAME_S = 10.0
_CONNECT_S = 15.0
_DAY_S = 86_400
_WARN_DAYS = 30


async def examine(config: Config, clock: Clock) -> list[Finding]:
    """Each step only if the one before it has worked."""
    name = await _name(config.uplink.host, config.uplink.port)
    if name.level is Level.BAD:
        return [name]
    report = await Probe(config).run()
    certificate = await _certificate(config, clock) if config.uplink.tls else []
    return [name, *report.findings, *certificate]


async def _name(host: str, port: int) -> Finding:
    try:
        ip_address(host)
    except ValueError:
        pass
    else:
        return good("dns", f"{host} is an address; no name has to be looked up")
    todo = "is the network up (ip addr, ping)? which name servers: cat /etc/resolv.conf"
    try:
        async with asyncio.timeout(_NAME_S):
            found = await names.resolve(host, port)
    except TimeoutError:
        return bad("dns", f"no name server has answered within {_NAME_S:g} s", todo)
    except (OSError, UnicodeError) as error:
        return bad(
            "dns", f"the name {host} cannot be resolved: {error}", f"correct host, or: {todo}"
        )
    addresses = ", ".join(sorted({each[4][0] for each in found}))
    return good("dns", f"{host} is {addresses}")


async def _certificate(config: Config, clock: Clock) -> list[Finding]:
    uplink, now = config.uplink, clock.now()
    assert uplink.tls is not None
    try:
        async with asyncio.timeout(_CONNECT_S):
            sock = await dial(uplink.host, uplink.port, make_tls(uplink.tls, now, clock.floor_ms))
    except (LinkError, TimeoutError):
        return []  # the probe has said it
    with sock:
        assert isinstance(sock, ssl.SSLSocket)
        known: Any = sock.getpeercert()
    until_s = ssl.cert_time_to_seconds(known["notAfter"])
    return list(_lasting(until_s, max(clock.floor_ms, now.wall_ms) / 1000))


def _lasting(until_s: float, now_s: float) -> Iterator[Finding]:
    day = f"{datetime.fromtimestamp(until_s, UTC):%Y-%m-%d}"
    days = int((until_s - now_s) // _DAY_S)
    if days < _WARN_DAYS:
        todo = "tell whoever runs the broker to renew it: from then on no gateway connects"
        yield bad("certificate", f"the broker's certificate ends in {days} days, on {day}", todo)
    else:
        yield good("certificate", f"the broker's is accepted, and is valid to {day}")
