"""A parcel put in place: what is where afterwards, and what is refused without consent."""

import os
import stat
from pathlib import Path

import msgspec
import pytest

from drivers.base import SECRETS
from gateway import configfile
from gateway.clock import Clock
from gateway.errors import ConfigError, GatewayError
from gateway.journal import Journal
from gateway.places import CONFIGURATION
from gateway.setup.durable import NewFile, overwrite, put
from gateway.setup.parcel import Parcel
from gateway.setup.placing import Consent, Plan, carry_out, plan
from tests.journal.journals import filled

GATE = "410102011003007"
CONFIG = """\
# as somebody wrote it
gateway = {{ id = "{gate}", district = "410102", street = "011", community = "003", \
state_dir = "{state}" }}
uplink = {{ host = "broker", password_file = "{secrets}/password" }}
"""
KEY = bytes(range(32))


def parcel_for(tmp_path: Path, *, gate: str = GATE, secrets: str = "/elsewhere") -> Parcel:
    text = CONFIG.format(gate=gate, state=tmp_path / "state", secrets=secrets)
    return Parcel(gate, text, {f"{secrets}/password": b"hush\n"}, KEY)


def planned(tmp_path: Path, **how: str) -> Plan:
    return plan(parcel_for(tmp_path, **how), tmp_path / "etc" / "gateway.toml")


async def keep_a_journal(tmp_path: Path, gate: str, events: int) -> None:
    (tmp_path / "state").mkdir(exist_ok=True)
    path = tmp_path / "state" / "journal.db"
    journal = await Journal.open(path, source=f"/gateways/{gate}", clock=Clock())
    await filled(journal, events)
    await journal.close()


def test_everything_is_where_the_gateway_looks_for_it(tmp_path: Path) -> None:
    done = carry_out(planned(tmp_path), Consent())
    etc = tmp_path / "etc"
    config = configfile.load(etc / "gateway.toml")
    assert config.uplink.password_file == etc / "password"
    assert (etc / "password").read_bytes() == b"hush\n"
    assert (tmp_path / "state" / "pseudonym.key").read_bytes() == KEY
    modes = {each: stat.S_IMODE(each.stat().st_mode) for each in tmp_path.glob("*/*")}
    assert modes == {
        etc / "gateway.toml": 0o644,
        etc / "password": 0o600,
        tmp_path / "state" / "pseudonym.key": 0o600,
    }
    assert done[-1] == f"written: {etc}/gateway.toml"


def test_on_an_installed_box_secrets_are_where_the_service_gets_them_from(tmp_path: Path) -> None:
    parcel = parcel_for(tmp_path)
    files = {**parcel.files, "/elsewhere/ca.pem": b"public\n"}
    tls = 'uplink = { tls = { ca_file = "/elsewhere/ca.pem" },'
    text = parcel.config.replace("uplink = {", tls)
    made = plan(Parcel(GATE, text, files), CONFIGURATION)
    assert made.files == {
        SECRETS / "password": b"hush\n",
        CONFIGURATION.with_name("ca.pem"): b"public\n",
    }
    assert made.config.uplink.password_file == SECRETS / "password"


def test_a_key_is_made_where_none_is_and_kept_where_one_is(tmp_path: Path) -> None:
    without = msgspec.structs.replace(parcel_for(tmp_path), key=None)
    carry_out(plan(without, tmp_path / "etc" / "gateway.toml"), Consent())
    made = (tmp_path / "state" / "pseudonym.key").read_bytes()
    assert len(made) == len(KEY)
    carry_out(plan(without, tmp_path / "etc" / "gateway.toml"), Consent())
    assert (tmp_path / "state" / "pseudonym.key").read_bytes() == made


def test_the_text_stays_as_it_was_where_nothing_in_it_has_to_change(tmp_path: Path) -> None:
    own = parcel_for(tmp_path, secrets=str(tmp_path / "etc"))
    carry_out(plan(own, tmp_path / "etc" / "gateway.toml"), Consent())
    assert (tmp_path / "etc" / "gateway.toml").read_text() == own.config


def test_what_was_there_is_replaced_with_consent_only_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "etc" / "gateway.toml"
    file.parent.mkdir()
    file.write_text("the former one")
    with pytest.raises(GatewayError, match=r"gateway.toml is there already; a copy"):
        carry_out(planned(tmp_path), Consent())
    assert os.listdir(file.parent) == ["gateway.toml"]
    carry_out(planned(tmp_path), Consent(replace=True))
    assert (file.parent / "gateway.toml.former-1").read_text() == "the former one"
    carry_out(planned(tmp_path), Consent())  # the same again changes nothing
    assert not (file.parent / "gateway.toml.former-2").exists()


