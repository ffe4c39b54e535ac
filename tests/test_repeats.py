"""A message that repeats is written once and then counted; nothing grows, nothing is swallowed."""

import gc
import logging
import subprocess
import sys
import weakref
from collections.abc import Callable
from itertools import pairwise

from gateway.log import Repeats

Record = logging.LogRecord


def record(text: str, *args: object, level: int = logging.WARNING, name: str = "gateway") -> Record:
    return Record(name, level, "file.py", 1, text, args, None)


def written(repeats: Repeats, text: str, now: float, *args: object) -> list[str]:
    return [each.getMessage() for each in repeats.take(record(text, *args), now)]


def test_the_first_is_written_and_the_others_are_counted() -> None:
    repeats = Repeats()
    assert written(repeats, "no link to %s", 0, "here") == ["no link to here"]
    for second in range(1, 120):
        assert written(repeats, "no link to %s", second, "here") == []
    assert [each.getMessage() for each in repeats.overdue(120)] == [
        "no link to here … repeated 119 times in 120 s"
    ]


def test_what_lies_between_does_not_matter() -> None:
    repeats = Repeats()
    told = [written(repeats, "a %d", second, second % 2) for second in range(9)]
    assert told == [["a 0"], ["a 1"], *([[]] * 7)]
    assert written(repeats, "b", 121) == [
        "a 0 … repeated 4 times in 121 s",
        "a 1 … repeated 3 times in 120 s",
        "b",
    ]


def test_counts_are_told_ever_more_rarely_up_to_a_quarter_of_an_hour() -> None:
    repeats = Repeats()
    told = [second for second in range(24 * 3600) for _ in written(repeats, "again", second)]
    gaps = [later - earlier for earlier, later in pairwise(told)]
    assert gaps[:4] == [120, 240, 480, 900]
    assert set(gaps[3:]) == {900}


def test_what_did_not_come_for_a_while_is_new() -> None:
    repeats = Repeats()
    assert written(repeats, "lost", 0) == ["lost"]
    assert written(repeats, "lost", 121) == ["lost"]
    assert list(repeats.overdue(242)) == []


def test_a_traceback_is_written_once() -> None:
    repeats = Repeats()
    bug, again = (record("bug in %s", "camera", level=logging.ERROR) for _ in range(2))
    bug.exc_info = again.exc_info = (ZeroDivisionError, ZeroDivisionError("a bug"), None)
    assert list(repeats.take(bug, 0)) == [bug]
    assert list(repeats.take(again, 1)) == []
    [counted] = repeats.overdue(120)
    assert (counted.levelno, counted.exc_info) == (logging.ERROR, None)
    assert counted.getMessage() == "bug in camera … repeated once in 120 s"


def test_levels_and_loggers_are_told_apart_and_debug_is_let_through() -> None:
    repeats = Repeats()
    different = [
        record("same"),
        record("same", level=logging.INFO),
        record("same", name="drivers"),
        *(record("same", level=logging.DEBUG) for _ in range(3)),
    ]
    assert [each for one in different for each in repeats.take(one, 0)] == different


def test_memory_is_bounded_and_what_is_let_go_is_told() -> None:
    repeats = Repeats()
    written(repeats, "first", 0)
    written(repeats, "first", 1)
    for number in range(Repeats.MOST - 1):
        assert written(repeats, "other %d", 2, number) == [f"other {number}"]
    assert written(repeats, "last", 3) == ["first … repeated once in 3 s", "last"]
    assert written(repeats, "first", 4) == ["first"]


def test_what_a_record_holds_is_let_go() -> None:
    class Held:
        def __str__(self) -> str:
            return "text"

    def log(repeats: Repeats) -> Callable[[], object]:
        held = Held()
        assert written(repeats, "%s", 0, held) == ["text"]
        return weakref.ref(held)

    repeats = Repeats()
    held = log(repeats)
    gc.collect()
    assert held() is None
    assert written(repeats, "x" * 10_000, 0) == ["x" * 10_000]
    written(repeats, "x" * 10_000, 1)
    assert max(len(each.getMessage()) for each in repeats.overdue(120)) < 600


def test_a_message_that_cannot_be_put_together_harms_nobody() -> None:
    assert [each.msg for each in Repeats().take(record("%d", "no number"), 0)] == ["%d"]


SPEAK = """
import asyncio, logging, sys
from gateway import log
log.set_up()
log.Repeats.FIRST_S = 0.2
log._LOOK_S = 0.1
speaker = logging.getLogger("gateway.speaker")
async def main():
    telling = asyncio.create_task(log.tell_repeats())
    for _ in range(5): speaker.warning("again")
    await asyncio.sleep(0.5)
    print("not logged: between", file=sys.stderr, flush=True)
    for _ in range(3): speaker.warning("at the end")
    logging.getLogger("library").info("what it carries")
    telling.cancel()
asyncio.run(main())
"""


def test_a_process_tells_the_counts_in_time_and_the_rest_at_its_end() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SPEAK], capture_output=True, text=True, timeout=60, check=True
    )
    told = [line.split(": ", 1)[1] for line in done.stderr.splitlines()]
    assert told[0] == "again"
    assert told[1].startswith("again … repeated 4 times in ")
    assert told[2:4] == ["between", "at the end"]
    assert told[4].startswith("at the end … repeated 2 times in ")
    assert len(told) == 5
