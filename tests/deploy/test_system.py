"""What the installed program needs of a machine: its user, its directories, the log's limits."""

import stat
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

SYSTEMD = Path(__file__).parents[2] / "systemd"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root in which systemd's own tools have done what our files ask of them."""
    root = tmp_path_factory.mktemp("root")
    (root / "etc").mkdir()
    for tool, options, kind in (
        ("systemd-sysusers", [], "sysusers"),
        ("systemd-tmpfiles", ["--create"], "tmpfiles"),
    ):
        file = SYSTEMD / f"checkpoint-gateway.{kind}"
        done = subprocess.run(
            [tool, f"--root={root}", *options, file], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    return root


def identities(root: Path, database: str) -> dict[str, list[str]]:
    lines = (root / "etc" / database).read_text().splitlines()
    return {line.split(":")[0]: line.split(":")[1:] for line in lines}


def test_the_service_has_a_user_that_nobody_can_be(root: Path) -> None:
    user = identities(root, "passwd")["checkpoint-gateway"]
    assert user[-1] == "/usr/sbin/nologin"
    assert 0 < int(user[1]) < 1000
    assert identities(root, "shadow")["checkpoint-gateway"][0].startswith("!")


def test_it_may_use_serial_ports_cameras_and_sound_cards(root: Path) -> None:
    groups = identities(root, "group")
    assert {
        name for name, rest in groups.items() if "checkpoint-gateway" in rest[-1].split(",")
    } == {
        "dialout",
        "video",
        "audio",
    }


@pytest.mark.parametrize(
    ("path", "mode", "owner", "group"),
    [
        ("etc/checkpoint-gateway", 0o2750, "root", "checkpoint-gateway"),
        ("etc/checkpoint-gateway/secrets", 0o700, "root", "root"),
        ("var/lib/checkpoint-gateway", 0o750, "checkpoint-gateway", "checkpoint-gateway"),
    ],
)
def test_directories_belong_to_those_who_need_them(
    path: str, mode: int, owner: str, group: str, root: Path
) -> None:
    found = (root / path).stat()
    users, groups = identities(root, "passwd"), identities(root, "group")
    assert stat.S_IMODE(found.st_mode) == mode
    assert found.st_uid == int(users[owner][1] if owner != "root" else "0")
    assert found.st_gid == int(groups[group][1] if group != "root" else "0")


def test_the_log_is_bounded_and_kept() -> None:
    file = SYSTEMD / "checkpoint-gateway.journald"
    read = ConfigParser()
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read(file)
    assert read["Journal"]["SystemMaxUse"] == "200M"
    assert read["Journal"]["Storage"] == "persistent"
    journald = Path("/lib/systemd/systemd-journald").read_bytes()
    assert [each for each in read["Journal"] if f"Journal.{each}\0".encode() not in journald] == []
