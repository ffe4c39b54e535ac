"""Makes of a fresh set of namespaces a small machine, and becomes systemd in it.

`python -m tests.faults.boot DIRECTORY` is process 1 of its own namespaces: see
`tests.faults.machine`. The root is this machine's own under an overlay, so that nothing of it is
changed; on that the gateway is installed as on a box, in /opt/checkpoint-gateway/venv.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_CHECKOUT = Path(__file__).parents[2]
_VENV = Path(sys.prefix)
_BASE = Path(sys.base_prefix)
_PYTHON = Path("opt/python")
_INSTALLED = Path("opt/checkpoint-gateway/venv")
_PACKAGES = ("gateway", "drivers", "tests")
_NODES = {
    "null": (1, 3),
    "zero": (1, 5),
    "full": (1, 7),
    "random": (1, 8),
    "urandom": (1, 9),
    "tty": (5, 0),
    # For nobody, and everybody may try: see `tests.faults.escapes`.
    "mem": (1, 1),
    "loop-control": (10, 237),
    "tun": (10, 200),
    # What is plugged in at a gate; here there is nothing behind them.
    "video0": (81, 0),
    "ttyACM0": (166, 0),
    "ttyUSB0": (188, 0),
}
_STATIC_UNITS = ("sysinit", "basic", "network", "time-set", "shutdown", "umount")
_JOURNAL = ("systemd-journald.service", "systemd-journald.socket")
_USERS = """\
u checkpoint-gateway - "Checkpoint gateway"
m checkpoint-gateway dialout
m checkpoint-gateway video
"""


def _mount(target: Path, kind: str, options: str = "", source: str = "none") -> None:
    target.mkdir(parents=True, exist_ok=True)
    chosen = ["-o", options] if options else []
    subprocess.run(["mount", "-t", kind, *chosen, source, target], check=True)


def _bind(source: Path, target: Path, *options: str) -> None:
    target.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "--bind", source, target], check=True)
    if options:
        subprocess.run(["mount", "-o", ",".join(["remount", "bind", *options]), target], check=True)


def _root(directory: Path) -> Path:
    """This machine's own files; what is changed of them stays in memory."""
    _mount(directory, "tmpfs", "mode=755")
    upper, work, root = (directory / name for name in ("upper", "work", "root"))
    for each in (upper, work):
        each.mkdir()
    _mount(root, "overlay", f"lowerdir=/,upperdir={upper},workdir={work}")
    return root


def _kernel_file_systems(root: Path) -> None:
    _mount(root / "proc", "proc")
    # systemd raises limits of the whole kernel here.
    _bind(root / "proc/sys", root / "proc/sys", "ro")
    _mount(root / "sys", "sysfs", "ro")
    _mount(root / "sys/fs/cgroup", "cgroup2")
    for path in ("run", "tmp", "dev"):
        _mount(root / path, "tmpfs", "mode=1777" if path == "tmp" else "mode=755")
    dev = root / "dev"
    os.umask(0)
    for name, numbers in _NODES.items():
        os.mknod(dev / name, 0o20666, os.makedev(*numbers))
    _mount(dev / "shm", "tmpfs", "mode=1777")
    # The tests' own terminals: emulated devices are at the other end.
    _bind(Path("/dev/pts"), dev / "pts")
    (dev / "ptmx").symlink_to("pts/ptmx")
    (dev / "fd").symlink_to("/proc/self/fd")
    os.umask(0o022)


def _install(directory: Path, root: Path) -> None:
    """The checkout's environment where a box has it."""
    venv = root / _INSTALLED
    upper, work = directory / "venv-upper", directory / "venv-work"
    for each in (upper, work):
        each.mkdir()
    _mount(venv, "overlay", f"lowerdir={_VENV},upperdir={upper},workdir={work}")
    if not _BASE.is_relative_to("/usr"):  # in somebody's home, which the unit does not see
        _bind(_BASE, root / _PYTHON, "ro")
        environment = root / "etc/systemd/system.conf.d/python.conf"
        environment.parent.mkdir(exist_ok=True)
        environment.write_text(f"[Manager]\nDefaultEnvironment=LD_LIBRARY_PATH=/{_PYTHON}/lib\n")
        (venv / "bin/python3").unlink()
        (venv / "bin/python3").symlink_to(f"/{_PYTHON}/bin/python3")
        (venv / "pyvenv.cfg").write_text(f"home = /{_PYTHON}/bin\n")
    command = venv / "bin/checkpoint-gateway"
    _, _, script = command.read_text().partition("\n")
    command.write_text(f"#!/{_INSTALLED}/bin/python3\n{script}")
    packages = venv.joinpath("lib", f"python3.{sys.version_info.minor}", "site-packages")
    for package in _PACKAGES:
        _bind(_CHECKOUT / package, packages / package, "ro")


def _configure(root: Path) -> None:
    """The unit, whoever it runs as, and the few units that it leans on."""
    subprocess.run(["systemd-sysusers", f"--root={root}", "-"], input=_USERS, text=True, check=True)
    units = root / "units"
    units.mkdir()
    for name in _STATIC_UNITS:
        (units / f"{name}.target").write_text(f"[Unit]\nDescription={name}\n")
    for unit in _JOURNAL:
        (units / unit).write_text((root / "usr/lib/systemd/system" / unit).read_text())
    (units / "multi-user.target").write_text(f"[Unit]\nWants={' '.join(_JOURNAL)}\n")
    for ours in (_CHECKOUT / "systemd").glob("*.service"):
        (units / ours.name).write_text(ours.read_text())
    (root / "etc/checkpoint-gateway/secrets").mkdir(parents=True, mode=0o700)


def _enter(root: Path) -> None:
    """Leave the old root behind. (PrivateUsers= does not work under a mere chroot.)"""
    (root / "old").mkdir()
    os.chdir(root)
    subprocess.run(["pivot_root", ".", "old"], check=True)
    subprocess.run(["umount", "-l", "/old"], check=True)
    # As every system has it: systemd mounts a unit's credentials in a child of its own.
    subprocess.run(["mount", "--make-rshared", "/"], check=True)
    os.chdir("/")


def _main(arguments: Sequence[str]) -> None:
    directory = Path(arguments[0])
    root = _root(directory)
    _kernel_file_systems(root)
    _install(directory, root)
    _configure(root)
    _enter(root)
    os.execve(
        "/lib/systemd/systemd",
        ["systemd", "--system", "--unit=multi-user.target", "--log-target=journal-or-kmsg"],
        {"container": "test", "SYSTEMD_UNIT_PATH": "/units", "PATH": "/usr/sbin:/usr/bin"},
    )


if __name__ == "__main__":
    _main(sys.argv[1:])
