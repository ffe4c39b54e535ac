"""A box as it comes: Debian 12 of its own, with its own systemd, and a checkout to install from.

It is bootstrapped once. Each test boots it in namespaces of its own, with its files on an overlay
in memory and with no network. Needs root and cgroup2.
"""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.brokers import until

ROOT = Path(__file__).parents[2]
_SOURCES = (
    "Makefile", "README.md", "README.zh-CN.md", "pyproject.toml", "config", "deploy", "docs",
    "drivers", "gateway", "systemd",
)  # fmt: skip
_PACKAGES = "make,systemd,systemd-sysv,udev,python3-venv,libzbar0"
_QUIET = ("getty.target", "console-getty.service", "systemd-udevd.service")
_UP = ("running\n", "degraded\n")
"""Not all of Debian's own units are content with a machine without devices."""
_BOOT = """
set -eu
base=$1 work=$2 wheels=$3 source=$4
mount -t tmpfs -o mode=755 none "$work"
mkdir "$work/upper" "$work/work" "$work/root"
cd "$work/root"
mount -t overlay -o "lowerdir=$base,upperdir=$work/upper,workdir=$work/work" none .
cd "$work/root"
mount -t proc none proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro none sys
mount -t cgroup2 none sys/fs/cgroup
for each in run dev; do mount -t tmpfs -o mode=755 none $each; done
for each in null:3 zero:5 full:7 random:8 urandom:9; do
    mknod -m 666 "dev/${each%:*}" c 1 "${each#*:}"
done
mkdir dev/shm dev/pts wheels source
mount -t tmpfs none dev/shm
mount -t devpts -o ptmxmode=666 none dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount --bind "$wheels" wheels
mount --bind "$source" source
mkdir old
pivot_root . old
umount -l /old
cd /
mount --make-rshared / # as on every box: a unit's credentials are mounted in a child of systemd
exec env -i container=test PATH=/usr/sbin:/usr/bin /lib/systemd/systemd --system
"""


class Box:
    """A booted one; made by `booted`."""

    def __init__(self, pid: int, source: Path) -> None:
        self.root = Path(f"/proc/{pid}/root")
        """Its files, from outside."""
        self.source = source
        """The checkout in it, from outside."""
        self._pid = pid

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """What a line of shell does and says in there, as root in the checkout; nobody is asked."""
        return subprocess.run(
            [
                *("nsenter", "--target", str(self._pid), "--all", "env", "-i", "--chdir=/source"),
                *("PATH=/usr/sbin:/usr/bin", "LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"),
                *("PIP_NO_INDEX=1", "PIP_FIND_LINKS=/wheels", "sh", "-c", command),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )

    def said(self, command: str) -> str:
        """What it says; it must succeed."""
        done = self.run(command)
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        return done.stdout.strip()

    def version(self, version: str) -> None:
        """Make the checkout another version."""
        file = self.source / "pyproject.toml"
        text = re.sub(
            '^version = ".*"$', f'version = "{version}"', file.read_text(), flags=re.MULTILINE
        )
        file.write_text(text)


def bootstrap(directory: Path) -> None:
    """Make the base of all boxes: Debian, and the wheels of the locks for it."""
    debian, wheels = directory / "debian", directory / "wheels"
    subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", "bookworm", debian],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    for unit in _QUIET:
        (debian / "etc/systemd/system" / unit).symlink_to("/dev/null")
    for lock in ("requirements.lock", "build.lock"):
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
                *("--only-binary=:all:", "--python-version=3.11", "--require-hashes"),
                *(f"--requirement={ROOT / 'deploy' / lock}", f"--dest={wheels}"),
            ],
            check=True,
        )


@asynccontextmanager
async def booted(base: Path, directory: Path) -> AsyncIterator[Box]:
    """One that is up, with nothing of ours on it but the checkout in /source."""
    source, work = directory / "source", directory / "work"
    work.mkdir()
    _check_out(source)
    cgroup = _cgroup2() / f"checkpoint-gateway-box-{os.getpid()}"
    cgroup.mkdir()
    holder = await asyncio.create_subprocess_exec(
        *("sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', cgroup),
        *("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--uts", "--ipc", "--net"),
        *("--pid", "--cgroup", "--fork", "--kill-child", "--propagation", "private"),
        *("sh", "-c", _BOOT, "sh", base / "debian", work, base / "wheels", source),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        await until(lambda: _first_process(holder.pid) is not None, within_s=60)
        box = Box(_first_process(holder.pid) or 0, source)
        await until(lambda: box.run("systemctl is-system-running").stdout in _UP, within_s=60)
        yield box
    finally:
        holder.kill()
        await holder.wait()
        await until(lambda: _removed(cgroup), within_s=60)


def _check_out(source: Path) -> None:
    source.mkdir()
    for name in _SOURCES:
        subprocess.run(["cp", "-R", ROOT / name, source], check=True)


def _first_process(holder: int) -> int | None:
    """The systemd that is a child of `holder`, once it is one."""
    children = Path(f"/proc/{holder}/task/{holder}/children").read_text().split()
    for pid in children:
        if Path(f"/proc/{pid}/comm").read_text() == "systemd\n":
            return int(pid)
    return None


def _cgroup2() -> Path:
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    return next(Path(fields[1]) for fields in mounts if fields[2] == "cgroup2")


def _removed(cgroup: Path) -> bool:
    """Whether it is gone; the kernel ends what is in it with its process 1."""
    inside = sorted(cgroup.rglob("*/"), key=lambda each: len(each.parts), reverse=True)
    try:
        for each in [*(each for each in inside if each.is_dir()), cgroup]:
            each.rmdir()
    except OSError:
        return False
    return True
