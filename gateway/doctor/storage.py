"""Is there room for the journal, can it be written, and how worn is the disk?"""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile

from gateway.box import BoxFigures
from gateway.config import Config
from gateway.errors import GatewayError
from gateway.findings import Finding, bad, good, note
from gateway.inspect import look
from gateway.journal.ballast import taken_with

_SUBJECT = "disk"
_LEAST_BYTES = 64 << 20
"""Below this SQLite's log and the ballast have no room to work."""
_WORN = 80
"""Percent of a disk's life; what is left takes a year or two at a gate."""


def examine(config: Config, box: BoxFigures) -> Iterator[Finding]:
    """The disk of the journal, and the journal itself."""
    place = config.gateway.state_dir
    try:
        disk = os.statvfs(place)
    except OSError as error:
        todo = f"create it for the gateway's user, or correct state_dir: mkdir -p {place}"
        yield bad(_SUBJECT, f"{place} cannot be used: {error.strerror}", todo)
        return
    if not os.access(place, os.R_OK | os.X_OK, effective_ids=True):
        yield bad(_SUBJECT, f"you may not look into {place}", "ask again with sudo")
        return
    yield from _room(config, disk.f_bavail * disk.f_frsize)
    yield from _wear(box)
    yield from _journal(place / config.journal.file)


def _room(config: Config, left: int) -> Iterator[Finding]:
    place = config.gateway.state_dir
    journal = place / config.journal.file
    taken = taken_with(journal)
    wanted = (config.journal.max_mb << 20) - taken
    if refusal := _refusal(place):
        todo = (
            "has the disk failed, or is it full? see dmesg and df; check it with fsck, replace it"
        )
        yield bad(_SUBJECT, f"nothing can be written at {place}: {refusal}", todo)
    elif left < _LEAST_BYTES:
        todo = "remove what does not belong there: du -xh / | sort -h | tail"
        yield bad(_SUBJECT, f"{_mb(left)} left at {place}; {_mb(_LEAST_BYTES)} are needed", todo)
    elif left < wanted:
        found = f"{_mb(left)} left at {place}, less than [journal] max_mb lets the journal take"
        yield note(_SUBJECT, found, f"set max_mb = {max(16, (left + taken) * 4 // 5 >> 20)}")
    else:
        yield good(_SUBJECT, f"{_mb(left)} left at {place}; the journal takes {_mb(taken)}")


def _refusal(place: Path) -> str | None:
    """What the disk says to a small file. The flags of its file system do not tell: one that has
    turned itself read-only over an error shows none (Linux 6.18)."""
    try:
        with TemporaryFile(dir=place, buffering=0) as file:
            file.write(bytes(4096))
            os.fsync(file.fileno())
    except PermissionError:
        return None  # that is about whoever asks; of the gateway's user it is asked elsewhere
    except OSError as error:
        return error.strerror
    return None


def _wear(box: BoxFigures) -> Iterator[Finding]:
    worn = box.disk_worn_percent
    if worn is None:
        yield note("disk.wear", "the disk does not tell; SD cards never do")
    elif worn >= _WORN:
        found = f"{worn} % of the disk's life are over"
        yield bad("disk.wear", found, "replace it soon: checkpoint-gateway setup backup, then swap")
    else:
        yield good("disk.wear", f"at most {worn} % of the disk's life are over")


def _journal(path: Path) -> Iterator[Finding]:
    if not path.exists():
        yield note("journal", f"{path} does not exist yet; the gateway makes it when it starts")
        return
    try:
        stats = look.stats(path)
    except GatewayError as error:
        todo = "restart the gateway: it sets a damaged journal aside and saves what can be read"
        yield bad("journal", str(error), todo)
        return
    waiting = f"{stats.waiting:,} events waiting, {stats.confirmed:,} delivered"
    yield good("journal", waiting)
    for name, report in stats.damaged_journals.items():
        yield note("journal", f"{name} was damaged and set aside; {report or 'being saved'}")


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
