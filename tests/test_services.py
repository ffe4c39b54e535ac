"""What the profiles of services allow, and that it is kept."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import Place, Profile, Protocol, UplinkConfig
from gateway.configfile import load
from gateway.errors import ConfigError
from gateway.events import Kind
from gateway.services import SERVICES, allowed, contradictions
from gateway.topics import Topics
from gateway.uplink.allowance import Allowance
from tests.brokers import until
from tests.fakebroker import fake_broker
from tests.journal.journals import note, opened
from tests.uplink.gate import configured, uplink_of

PLACE = Place(id="410102011003007", district="410102", street="011", community="003")
EACH = pytest.mark.parametrize("profile", Profile)


def uplink(profile: Profile, **options: object) -> UplinkConfig:
    return UplinkConfig.model_validate({"host": "broker", "profile": profile} | options)


def protocol_of(profile: Profile) -> Protocol:
    return SERVICES[profile].protocols[0]


@EACH
def test_every_topic_fits(profile: Profile) -> None:
    service, topics = SERVICES[profile], Topics(PLACE)
    for topic in [topics.batch, topics.notices, *(topics.event(kind) for kind in Kind)]:
        assert len(topic) <= service.topic_chars
        assert topic.count("/") <= service.topic_slashes


@EACH
def test_the_defaults_suit_the_service(profile: Profile) -> None:
    assert list(contradictions(uplink(profile, protocol=protocol_of(profile)))) == []


def test_options_count_more_than_the_profile() -> None:
    options = {"message_bytes": 2048, "window": 3, "messages_per_s": 7.5, "will": True}
    service = allowed(uplink(Profile.HUAWEI, retain=True, **options))
    assert (service.message_bytes, service.window, service.messages_per_s) == (2048, 3, 7.5)
    assert (service.will, service.retain) == (True, True)
    assert service.bytes_per_s == SERVICES[Profile.HUAWEI].bytes_per_s


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('profile = "nats"', 'protocol: found "5"; the profile "nats" speaks "3.1.1" only'),
        ('profile = "onenet"\nprotocol = "5"', 'the profile "onenet" speaks "3.1.1" only'),
        ('profile = "aws"\nkeepalive_s = 10', "keepalive_s: found 10; the profile"),
        ('profile = "azure"', "profile: found the text"),
        ("window = 0", "window: found"),
        ('compress = "lzma"', "compress: found the text"),
    ],
)
def test_check_refuses_contradictions(tmp_path: Path, lines: str, told: str) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(
        '[gateway]\nid = "g"\ndistrict = "a"\nstreet = "b"\ncommunity = "c"\n'
        f'[uplink]\nhost = "broker"\n{lines}\n'
    )
    with pytest.raises(ConfigError, match="uplink") as refused:
        load(file)
    assert told in str(refused.value)


@EACH
async def test_a_broker_of_this_kind_gets_nothing_it_does_not_take(
    tmp_path: Path, profile: Profile
) -> None:
    service = SERVICES[profile]
    async with fake_broker() as broker, opened(tmp_path / "journal.db") as journal:
        await journal.append([note(n, padding=900) for n in range(1, 301)])
        config = configured(
            broker.port, profile=profile, protocol=protocol_of(profile), compress="off"
        )
        began = asyncio.get_running_loop().time()
        async with uplink_of(journal, config):
            await until(lambda: journal.counts().waiting == 0, within_s=60)
        took_s = asyncio.get_running_loop().time() - began
        assert max(len(each.payload) for each in broker.published) <= service.message_bytes
        assert broker.most_unanswered <= service.window
        assert any(each.retained for each in broker.published) == service.retain
        assert broker.wills == [service.will]
        records = [each for each in broker.published if "/up/state" not in each.topic]
        assert len(records) <= service.messages_per_s * (took_s + 1)


rates = st.floats(0.5, 1000)


@given(rates, rates, st.lists(st.tuples(st.integers(1, 5000), st.booleans()), max_size=60))
def test_no_second_exceeds_the_rates(
    messages_per_s: float, bytes_per_s: float, sent: list[tuple[int, bool]]
) -> None:
    allowance, now = Allowance(messages_per_s, bytes_per_s), 100.0
    times: list[tuple[float, int]] = []
    for size, urgent in sent:
        now = max(now, allowance.ready_at(now, urgent=urgent))
        allowance.spend(size, now)
        times.append((now, size))
    for start, _ in times:
        second = [size for at, size in times if start <= at < start + 1]
        assert len(second) <= 1.5 * messages_per_s + 3
        assert sum(second) <= 2 * bytes_per_s + max(second)


def test_without_rates_nothing_waits() -> None:
    allowance = Allowance(float("inf"), float("inf"))
    for _ in range(1000):
        assert allowance.ready_at(1.0, urgent=False) <= 1.0
        allowance.spend(1 << 20, 1.0)
