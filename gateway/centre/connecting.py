"""From what was typed to the options of a connection at the centre's side."""

import argparse

from gateway.clock import Clock
from gateway.config import Protocol, TlsConfig
from gateway.uplink.client import LinkOptions
from gateway.uplink.options import read_password
from gateway.uplink.tls import make_tls

_PLAIN_PORT, _TLS_PORT = 1883, 8883


def options_of(chosen: argparse.Namespace) -> LinkOptions:
    """The options that `gateway.centre_arguments.add_connection` has let somebody choose.

    Raises:
        LinkError: a file cannot be used.
    """
    tls = None
    if chosen.tls or chosen.tls_ca:
        clock = Clock()
        tls = make_tls(TlsConfig(ca_file=chosen.tls_ca), clock.now(), clock.floor_ms)
    return LinkOptions(
        chosen.host,
        chosen.port or (_TLS_PORT if tls else _PLAIN_PORT),
        chosen.client_id,
        Protocol(chosen.protocol),
        username=chosen.username,
        password=read_password(chosen.password_file) if chosen.password_file else None,
        tls=tls,
    )
