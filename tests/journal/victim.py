"""A process to be killed: uses a journal and says on stdout what it has been promised."""

import asyncio
import os
import sys
from pathlib import Path
from typing import NoReturn

from gateway.journal import Journal
from tests.journal.journals import CLOCK, SOURCE, confirm, note


def say(number: int) -> None:
    os.write(1, f"{number}\n".encode())


async def append_for_ever(journal: Journal) -> NoReturn:
    async def one(number: int) -> NoReturn:
        while True:
            for row in await journal.append([note(number), note(number)]):
                say(row.seq)

    await asyncio.gather(*(one(number) for number in range(5)))
    raise AssertionError


async def confirm_and_wait(journal: Journal) -> None:
    await journal.append([note(number) for number in range(1, 31)])
    confirm(journal, [1, 2, 3, *range(6, 24)])
    say(journal.delivery.count)
    await asyncio.Event().wait()


async def main(task: str, path: Path) -> None:
    journal = await Journal.open(path, source=SOURCE, clock=CLOCK)
    await (append_for_ever if task == "append" else confirm_and_wait)(journal)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
