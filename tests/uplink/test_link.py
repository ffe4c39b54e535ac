"""One connection: opening, TLS, limits, and what ends it."""

from pathlib import Path

import pytest

from gateway.clock import Clock
from gateway.config import Config, Protocol
from gateway.errors import LinkError
from gateway.uplink.client import LinkOptions, Will
from gateway.uplink.link import PACKET_TOO_LARGE, open_link
from gateway.uplink.options import link_options
from tests.brokers import mosquitto
from tests.fakebroker import fake_broker
from tests.ports import free_port
from tests.uplink.gate import configured

WILL = Will("cg1/a/b/c/d/up/state", b"{}")


def options(port: int) -> LinkOptions:
    return LinkOptions("127.0.0.1", port, "gate")


async def test_a_missing_password_file_is_named(tmp_path: Path) -> None:
    config = configured(1, password_file=tmp_path / "nowhere")
    with pytest.raises(LinkError, match="nowhere"):
        link_options(config, WILL, Clock())


def test_identity_comes_from_the_gateway_unless_set() -> None:
    assert link_options(configured(1), WILL, Clock()).username == "410102011003007"
    assert link_options(configured(1, username="other"), WILL, Clock()).username == "other"
    assert link_options(configured(1), WILL, Clock()).client_id == "410102011003007"


def test_a_password_is_in_no_repr(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n")
    config: Config = configured(1, password_file=tmp_path / "password")
    made = link_options(config, WILL, Clock())
    assert made.password == "secret"
    assert "secret" not in repr(made)


async def test_nobody_there() -> None:
    with pytest.raises(LinkError, match="Connection refused"):
        async with open_link(options(free_port())):
            pass


async def test_what_would_be_too_large_is_not_sent(tmp_path: Path) -> None:
    settings = ("allow_anonymous true", "max_packet_size 1000")
    async with mosquitto(tmp_path, *settings) as broker, open_link(options(broker.port)) as link:
        assert await link.publish("t", b"x" * 1000) == PACKET_TOO_LARGE
        assert await link.publish("t", b"x" * link.limits.payload) < 0x80


@pytest.mark.parametrize("protocol", Protocol)
async def test_a_broken_link_fails_what_is_in_flight(protocol: Protocol) -> None:
    async with (
        fake_broker(lambda _: None) as broker,
        open_link(LinkOptions("127.0.0.1", broker.port, "gate", protocol)) as link,
    ):
        answer = link.publish("t", b"x")
        broker.cut()
        with pytest.raises(LinkError, match="lost"):
            await answer
        with pytest.raises(LinkError, match="lost"):
            link.publish("t", b"y")
        assert link.in_flight == 0
