"""The life of an installed gate under a real systemd: installed, upgraded, mistreated, removed."""

import json
from pathlib import Path

import pytest

from tests.faults import debian
from tests.faults.account import Account
from tests.faults.debian import Box

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

ETC = "/etc/checkpoint-gateway"
STATE = "/var/lib/checkpoint-gateway"
CONFIG = """\
gateway = { id = "410102011003007", district = "410102", street = "011", community = "003" }
uplink = { host = "127.0.0.1" }
lanes = { in-1 = { direction = "entry" } }

[devices.camera]
driver = "camera"
lane = "in-1"
source = "/nowhere.mp4"
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("base")
    debian.bootstrap(directory)
    return directory


def start_the_gate(box: Box) -> None:
    """What the technician does; `systemctl` is back when the gate says that it is ready."""
    (box.root / ETC.lstrip("/") / "gateway.toml").write_text(CONFIG)
    box.said("systemctl enable --now checkpoint-gateway")


def running(box: Box) -> tuple[str, str]:
    """The version on the box, and the process that runs."""
    assert box.said("systemctl is-active checkpoint-gateway") == "active"
    version = box.said("checkpoint-gateway --version").split()[1]
    return version, box.said("systemctl show -P MainPID checkpoint-gateway")


def epoch(box: Box) -> str:
    stats = json.loads(box.said(f"checkpoint-gateway journal stats --json {ETC}/gateway.toml"))
    return str(stats["epoch"])


def releases(box: Box) -> list[str]:
    return box.said("ls /opt/checkpoint-gateway/releases").split()


async def test_from_the_first_installation_to_the_last(base: Path, tmp_path: Path) -> None:
    async with debian.booted(base, tmp_path) as box:
        box.version("1.0")
        assert "systemctl enable --now checkpoint-gateway" in box.said("make install")
        assert box.run("systemctl is-active checkpoint-gateway").stdout == "inactive\n"
        assert box.said(f"stat -c '%a %U:%G' {ETC}/gateway.toml") == "640 root:checkpoint-gateway"
        assert "SystemMaxUse=200M" in box.said("systemd-analyze cat-config systemd/journald.conf")
        start_the_gate(box)
        first = running(box)
        assert box.said(f"stat -c %U /proc/{first[1]}") == "checkpoint-gateway"
        life = epoch(box)

        box.version("1.1")
        box.said("make install")
        second = running(box)
        assert second[0] == "1.1"
        assert second[1] != first[1]
        assert [each.partition("-")[0] for each in releases(box)] == ["1.1"]
        assert box.said(f"cat {ETC}/gateway.toml") == CONFIG.strip()
        assert epoch(box) == life

        assert "are kept" in box.said("make uninstall")
        assert box.run("systemctl status checkpoint-gateway").returncode == 4  # no such unit
        left = box.said("find / -xdev -name '*checkpoint-gateway*' ! -path '/source/*'").split()
        assert sorted(left) == [ETC, STATE]

        box.said("make install")
        said = box.said('yes yes | script -qec "make uninstall" /dev/null')
        assert "waiting" in said
        assert "What the centre has not received is lost then" in said
        assert box.said("find / -xdev -name '*checkpoint-gateway*' ! -path '/source/*'") == ""


PUT_RIGHT = (ETC, STATE, f"{ETC}/secrets/gate.password", f"{STATE}/pseudonym.key")
ANSWERS = CONFIG.replace("uplink = {", 'uplink = { password_file = "gate.password",')


async def test_what_root_does_beside_the_service_does_not_lock_it_out(
    base: Path, tmp_path: Path
) -> None:
    async with debian.booted(base, tmp_path) as box:
        box.said("make install && mkdir /root/brought")
        (box.root / "root/brought/answers.toml").write_text(ANSWERS)
        (box.root / "root/brought/gate.password").write_text("hush\n")
        box.said("checkpoint-gateway setup --no-test --answers /root/brought/answers.toml")
        box.said("systemctl enable --now checkpoint-gateway")
        assert box.said(f"stat -c '%a %U:%G' {' '.join(PUT_RIGHT)}").splitlines() == [
            "2750 root:checkpoint-gateway",
            "750 checkpoint-gateway:checkpoint-gateway",
            "600 root:root",
            "600 checkpoint-gateway:checkpoint-gateway",
        ]
        box.said("systemctl show -P StatusText checkpoint-gateway | grep -v password")

        box.said(
            "mkdir /root/stick && umask 077 && checkpoint-gateway export --same-disk"
            f" {ETC}/gateway.toml --to /root/stick"
        )
        for question in ("stats", "verify"):
            box.said(f"checkpoint-gateway journal {question} {ETC}/gateway.toml")
        assert box.said(f"find {STATE} ! -user checkpoint-gateway") == ""
        doctor = json.loads(box.run("checkpoint-gateway doctor --json").stdout)
        bad = [each["subject"] for each in doctor["findings"] if each["level"] == "FAIL"]
        assert not {"permissions", "secrets", "service", "udev"} & set(bad)


BROKEN = {
    "the program": "echo 'raise RuntimeError' >>gateway/app.py",
    "the unit": "sed -i 's|^ExecStart=.*|ExecStart=/nowhere|' systemd/checkpoint-gateway.service",
    "its configuration": f"sed -i s/street/streets/ {ETC}/gateway.toml",
    "a wheel": "sed -i s/sha256:/sha256:00/ deploy/requirements.lock",
}


async def test_an_upgrade_that_fails_leaves_the_former_version_running(
    base: Path, tmp_path: Path, account: Account
) -> None:
    async with debian.booted(base, tmp_path) as box:
        box.version("1.0")
        box.said("make install")
        start_the_gate(box)
        unit = box.said("systemctl cat checkpoint-gateway")
        box.version("1.1")
        box.said("cp -R . /kept")
        entry = account.of("upgrade fails")
        for what, command in BROKEN.items():
            box.said(command)
            done = box.run("make install")
            assert done.returncode == 2, what
            assert "what was there before is as it was" in done.stdout
            assert running(box)[0] == "1.0", what
            assert box.said("systemctl cat checkpoint-gateway") == unit
            assert [each.partition("-")[0] for each in releases(box)] == ["1.0"], what
            box.said(f"cp -R /kept/. . && sed -i s/streets/street/ {ETC}/gateway.toml")
            entry.count += 1
        box.said("make install")
        assert running(box)[0] == "1.1"


async def test_the_package_from_installation_to_purge(base: Path, tmp_path: Path) -> None:
    async with debian.booted(base, tmp_path) as box:
        box.version("1.0")
        box.said("make deb && dpkg -i dist/checkpoint-gateway_1.0_*.deb")
        start_the_gate(box)
        life = epoch(box)
        done = box.run("make install")
        assert done.returncode == 2
        assert "the .deb is installed here" in done.stdout

        box.version("1.1")
        box.said("make deb && dpkg -i dist/checkpoint-gateway_1.1_*.deb")
        former = running(box)
        assert former[0] == "1.1"
        assert box.said(f"cat {ETC}/gateway.toml") == CONFIG.strip()

        box.said(f"sed -i s/street/streets/ {ETC}/gateway.toml")
        done = box.run("dpkg -i dist/checkpoint-gateway_1.1_*.deb")
        assert done.returncode == 1
        assert 'did you mean "street"?' in done.stdout
        assert running(box) == former
        box.said(f"sed -i s/streets/street/ {ETC}/gateway.toml && dpkg --configure -a")
        assert epoch(box) == life

        box.said("dpkg --remove checkpoint-gateway")
        box.said(f"test -e {ETC}/gateway.toml && test -e {STATE}/journal.db")
        assert "are kept" in box.said("dpkg --purge checkpoint-gateway")
        box.said(f"test ! -e {ETC} && test -e {STATE}/journal.db")

        box.said("dpkg -i dist/checkpoint-gateway_1.1_*.deb")
        wish = "checkpoint-gateway checkpoint-gateway/delete-records boolean true"
        box.said(f"echo {wish} | debconf-set-selections && dpkg --purge checkpoint-gateway")
        assert box.said("find / -xdev -name '*checkpoint-gateway*' ! -path '/source/*'") == ""
