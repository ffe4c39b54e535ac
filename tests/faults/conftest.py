"""The fault laboratory's needs, checked loudly, and its table at the end of a run."""

import os
import shutil
from pathlib import Path

import pytest

from tests.faults.account import Account

_ACCOUNT = pytest.StashKey[Account]()
_DEVICES = ("/dev/loop-control", "/dev/fuse")
_PROGRAMS = ("mount", "umount", "mkfs.ext4", "mkfs.xfs", "fusermount3", "mosquitto")


def pytest_configure(config: pytest.Config) -> None:
    """Open the account of this run."""
    config.stash[_ACCOUNT] = Account()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the account."""
    if lines := list(config.stash[_ACCOUNT].table()):
        terminalreporter.section("faults")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def account(request: pytest.FixtureRequest) -> Account:
    """Where a test notes what it has done."""
    return request.config.stash[_ACCOUNT]


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
