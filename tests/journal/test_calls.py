"""How long the disk has had a call, while the program does something else."""

import asyncio
import sqlite3
import threading
from pathlib import Path

from gateway.journal.calls import Calls
from gateway.journal.store import Store
from tests.brokers import until


async def test_a_call_under_way_is_timed_and_then_forgotten(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "journal.db")
    try:
        assert store.calls.longest_s() == 0
        answered = threading.Event()

        def slow(_: sqlite3.Connection) -> None:
            answered.wait(20)

        call = asyncio.create_task(store.read(slow))
        await until(lambda: store.calls.longest_s() > 0.05)
        answered.set()
        await call
        assert store.calls.longest_s() == 0
    finally:
        await store.close()


def test_the_oldest_call_counts() -> None:
    calls = Calls()
    with calls.under_way():
        with calls.under_way():
            pass
        assert calls.longest_s() > 0
    assert calls.longest_s() == 0
