"""Events written out for people and for other programs."""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from gateway.errors import GatewayError
from gateway.ranges import Range, Ranges

Writing = Callable[[bytes], object]
"""Puts an encoded event where it is to go."""

_MOST_SHOWN = 20
_COLUMNS = ("id", "type", "source", "subject", "time", "recordedtime", "sequence", "clock", "data")


def plain(value: object) -> str:
    """On one line, whatever it is: it may hold what a stranger wrote."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(char if char.isprintable() else "�" for char in text)


def ndjson_writer(out: TextIO) -> Writing:
    """One document in a line."""
    return lambda body: out.write(f"{body.decode()}\n")


def csv_writer(out: TextIO) -> Writing:
    """A table with a heading; `data` stays JSON."""
    table = csv.writer(out)
    table.writerow(_COLUMNS)

    def write(body: bytes) -> object:
        event = json.loads(body)
        event["data"] = json.dumps(event.get("data"), ensure_ascii=False)
        return table.writerow([event.get(name, "") for name in _COLUMNS])

    return write


@contextmanager
def writing(output: Path | None) -> Iterator[TextIO]:
    """The file `output`, or the standard output.

    Raises:
        GatewayError: the file cannot be written.
    """
    if output is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8", newline="")
        yield sys.stdout
        sys.stdout.flush()
        return
    try:
        with output.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise GatewayError(f"{output} cannot be written: {error.strerror}") from error


def words(ranges: Ranges) -> str:
    """The first of `ranges`, and how many more there are."""
    shown: list[Range] = list(ranges)[:_MOST_SHOWN]
    text = ", ".join(f"{first}" if first == last else f"{first}–{last}" for first, last in shown)
    return text + (
        f" and {len(ranges) - len(shown)} more ranges" if len(ranges) > len(shown) else ""
    )
