"""`uplink test`: what it says about brokers that are well and about those that are not."""

import json
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.config import Config, Confirm, Protocol
from gateway.findings import Level, Report
from gateway.uplink.probe import Probe
from tests.brokers import mosquitto, until
from tests.journal.journals import filled, opened
from tests.ports import free_port
from tests.uplink.gate import BASE, configured, listening, uplink_of

NAME = "410102011003007"
RIGHTS = f"user {NAME}\ntopic write {BASE}/up/#\ntopic read {BASE}/down/#\n\nuser centre\n"


def guarded(directory: Path, rights: str = RIGHTS) -> tuple[str, ...]:
    (directory / "acl").write_text(
        f"topic readwrite cg1/+/+/+/other/#\n\n{rights}topic readwrite #\n"
    )
    return "allow_anonymous true", f"acl_file {directory / 'acl'}"


async def probed(config: Config) -> Report:
    return await Probe(config).run()


def told(report: Report, level: Level) -> str:
    return "\n".join(f"{each.text}: {each.todo}" for each in report.findings if each.level is level)


async def test_a_good_broker_passes(tmp_path: Path) -> None:
    async with mosquitto(tmp_path, *guarded(tmp_path)) as broker:
        report = await probed(configured(broker.port))
    assert report.passed, str(report)
    assert "may not write another gateway's topics" in told(report, Level.GOOD)
    assert "nobody subscribes to it" in told(report, Level.NOTE)
    assert report.measured["window"] == 20
    assert 0 < report.measured["round_trip_ms"] < 5000


async def test_a_broker_that_lets_anybody_write_anything_fails(tmp_path: Path) -> None:
    async with mosquitto(tmp_path) as broker:
        report = await probed(configured(broker.port))
    assert not report.passed
    assert "may write another gateway's topics" in told(report, Level.BAD)
    assert "may write the centre's word" in told(report, Level.BAD)


async def test_what_version_3_cannot_tell_is_said(tmp_path: Path) -> None:
    async with mosquitto(tmp_path, *guarded(tmp_path)) as broker:
        report = await probed(configured(broker.port, protocol=Protocol.V311))
    assert report.passed
    assert "does not tell whether another gateway's topics" in told(report, Level.NOTE)


async def test_missing_rights_are_named(tmp_path: Path) -> None:
    rights = f"user {NAME}\ntopic read {BASE}/down/#\n\nuser centre\n"
    async with mosquitto(tmp_path, *guarded(tmp_path, rights)) as broker:
        report = await probed(configured(broker.port))
    assert f"may not publish on {BASE}/up/probe" in told(report, Level.BAD)


async def test_a_small_limit_is_told(tmp_path: Path) -> None:
    async with mosquitto(tmp_path, *guarded(tmp_path), "max_packet_size 1500") as broker:
        report = await probed(configured(broker.port))
    assert "raise the limit" in told(report, Level.BAD)


async def test_nobody_there() -> None:
    report = await probed(configured(free_port()))
    assert "is the broker running" in told(report, Level.BAD)


async def test_a_wrong_password(tmp_path: Path) -> None:
    async with mosquitto(tmp_path, "allow_anonymous false") as broker:
        report = await probed(configured(broker.port))
    assert "check the user name" in told(report, Level.BAD)


async def test_it_disturbs_no_running_gateway_and_hears_the_centre(tmp_path: Path) -> None:
    config = configured
    async with (
        mosquitto(tmp_path) as broker,
        opened(tmp_path / "journal.db") as journal,
        listening(broker.port, confirm=Confirm.CENTRE) as there,
    ):
        made = config(broker.port, confirm=Confirm.CENTRE)
        async with uplink_of(journal, made) as uplink:
            await until(lambda: uplink.link.online)
            await filled(journal, 3)
            await until(lambda: journal.counts().waiting == 0)
            since = uplink.link.since
            report = await probed(made)
            assert "the centre has answered" in told(report, Level.GOOD)
            assert uplink.link.online
            assert uplink.link.since == since
        assert there.centre.table()[(f"/gateways/{NAME}", journal.epoch)] == [(1, 3)]


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(
        f'[gateway]\nid = "{NAME}"\ndistrict = "410102"\nstreet = "011"\ncommunity = "003"\n'
        f'state_dir = "{tmp_path}"\n[uplink]\nhost = "127.0.0.1"\nport = {free_port()}\n'
    )
    assert main(["uplink", "test", str(file)]) == 1
    assert "FAIL  broker: 127.0.0.1 port" in capsys.readouterr().out
    assert main(["uplink", "test", "--json", str(file)]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["passed"], report["findings"][0]["level"]) == (False, "FAIL")