def test_a_wrong_configuration_touches_nothing(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"(?s)\[gateway\] district: missing.*\[uplink\]: missing"
    ):
        plan(Parcel("1", 'gateway = { id = "1" }', {}), tmp_path / "gateway.toml")
    with pytest.raises(ConfigError, match="no TOML"):
        plan(Parcel("1", "gateway = ", {}), tmp_path / "gateway.toml")
    assert os.listdir(tmp_path) == []


def test_a_secret_never_takes_the_configurations_place(tmp_path: Path) -> None:
    files = {"/a/gateway.toml": b"hush"}
    text = parcel_for(tmp_path).config.replace("/elsewhere/password", "/a/gateway.toml")
    with pytest.raises(GatewayError, match="written over the configuration"):
        plan(Parcel("1", text, files), tmp_path / "gateway.toml")


@pytest.mark.parametrize("name", ["/elsewhere/password", "/etc/.."])
def test_a_file_that_did_not_come_or_is_none_is_told(tmp_path: Path, name: str) -> None:
    text = parcel_for(tmp_path).config.replace("/elsewhere/password", name)
    with pytest.raises(GatewayError, match=f"the file {name}, which the configuration names"):
        plan(Parcel("1", text, {"/etc/..": b"x"}), tmp_path / "gateway.toml")


def test_two_files_of_one_name_are_told(tmp_path: Path) -> None:
    other = '/password", tls = { ca_file = "/other/password" } }'
    text = parcel_for(tmp_path).config.replace('/password" }', other)
    files = {"/elsewhere/password": b"hush\n", "/other/password": b"-----BEGIN"}
    with pytest.raises(GatewayError, match="two different files are called password"):
        plan(Parcel("1", text, files), tmp_path / "gateway.toml")


class TestFormerJournal:
    async def test_of_this_gateway_goes_on(self, tmp_path: Path) -> None:
        await keep_a_journal(tmp_path, GATE, 3)
        carry_out(planned(tmp_path), Consent())
        assert (tmp_path / "state" / "journal.db").exists()

    async def test_of_another_is_never_continued(self, tmp_path: Path) -> None:
        await keep_a_journal(tmp_path, "another", 3)
        before = sorted(os.listdir(tmp_path / "state"))
        told = "journal of /gateways/another, with 3 events that the centre does not have yet"
        with pytest.raises(GatewayError, match=told):
            carry_out(planned(tmp_path), Consent(replace=True))
        assert sorted(os.listdir(tmp_path / "state")) == before
        assert not (tmp_path / "etc").exists()

    async def test_of_another_is_set_aside_whole_with_its_key(self, tmp_path: Path) -> None:
        await keep_a_journal(tmp_path, "another", 3)
        state = tmp_path / "state"
        (state / "pseudonym.key").write_bytes(b"another's key, which has 32 bytes")
        (state / "time-floor").write_text("1")
        done = carry_out(planned(tmp_path), Consent(set_aside=True))
        assert done[0] == f"the former journal is now in {state}/former-1"
        assert sorted(os.listdir(state)) == ["former-1", "pseudonym.key", "time-floor"]
        aside = state / "former-1"
        assert (aside / "pseudonym.key").read_bytes().startswith(b"another's")
        assert (state / "pseudonym.key").read_bytes() == KEY
        journal = await Journal.open(
            aside / "journal.db", source="/gateways/another", clock=Clock()
        )
        assert journal.counts().waiting == 3
        await journal.close()

    async def test_in_use_is_left_alone(self, tmp_path: Path) -> None:
        await keep_a_journal(tmp_path, "another", 1)
        path = tmp_path / "state" / "journal.db"
        journal = await Journal.open(path, source="/gateways/another", clock=Clock())
        with pytest.raises(GatewayError, match="the gateway is running: stop it first"):
            carry_out(planned(tmp_path), Consent(set_aside=True))
        await journal.close()
        assert not (tmp_path / "state" / "former-1").exists()

    async def test_that_cannot_be_read_is_not_continued_either(self, tmp_path: Path) -> None:
        await keep_a_journal(tmp_path, GATE, 1)
        (tmp_path / "state" / "journal.db").write_bytes(b"rot" * 2000)
        with pytest.raises(GatewayError, match="cannot be read as a journal"):
            carry_out(planned(tmp_path), Consent())
        carry_out(planned(tmp_path), Consent(set_aside=True))
        assert (tmp_path / "state" / "former-1" / "journal.db").exists()


class TestDurable:
    def test_all_or_nothing(self, tmp_path: Path) -> None:
        """The second cannot be written: the first is not there either."""
        files = {
            tmp_path / "first": NewFile(b"1"),
            tmp_path / "no" / "second": NewFile(b"2"),
        }
        with pytest.raises(GatewayError, match=r"cannot write .*second.*: No such file"):
            put(files)
        assert os.listdir(tmp_path) == []

    def test_a_stick_that_is_gone(self, tmp_path: Path) -> None:
        with pytest.raises(GatewayError, match=r"cannot write .*: No such file or directory"):
            overwrite(tmp_path / "gone" / "backup", b"1")
