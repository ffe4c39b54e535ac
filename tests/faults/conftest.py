"""The fault laboratory's needs, checked loudly, and where its tests note what they have done."""

import os
import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.faults.account import PROPERTY, Account

# The fuzzer is built for x86-64 only. Elsewhere its tests are not there, rather than left out.
collect_ignore = [] if find_spec("atheris") else ["test_fuzzing.py"]

_DEVICES = ("/dev/loop-control", "/dev/fuse")
_PROGRAMS = (
    *("mount", "umount", "pivot_root", "unshare", "nsenter", "setpriv"),
    *("mkfs.ext4", "mkfs.xfs", "fusermount3", "mosquitto", "systemd-analyze"),
    *("losetup", "mkfs.exfat", "mount.exfat-fuse"),
)


@pytest.fixture
def account(record_property: Callable[[str, object], None]) -> Iterator[Account]:
    """Where a test notes what it has done; it goes with the test's report into the table."""
    account = Account()
    yield account
    record_property(PROPERTY, account.as_json())


@pytest.fixture(scope="session", autouse=True)
def laboratory() -> None:
    """Fails every test in here, rather than leaving it out, where faults cannot be made."""
    missing = [device for device in _DEVICES if not Path(device).exists()]
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing += [program for program in _PROGRAMS if not shutil.which(program, path=path)]
    if os.geteuid() != 0:
        missing.append("root")
    if missing:
        pytest.fail(f"the fault laboratory needs {', '.join(missing)}", pytrace=False)
