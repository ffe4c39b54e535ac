"""Fixtures shared by the drivers' tests."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest


def open_descriptors() -> int:
    """How many file descriptors this process has open."""
    return len(os.listdir("/proc/self/fd"))


def children(of: int | str = "self") -> list[int]:
    """The processes that a process, by default this one, has started and that are still there."""
    found: list[int] = []
    for task in Path(f"/proc/{of}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
            found += map(int, (task / "children").read_text().split())
    return found


@pytest.fixture
async def nothing_left_over() -> AsyncIterator[None]:
    """Fails a test that leaves a process, a thread or a file descriptor behind."""
    descriptors, threads = open_descriptors(), threading.active_count()
    yield
    assert children() == []
    async with asyncio.timeout(5):  # the loop's thread that waited for the process ends by itself
        while open_descriptors() > descriptors or threading.active_count() > threads:
            await asyncio.sleep(0.01)


@pytest.fixture
async def no_descriptor_leaks() -> AsyncIterator[None]:
    """Fails a test that leaves a file descriptor open."""
    before = open_descriptors()
    yield
    assert open_descriptors() == before


@pytest.fixture
def link(tmp_path: Path) -> Path:
    """Where an emulated device's port appears."""
    return tmp_path / "port"
