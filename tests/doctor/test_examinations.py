"""Each examination by itself: what it says of a box that is well, and of one that is not."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from drivers.base import SECRETS
from gateway.box import BoxFigures
from gateway.clock import Clock
from gateway.config import Config, JournalConfig, Place, UplinkConfig
from gateway.doctor import files, storage, supply, timekeeping, unit
from gateway.doctor.files import Identity
from gateway.doctor.surroundings import Surroundings
from gateway.findings import Finding, Level
from gateway.timefloor import TimeFloor
from tests.doctor.installed import HEALTHY, Box
from tests.faults.disk import disk
from tests.journal.journals import filled, opened

MARCH_2026_MS = 1_773_000_000_000
STRANGER = Identity("stranger", 65534, frozenset())


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "box")


def configured(state_dir: Path, *, max_mb: int = 16, **uplink: object) -> Config:
    return Config(
        gateway=Place(
            id="gate-3", district="410102", street="011", community="003", state_dir=state_dir
        ),
        journal=JournalConfig(max_mb=max_mb),
        uplink=UplinkConfig.model_validate({"host": "127.0.0.1", **uplink}),
    )


def bad(findings: Iterable[Finding]) -> dict[str, str]:
    """What has to be put right, and how, by its subject."""
    wrong = [each for each in findings if each.level is Level.BAD]
    assert all(each.todo for each in wrong)
    return {each.subject: f"{each.text} → {each.todo}" for each in wrong}


def clock(wall_ms: int, *, synchronised: bool, floor_ms: int = 0) -> Clock:
    return Clock(
        wall_ns=lambda: wall_ms * 1_000_000, synchronised=lambda: synchronised, floor_ms=floor_ms
    )


@contextmanager
def open_to_all() -> Iterator[Path]:
    """A directory that everybody may look into, and only root write in."""
    with TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def nobody() -> Iterator[None]:
    """In the place of somebody who has no rights."""
    groups, group = os.getgroups(), os.getegid()
    os.setgroups([])
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


@contextmanager
def held_secret(mode: int | None) -> Iterator[Path]:
    """A file where systemd finds it for the service, on this very machine; None: it is missing."""
    secret = SECRETS / f"of-a-test-{os.getpid()}"
    made = [each for each in (SECRETS.parent, SECRETS) if not each.exists()]
    SECRETS.mkdir(parents=True, exist_ok=True)
    try:
        if mode is not None:
            secret.touch()
            secret.chmod(mode)
        yield secret
    finally:
        secret.unlink(missing_ok=True)
        for each in reversed(made):
            each.rmdir()


class TestClock:
    def said(self, box: Box, state_dir: Path, given: Clock) -> list[Finding]:
        return list(timekeeping.examine(box.root, state_dir, given))

    def test_right(self, box: Box, tmp_path: Path) -> None:
        found = self.said(box, tmp_path, clock(MARCH_2026_MS, synchronised=True))
        assert bad(found) == {}
        assert "kept by systemd-timesyncd" in found[0].text

    def test_earlier_than_it_can_be(self, box: Box, tmp_path: Path) -> None:
        TimeFloor(tmp_path / "time-floor").lift(MARCH_2026_MS)
        found = self.said(box, tmp_path, clock(0, synchronised=False, floor_ms=MARCH_2026_MS))
        assert "says 1970-01-01T00:00:00.000Z" in bad(found)["clock"]
        assert "later than 2026-03-08" in bad(found)["clock"]

    def test_nobody_keeps_it(self, box: Box, tmp_path: Path) -> None:
        (box.root / "run/systemd/timesync").rmdir()
        found = self.said(box, tmp_path, clock(MARCH_2026_MS, synchronised=False))
        assert "apt-get install systemd-timesyncd" in bad(found)["clock"]

    def test_its_server_does_not_answer(self, box: Box, tmp_path: Path) -> None:
        found = self.said(box, tmp_path, clock(MARCH_2026_MS, synchronised=False))
        assert "UDP port 123" in bad(found)["clock"]

    def test_a_keeper_that_the_service_cannot_see(self, box: Box, tmp_path: Path) -> None:
        (box.root / "run/chrony").mkdir()
        given = clock(MARCH_2026_MS, synchronised=True)
        assert bad(timekeeping.examine(box.root, tmp_path, given, shut_in=True)) == {}
        (box.root / "run/systemd/timesync").rmdir()
        told = bad(timekeeping.examine(box.root, tmp_path, given, shut_in=True))
        assert "ProtectClock=no" in told["clock"]
        assert bad(timekeeping.examine(box.root, tmp_path, given)) == {}

    def test_without_a_battery(self, box: Box, tmp_path: Path) -> None:
        (box.root / "sys/class/rtc/rtc0").rmdir()
        *_, battery = self.said(box, tmp_path, clock(MARCH_2026_MS, synchronised=True))
        assert battery.level is Level.NOTE


class TestStorage:
    async def test_of_a_working_journal(self, tmp_path: Path) -> None:
        async with opened(tmp_path / "journal.db") as journal:
            await filled(journal, 7)
            found = list(storage.examine(configured(tmp_path), BoxFigures(disk_worn_percent=10)))
        assert bad(found) == {}
        assert any("7 events waiting" in each.text for each in found)

    def test_no_directory(self, tmp_path: Path) -> None:
        found = storage.examine(configured(tmp_path / "none"), BoxFigures())
        assert "mkdir -p" in bad(found)["disk"]

    def test_by_somebody_who_may_not_look(self, tmp_path: Path) -> None:
        with open_to_all() as place:
            closed = place / "closed"
            closed.mkdir(mode=0o700)
            with nobody():
                assert "sudo" in bad(storage.examine(configured(closed), BoxFigures()))["disk"]
                assert bad(storage.examine(configured(place), BoxFigures())) == {}

    def test_a_worn_disk(self, tmp_path: Path) -> None:
        found = storage.examine(configured(tmp_path), BoxFigures(disk_worn_percent=90))
        assert "90 %" in bad(found)["disk.wear"]

    def test_no_journal_in_the_journals_place(self, tmp_path: Path) -> None:
        (tmp_path / "journal.db").write_bytes(b"no database" * 1000)
        found = storage.examine(configured(tmp_path), BoxFigures())
        assert "sets a damaged journal aside" in bad(found)["journal"]

    def test_a_small_disk_and_then_a_failed_one(self, tmp_path: Path) -> None:
        with disk(tmp_path, tmp_path / "state", megabytes=40) as small:
            config = configured(small.mountpoint)
            assert "67 MB are needed" in bad(storage.examine(config, BoxFigures()))["disk"]
            small.make_read_only()
            told = bad(storage.examine(config, BoxFigures()))["disk"]
        assert "nothing can be written" in told

    def test_less_room_than_the_journal_may_take(self, tmp_path: Path) -> None:
        with disk(tmp_path, tmp_path / "state", megabytes=120) as small:
            config = configured(small.mountpoint, max_mb=500)
            found = list(storage.examine(config, BoxFigures()))
        assert bad(found) == {}
        assert any("set max_mb = " in str(each.todo) for each in found)


class TestSupply:
    @pytest.mark.parametrize(
        ("figures", "wrong"),
        [
            (BoxFigures(celsius=50, undervoltage=False), {}),
            (BoxFigures(), {}),
            (BoxFigures(undervoltage=True), {"power": "at this moment"}),
            (BoxFigures(undervoltage=False, undervoltage_since_boot=True), {"power": "has been"}),
            (BoxFigures(celsius=84), {"heat": "84 °C"}),
            (BoxFigures(celsius=70, throttled=True), {"heat": "holds itself back"}),
        ],
        ids=str,
    )
    def test_power_and_heat(self, figures: BoxFigures, wrong: dict[str, str]) -> None:
        found = bad(supply.examine(figures))
        assert set(found) == set(wrong)
        assert all(words in found[subject] for subject, words in wrong.items())


class TestPermissions:
    def test_all_is_open_to_its_owner(self, tmp_path: Path) -> None:
        (tmp_path / "gateway.toml").touch()
        found = files.examine(configured(tmp_path), Identity.own(), tmp_path / "gateway.toml")
        assert bad(found) == {}

    def test_another_user_may_nothing(self, tmp_path: Path) -> None:
        file, password = tmp_path / "gateway.toml", tmp_path / "password"
        for each in (file, password):
            each.touch(mode=0o600)
        tmp_path.chmod(0o700)
        config = configured(tmp_path, password_file=password)
        found = bad(files.examine(config, STRANGER, file))
        assert f"may not write in {tmp_path}" in found["permissions"]
        assert f"stranger may not read {password}" in found["secrets"]

    def test_what_somebody_else_has_left(self, tmp_path: Path) -> None:
        (tmp_path / "journal.db").touch(mode=0o600)
        tmp_path.chmod(0o777)
        found = bad(files.examine(configured(tmp_path), STRANGER, Path("/etc/hostname")))
        assert "may not write journal.db" in found["permissions"]
        assert "chown -R" in found["permissions"]

    @pytest.mark.parametrize(("mode", "told"), [(0o600, False), (0o640, False), (0o644, True)])
    def test_a_password_that_others_may_read(
        self, tmp_path: Path, mode: int, *, told: bool
    ) -> None:
        password = tmp_path / "password"
        password.touch()
        password.chmod(mode)
        config = configured(tmp_path, password_file=password)
        found = bad(files.examine(config, Identity.own(), Path("/etc/hostname")))
        assert ("others may read it" in found.get("secrets", "")) is told

    @pytest.mark.parametrize(
        ("mode", "told"), [(0o600, None), (0o640, "chmod 0600"), (None, "put it")]
    )
    def test_what_systemd_hands_over(self, mode: int | None, told: str | None) -> None:
        with held_secret(mode) as secret:
            config = configured(Path("/tmp"), password_file=secret)
            found = bad(files.examine(config, STRANGER, Path("/etc/hostname")))
        assert told in found["secrets"] if told else "secrets" not in found

    def test_groups_count(self, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.touch()
        os.chown(file, 0, 20)
        file.chmod(0o640)
        for groups, may in (({20}, True), ({21}, False)):
            member = Identity("member", 65534, frozenset(groups))
            assert member.may(file, os.R_OK) is may
            assert not member.may(file, os.W_OK)

    def test_the_units_groups_are_the_services(self) -> None:
        without, added = (
            Identity.of_service("nobody", groups) for groups in ("", "dialout no-such")
        )
        assert len(added.groups - without.groups) == 1


class TestService:
    @pytest.mark.parametrize(
        ("changed", "words"),
        [
            ({}, None),
            ({"UnitFileState": "disabled"}, "not start after a power cut"),
            ({"ActiveState": "inactive", "SubState": "dead"}, "systemctl start"),
            ({"ActiveState": "failed", "ExecMainStatus": "1"}, "exit code 1"),
            ({"ActiveState": "failed", "ExecMainStatus": "78"}, "the configuration has mistakes"),
            ({"ActiveState": "activating", "SubState": "auto-restart"}, "not get on its feet"),
            ({"NeedDaemonReload": "yes"}, "daemon-reload"),
        ],
    )
    async def test_states(self, box: Box, changed: dict[str, str], words: str | None) -> None:
        box.unit(**HEALTHY | changed)
        found = bad(unit.examine(await box.around.unit(), systemd=box.around.systemd))
        assert (words is None and not found) or (words is not None and words in found["service"])

    async def test_restarts_are_told(self, box: Box) -> None:
        box.unit(**HEALTHY | {"NRestarts": "12"})
        found = unit.examine(await box.around.unit(), systemd=True)
        assert any("12 times" in each.text for each in found)

    async def test_a_box_without_it(self, tmp_path: Path, box: Box) -> None:
        box.unit(LoadState="not-found", ActiveState="inactive")
        assert await box.around.unit() == {}
        assert not bad(unit.examine({}, systemd=True))
        assert not bad(unit.examine({}, systemd=Surroundings(tmp_path).systemd))

    async def test_a_manager_that_hangs_or_is_missing(self, box: Box) -> None:
        assert await box.around.ask("no-such-program") is None
        box.program("fails", "echo half; exit 1")
        assert await box.around.ask("fails") is None

    def test_missing_rules(self, box: Box) -> None:
        assert not bad(unit.examine_rules(box.root, installed=True))
        (box.root / "usr/lib/udev/rules.d/60-checkpoint-gateway.rules").unlink()
        assert "udevadm trigger" in bad(unit.examine_rules(box.root, installed=True))["udev"]
        assert not list(unit.examine_rules(box.root, installed=False))
