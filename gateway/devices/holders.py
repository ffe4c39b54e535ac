"""Who has a device open, from what the kernel shows of every process."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has a device open."""

    pid: int
    command: str


def holders(proc: Path, nodes: Iterable[str]) -> dict[str, list[Holder]]:
    """Of each node who holds it; other users' processes only root can see."""
    wanted = {os.path.realpath(node): node for node in nodes}
    found: dict[str, list[Holder]] = {node: [] for node in wanted.values()}
    for process in sorted(proc.glob("[0-9]*"), key=lambda each: int(each.name)):
        for node in {wanted[each] for each in _open_files(process) if each in wanted}:
            found[node].append(Holder(int(process.name), _command(process)))
    return found


def _open_files(process: Path) -> Iterator[str]:
    with suppress(OSError):  # gone by now, or somebody else's
        for descriptor in (process / "fd").iterdir():
            with suppress(OSError):
                yield os.readlink(descriptor)


def _command(process: Path) -> str:
    try:
        words = (process / "cmdline").read_bytes().replace(b"\0", b" ")
        return words.decode(errors="replace").strip() or (process / "comm").read_text().strip()
    except OSError:
        return "?"
