"""What a broken-in program would try in the unit's sandbox, and what the gateway itself needs.

`python -m tests.faults.escapes` tries all of it and writes what came of it into the file `report`
in the unit's state directory, as JSON. Every attempt is harmless where it is allowed: what would
change something gets arguments that no kernel accepts, and asks only whether it is refused before.
"""

import ctypes
import errno
import json
import mmap
import os
import platform
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import segno

from drivers.eye.options import Options

REFUSED = {errno.EPERM, errno.EACCES, errno.EROFS, errno.EAFNOSUPPORT, errno.ENOENT}
"""What the sandbox says; a kernel that would do it says something else, or nothing."""

_LIBC = ctypes.CDLL(None, use_errno=True)
_X86 = platform.machine() == "x86_64"
# Those without a function in libc: x86-64's numbers, and arm64's, which are those of all others.
_BPF, _KEXEC_LOAD, _ADD_KEY, _PERF = (321, 246, 248, 298) if _X86 else (280, 104, 217, 241)
_CLONE_NEWUSER = 0x10000000
_CLOCK_MONOTONIC = 1  # which nobody can set: EINVAL, if that far
_PTRACE_TRACEME = 0
_ADDR_NO_RANDOMIZE = 0x0040000
_SCHED_FIFO = 1
_SYSLOG_SIZE_BUFFER = 10
_KEYRING = -3


def _libc(name: str, *arguments: object) -> None:
    if getattr(_LIBC, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)


def _write(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))


def _read(path: str) -> None:
    Path(path).read_bytes()


def _writable_code() -> None:
    mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC).close()


def _set_uid_file() -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "file")
        path.touch()
        path.chmod(0o4755)


def _socket(*kind: int) -> None:
    socket.socket(*kind).close()


def _others() -> None:
    """Processes of others; systemd is one."""
    _read("/proc/1/status")


ATTEMPTS: dict[str, Callable[[], object]] = {
    "write /etc": lambda: _write("/etc/escaped"),
    "write /usr": lambda: _write("/usr/escaped"),
    "write its own program": lambda: _write("/opt/checkpoint-gateway/venv/escaped"),
    "write its configuration": lambda: _write("/etc/checkpoint-gateway/escaped"),
    "write another's state": lambda: _write("/var/lib/escaped"),
    "open the SysRq trigger": lambda: _write("/proc/sysrq-trigger"),
    "write a cgroup": lambda: Path("/sys/fs/cgroup/escaped").mkdir(),
    "read /root": lambda: os.listdir("/root"),
    "read the secrets": lambda: os.listdir("/etc/checkpoint-gateway/secrets"),
    "read the shadow file": lambda: _read("/etc/shadow"),
    "see other processes": _others,
    "signal another process": lambda: os.kill(1, 0),
    "AF_PACKET": lambda: _socket(socket.AF_PACKET, socket.SOCK_DGRAM),
    "AF_NETLINK": lambda: _socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "AF_VSOCK": lambda: _socket(socket.AF_VSOCK, socket.SOCK_STREAM),
    "raw socket": lambda: _socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    "set the clock": lambda: _libc("clock_settime", _CLOCK_MONOTONIC, bytes(16)),
    "mount": lambda: _libc("mount", b"none", b"/nowhere/at/all/", b"tmpfs\xff", 0, None),
    "chroot": lambda: os.chroot("/proc/self/status"),
    "ptrace": lambda: _libc("ptrace", _PTRACE_TRACEME, 0, 0, 0),
    "user namespace": lambda: _libc("unshare", _CLONE_NEWUSER),
    "writable code": _writable_code,
    "become root": lambda: os.setuid(0),
    "set-user-id file": _set_uid_file,
    "real time": lambda: os.sched_setscheduler(0, _SCHED_FIFO, os.sched_param(1)),
    "bpf": lambda: _libc("syscall", _BPF, 9999, None, 0),
    "perf": lambda: _libc("syscall", _PERF, None, 0, -1, -1, 0),
    "kernel keyring": lambda: _libc("syscall", _ADD_KEY, b"user", b"x", b"y", 1, _KEYRING),
    "kexec": lambda: _libc("syscall", _KEXEC_LOAD, 0, 99, None, 0xFFFFFFFF),
    "reboot": lambda: _libc("reboot", 0),
    "personality": lambda: _libc("personality", _ADDR_NO_RANDOMIZE),
    "host name": lambda: _libc("sethostname", b"", -1),
    "kernel log": lambda: _libc("klogctl", _SYSLOG_SIZE_BUFFER, None, 0),
    "device node": lambda: os.mknod("/tmp/node", 0o20600, os.makedev(1, 1)),
    "/dev/mem": lambda: _read("/dev/mem"),
    "/dev/loop-control": lambda: _write("/dev/loop-control"),
    "/dev/tun": lambda: _write("/dev/tun"),
}


