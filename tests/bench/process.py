"""What a process costs, as the kernel counts it."""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")

_TICKS = os.sysconf("SC_CLK_TCK")


def isolated(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do `work` in a fresh process, so that neither memory nor caches tell of what was before."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *args, **kwargs).result()


class Process:
    """A running one; by default this one."""

    def __init__(self, pid: int | None = None) -> None:
        self._proc = Path(f"/proc/{pid or 'self'}")

    @property
    def rss_mb(self) -> float:
        """Memory in RAM."""
        return self._status("VmRSS") / 1024

    @property
    def pss_mb(self) -> float:
        """Memory in RAM, of pages that several processes have only its share."""
        lines = (self._proc / "smaps_rollup").read_text().splitlines()
        return int(dict(line.split(":", 1) for line in lines[1:])["Pss"].split()[0]) / 1024

    @property
    def peak_mb(self) -> float:
        """The most `rss_mb` has been since `reset_peak`."""
        return self._status("VmHWM") / 1024

    @property
    def threads(self) -> int:
        """How many threads it has."""
        return self._status("Threads")

    @property
    def cpu_s(self) -> float:
        """Seconds of a core, in user and system mode."""
        fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS  # utime, stime: man 5 proc

    @property
    def written(self) -> int:
        """Bytes sent towards the disk, in whole pages."""
        lines = (self._proc / "io").read_text().splitlines()
        return int(dict(line.split(": ") for line in lines)["write_bytes"])

    def reset_peak(self) -> None:
        """Let `peak_mb` count from now on."""
        (self._proc / "clear_refs").write_text("5")  # man 5 proc

    def _status(self, name: str) -> int:
        lines = (self._proc / "status").read_text().splitlines()
        return int(dict(line.split(":", 1) for line in lines)[name].split()[0])
