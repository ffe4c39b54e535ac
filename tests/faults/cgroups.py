"""How much memory a process and its children may have, as control groups limit it.

`python -m tests.faults.cgroups GROUP DESCRIPTORS run FILE` is `checkpoint-gateway run FILE` in
the directory GROUP, with no more than DESCRIPTORS open at a time.
"""

import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway import cli

_ROOT = Path("/sys/fs/cgroup")
_VERSION_1 = _ROOT / "memory"


class MemoryGroup:
    """Who is in `directory` shares so much memory, caches of files included."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def limit(self, megabytes: int) -> None:
        """Set the limit; whoever cannot stay below it is killed."""
        name = "memory.limit_in_bytes" if _VERSION_1.exists() else "memory.max"
        (self.directory / name).write_text(str(megabytes << 20))

    @property
    def kills(self) -> int:
        """How many processes had to be killed for the limit's sake."""
        name = "memory.oom_control" if _VERSION_1.exists() else "memory.events"
        lines = (self.directory / name).read_text().splitlines()
        return int(dict(line.split() for line in lines)["oom_kill"])


@contextmanager
def memory_group(megabytes: int) -> Iterator[MemoryGroup]:
    """A group of its own."""
    directory = (_VERSION_1 if _VERSION_1.exists() else _ROOT) / f"checkpoint-gateway-{os.getpid()}"
    directory.mkdir()
    group = MemoryGroup(directory)
    try:
        group.limit(megabytes)
        yield group
    finally:
        directory.rmdir()


if __name__ == "__main__":
    (Path(sys.argv[1]) / "cgroup.procs").write_text(str(os.getpid()))
    most = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    sys.exit(cli.main(sys.argv[3:]))