def _journal() -> None:
    path = Path(os.environ["STATE_DIRECTORY"], "probe.db")
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",)
        connection.execute("CREATE TABLE IF NOT EXISTS probe (seq INTEGER PRIMARY KEY) STRICT")
        connection.commit()
    finally:
        connection.close()


def _thread() -> None:
    done: list[int] = []
    thread = threading.Thread(target=done.append, args=(1,))
    thread.start()
    thread.join()
    assert done


def _eye() -> None:
    """The camera's process reads a code in a photo."""
    with TemporaryDirectory() as folder:
        segno.make_qr("works").save(str(Path(folder, "code.png")), scale=8)
        command = [sys.executable, "-m", "drivers.eye"]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as eye:
            assert eye.stdin is not None
            assert eye.stdout is not None
            eye.stdin.write(Options(source=folder).model_dump_json().encode() + b"\n")
            eye.stdin.flush()
            found = any(b'"codes":[{' in line for line in eye.stdout)
            eye.kill()
        assert found, "it read no code"


def _no_such_device(path: str) -> None:
    """The sandbox lets it through; there is only nothing behind it."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
    except OSError as error:
        if error.errno not in (errno.ENXIO, errno.ENODEV, errno.EIO):
            raise


NEEDS: dict[str, Callable[[], object]] = {
    "journal": _journal,
    "thread": _thread,
    "TLS": ssl.create_default_context,
    "TCP": lambda: _socket(socket.AF_INET, socket.SOCK_STREAM),
    "IPv6": lambda: _socket(socket.AF_INET6, socket.SOCK_STREAM),
    "camera process": _eye,
    "boot id": lambda: _read("/proc/sys/kernel/random/boot_id"),
    "memory": lambda: _read("/proc/meminfo"),
    "routes": lambda: _read("/proc/net/route"),
    "configuration": lambda: os.listdir("/etc/checkpoint-gateway"),
    "run directory": lambda: _write(os.environ["RUNTIME_DIRECTORY"] + "/probe"),
    "time zones and certificates": lambda: os.listdir("/usr/share"),
    "a camera": lambda: _no_such_device("/dev/video0"),
    "a USB serial adapter": lambda: _no_such_device("/dev/ttyUSB0"),
    "a USB modem": lambda: _no_such_device("/dev/ttyACM0"),
    "a function called back": lambda: ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 1)(),
    "less importance": lambda: os.nice(1),
}


def _outcome(attempt: Callable[[], object]) -> int:
    """0 if it was done, else the errno; in a process of its own, which it may change."""
    child = os.fork()
    if child == 0:
        try:
            attempt()
        except OSError as error:
            os._exit(error.errno or 255)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _failure(need: Callable[[], object]) -> str | None:
    try:
        need()
    except (OSError, AssertionError, sqlite3.Error, subprocess.SubprocessError) as error:
        return repr(error)
    return None


def _report() -> dict[str, dict[str, object]]:
    needs = {name: _failure(need) for name, need in NEEDS.items()}
    outcomes = {name: _outcome(attempt) for name, attempt in ATTEMPTS.items()}
    return {"attempts": dict(outcomes), "needs": dict(needs)}


if __name__ == "__main__":
    Path(os.environ["STATE_DIRECTORY"], "report").write_text(json.dumps(_report()))
