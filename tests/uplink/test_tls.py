"""TLS: who is let in, who is not, in which words, and with which clock."""

import socket
from pathlib import Path

import pytest
import trustme

from gateway.clock import Clock, Stamp, TimeQuality
from gateway.config import TlsConfig
from gateway.errors import LinkError
from gateway.uplink.alarms import CERTIFICATE
from gateway.uplink.client import LinkOptions
from gateway.uplink.link import open_link
from gateway.uplink.tls import Tls, alert_of, expiry_warning, exposed, make_tls
from tests.brokers import Mosquitto, until
from tests.daemon import GATE, Daemon
from tests.fakebroker import fake_broker
from tests.journal.journals import opened
from tests.uplink.gate import configured, uplink_of
from tests.uplink.identities import MUTUAL, NAME, Identities, at, day, ms

SYNC = TimeQuality.SYNC


@pytest.fixture
def identities(tmp_path: Path) -> Identities:
    return Identities(tmp_path)


def options(
    broker: Mosquitto, config: TlsConfig, now: Stamp | None = None, floor_ms: int = 0
) -> LinkOptions:
    tls = make_tls(config, now or Clock().now(), floor_ms)
    return LinkOptions("127.0.0.1", broker.port, NAME, tls=tls)


async def refusal(made: LinkOptions) -> LinkError:
    with pytest.raises(LinkError) as refused:
        async with open_link(made) as link:
            await link.until_lost()
    return refused.value


async def test_tls_carries_many_messages(identities: Identities) -> None:
    got: list[bytes] = []
    async with (
        identities.broker() as broker,
        open_link(options(broker, identities.anonymous())) as link,
    ):
        assert await link.subscribe("t", lambda message: got.append(message.payload))
        for number in range(200):
            await link.publish("t", b"%d" % number * 50)
        await until(lambda: len(got) == 200)
    assert got == [b"%d" % number * 50 for number in range(200)]


async def test_a_certificate_opens(identities: Identities) -> None:
    async with (
        identities.broker(*MUTUAL) as broker,
        open_link(options(broker, identities.client())) as link,
    ):
        assert await link.publish("t", b"x") < 0x80


async def test_a_certificate_for_another_name_is_refused(identities: Identities) -> None:
    async with identities.broker(name="elsewhere.example") as broker:
        error = await refusal(options(broker, identities.anonymous()))
    assert "its certificate is not accepted: IP address mismatch" in str(error)


async def test_a_broker_of_another_authority_is_refused(identities: Identities) -> None:
    async with identities.broker(authority=trustme.CA()) as broker:
        error = await refusal(options(broker, identities.anonymous()))
    assert "its certificate is not accepted: unable to get local issuer" in str(error)


async def test_tls_to_a_plain_port_never_falls_back(identities: Identities) -> None:
    async with fake_broker() as broker:
        tls = make_tls(identities.anonymous(), Clock().now(), 0)
        await refusal(LinkOptions("127.0.0.1", broker.port, NAME, tls=tls))
        assert broker.published == []


async def test_a_refusal_is_heard_even_after_writing_has_failed(identities: Identities) -> None:
    context = make_tls(identities.anonymous(), Clock().now(), 0).strict
    async with identities.broker(*MUTUAL) as broker:
        with (
            socket.create_connection(("127.0.0.1", broker.port)) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as sock,
        ):

            def hung_up() -> bool:
                try:
                    sock.send(b"CONNECT")
                except OSError:
                    return True
                return False

            await until(hung_up)
            assert "certificate required" in (alert_of(sock) or "")


@pytest.mark.parametrize("kind", ["none", "foreign authority", "expired", "not yet valid"])
async def test_bad_identities_are_refused_in_words(identities: Identities, kind: str) -> None:
    match kind:
        case "none":
            config, told = identities.anonymous(), "certificate required"
        case "foreign authority":
            config, told = identities.client(authority=trustme.CA()), "unknown ca"
        case "expired":
            config, told = identities.client(before=day(2019), after=day(2020)), "expired"
        case _:
            config, told = identities.client(before=day(2090), after=day(2091)), "bad certificate"
    async with identities.broker(*MUTUAL) as broker:
        error = await refusal(options(broker, config))
    assert "the broker refuses our certificate" in str(error)
    assert told in str(error)
    assert error.unauthorised  # so it is tried twelve times an hour and no more


async def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LinkError, match=r"nowhere\.pem"):
        make_tls(TlsConfig(ca_file=tmp_path / "nowhere.pem"), Clock().now(), 0)


async def test_an_unset_clock_waits_when_nothing_is_known(tmp_path: Path) -> None:
    identities = Identities(tmp_path)
    config = identities.client()
    async with identities.broker(*MUTUAL, before=day(2025), after=day(2035)) as broker:
        text = TOML.format(port=broker.port, ca=config.ca_file, cert=config.cert_file)
        async with Daemon(tmp_path, text, environment=_faked(1970)) as daemon:
            picture = await daemon.until(lambda picture: "clock" in (picture.link.reason or ""))
            assert "the clock says 1970-01-01" in (picture.link.reason or "")
            assert "waiting for the right time" in (picture.link.reason or "")
            assert await daemon.stop() == 0
        assert not (daemon.state_dir / "time-floor").exists()


TOML = (
    GATE
    + """\
[uplink]
host = "127.0.0.1"
port = {port}

[uplink.tls]
ca_file = "{ca}"
cert_file = "{cert}"
key_file = "410102011003007.key"
"""
)


def _faked(year: int) -> dict[str, str]:
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME": f"@{year}-01-01 00:00:05",
        "DONT_FAKE_MONOTONIC": "1",
        "TZ": "UTC",
    }


async def test_a_certificate_that_had_expired_when_it_was_last_known_stays_out(
    identities: Identities,
) -> None:
    async with identities.broker(before=day(2019), after=day(2021)) as broker:
        error = await refusal(options(broker, identities.anonymous(), at(1970), ms(2026)))
    assert "has expired on 2021-01-01; it is 2026-07-01 or later" in str(error)


async def test_a_clock_that_is_right_is_obeyed(identities: Identities) -> None:
    """Whatever the floor is: leniency is only for a clock that is known not to be set."""
    async with identities.broker(before=day(2019), after=day(2021)) as broker:
        error = await refusal(options(broker, identities.anonymous(), at(2026, SYNC), ms(2020)))
    assert "certificate has expired" in str(error)


@pytest.mark.parametrize("wrong", ["name", "authority"])
async def test_an_unset_clock_excuses_nothing_else(identities: Identities, wrong: str) -> None:
    other = {"name": "elsewhere.example"} if wrong == "name" else {}
    authority = trustme.CA() if wrong == "authority" else None
    async with identities.broker(
        **other, authority=authority, before=day(2090), after=day(2091)
    ) as broker:
        error = await refusal(options(broker, identities.anonymous(), at(1970), ms(2026)))
    assert "its certificate is not accepted" in str(error)


@pytest.mark.parametrize(
    ("now", "warning"),
    [
        (at(2025, SYNC), None),
        (Stamp(ms(2026) - 20 * 86_400_000, SYNC, "b", 0), "expires in 19 days, on 2026-06-30"),
        (at(2027, SYNC), "has expired, on 2026-06-30"),
        (at(2027), None),
    ],
)
def test_the_end_of_a_certificate_is_told_a_month_ahead(
    identities: Identities, now: Stamp, warning: str | None
) -> None:
    until_day = day(2026).replace(month=6, day=30)
    config = identities.client(before=day(2020), after=until_day)
    told = expiry_warning(config, now)
    assert (told is None) == (warning is None)
    assert told is None or (warning or "") in told


async def test_it_is_an_alarm(tmp_path: Path, identities: Identities) -> None:
    now = Clock(synchronised=lambda: True)
    ends = day(2020).fromtimestamp(now.now().wall_ms / 1000 + 5 * 86_400, day(2020).tzinfo)
    tls = identities.client(before=day(2020), after=ends)
    async with (
        identities.broker(*MUTUAL) as broker,
        opened(tmp_path / "journal.db") as journal,
        uplink_of(journal, configured(broker.port, tls=tls), clock=now) as uplink,
    ):
        await until(lambda: uplink.link.online and journal.last_seq == 1)
        assert "expires in 4 days" in uplink.alarms[CERTIFICATE]


@pytest.mark.parametrize(("mode", "told"), [(0o600, False), (0o640, False), (0o644, True)])
def test_a_key_that_lies_open_is_told(tmp_path: Path, mode: int, told: bool) -> None:
    key = tmp_path / "gate.key"
    key.touch()
    key.chmod(mode)
    assert (exposed(key) is not None) == told


async def test_a_broker_that_takes_the_user_name_for_the_client_id_stops_theft(
    tmp_path: Path,
) -> None:
    identities = Identities(tmp_path)
    async with (
        identities.broker(*MUTUAL, "use_username_as_clientid true") as broker,
        opened(tmp_path / "journal.db") as journal,
        uplink_of(journal, configured(broker.port, tls=identities.client())) as uplink,
    ):
        await until(lambda: uplink.link.online)
        thief = LinkOptions("127.0.0.1", broker.port, NAME, tls=_tls(identities.client("thief")))
        async with open_link(thief) as link:
            assert await link.publish("t", b"x") < 0x80
            assert uplink.link.online


async def test_a_foreign_topic_is_denied(tmp_path: Path) -> None:
    identities = Identities(tmp_path)
    (tmp_path / "acl").write_text("pattern write cg1/+/+/+/%u/up/#\n")
    setting = f"acl_file {tmp_path / 'acl'}"
    async with (
        identities.broker(*MUTUAL, setting) as broker,
        open_link(options(broker, identities.client())) as link,
    ):
        assert await link.publish(f"cg1/a/b/c/{NAME}/up/batch", b"x") < 0x80
        assert await link.publish("cg1/a/b/c/another/up/batch", b"x") == 0x87


def _tls(config: TlsConfig) -> Tls:
    return make_tls(config, Clock().now(), 0)
