"""Carries out `checkpoint-gateway journal …`: figures and events on the screen or into a file."""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import track

from gateway import configfile
from gateway.clock import rfc3339
from gateway.errors import GatewayError
from gateway.inspect import look
from gateway.journal.rows import Row
from gateway.journal.salvage import Salvage
from gateway.output import csv_writer, ndjson_writer, plain, words, writing
from gateway.ranges import Ranges

T = TypeVar("T")
_LOOK_EVERY_S = 0.5


def run(chosen: argparse.Namespace) -> int:
    """Do what was `chosen`; the exit code.

    Raises:
        GatewayError: it cannot be done, in one sentence.
    """
    path = _journal_of(chosen.file)
    try:
        return _carry_out(path, chosen)
    except BrokenPipeError:  # the reader, `head` for one, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _carry_out(path: Path, chosen: argparse.Namespace) -> int:
    match chosen.asked:
        case "stats":
            return _stats(path, as_json=chosen.json)
        case "tail":
            return _tail(path, chosen.count, follow=chosen.follow)
        case "export":
            return _export(path, chosen)
        case "verify":
            return _verify(path)
        case _:
            return _salvage(path, chosen.output)


def _journal_of(file: Path) -> Path:
    if file.suffix != ".toml":
        return file
    config = configfile.load(file)
    return config.gateway.state_dir / config.journal.file


def _stats(path: Path, *, as_json: bool) -> int:
    figures = look.stats(path)
    if as_json:
        print(json.dumps(asdict(figures)))
        return 0
    lines = {
        "file": f"{figures.file}, {_size(figures.file_bytes)}, log {_size(figures.log_bytes)}",
        "life": f"{figures.epoch}, format {figures.format}",
        "events": _kept(figures),
        "delivered": f"{figures.confirmed:,}",
        "waiting": f"{figures.waiting:,}, of them alarms: {figures.alarms_waiting:,},"
        f" taken out by stick: {figures.exported:,}",
    }
    for epoch, count in figures.carried.items():
        lines[f"of {epoch}"] = f"{count:,} saved from a damaged journal, waiting"
    for name, report in figures.damaged_journals.items():
        lines[name] = f"all delivered that could be saved: {report}" if report else "being saved"
    width = max(map(len, lines))
    for name, text in lines.items():
        print(f"{name:<{width}}  {text}")
    return 0


def _kept(figures: look.Stats) -> str:
    if figures.last_seq is None:
        return "none yet"
    times = [
        rfc3339(each) if each is not None else "?"
        for each in (figures.first_wall_ms, figures.last_wall_ms)
    ]
    return f"{figures.first_seq} to {figures.last_seq}, {times[0]} to {times[1]}"


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _tail(path: Path, count: int, *, follow: bool) -> int:
    after = look.latest(path, count)
    while True:
        for row in look.rows(path, after + 1):
            after = row.seq if isinstance(row, Row) else row
            print(_line(row))
        sys.stdout.flush()
        if not follow:
            return 0
        time.sleep(_LOOK_EVERY_S)


def _line(row: Row | int) -> str:
    if not isinstance(row, Row):
        return f"{row:>10}  damaged"
    event = json.loads(row.body)
    data = " ".join(f"{name}={plain(value)}" for name, value in event["data"].items())
    alarm = "ALARM " if row.alarm else ""
    return f"{row.seq:>10}  {event['time']}  {row.kind:<11}  {alarm}{event['subject']}  {data}"


def _export(path: Path, chosen: argparse.Namespace) -> int:
    first, last = look.span(path)
    first, last = max(first, chosen.first), min(last, chosen.last or last)
    damaged = Ranges()
    with writing(chosen.output) as out:
        write = csv_writer(out) if chosen.format == "csv" else ndjson_writer(out)
        found = look.rows(path, first, last)
        for row in _shown("exporting", found, last - first + 1, quiet=chosen.output is None):
            if isinstance(row, Row):
                write(row.body)
            else:
                damaged.add(row, row)
    if damaged:
        _say(f"left out because they are damaged: {words(damaged)}")
    return 1 if damaged else 0


def _verify(path: Path) -> int:
    first, last = look.span(path)
    sound, damaged = Ranges(), Ranges()
    for row in _shown("reading", look.rows(path, first, last), last - first + 1):
        if isinstance(row, Row):
            sound.add(row.seq, row.seq)
        else:
            damaged.add(row, row)
    verdict = look.structure(path)
    lost = Ranges.of(look.missing(path, sound))
    print(f"events   {sum(b - a + 1 for a, b in sound):,} sound")
    if damaged:
        print(f"damaged  {words(damaged)}")
    if lost:
        print(f"lost     {words(lost)} (not delivered, and damaged or missing)")
    print(f"file     {'sound' if verdict == 'ok' else verdict}")
    return 0 if verdict == "ok" and not damaged and not lost else 1


def _salvage(path: Path, output: Path | None) -> int:
    if not path.is_file():
        raise GatewayError(f"there is no file {path}")
    salvage = Salvage(path, delivered=True)
    with writing(output) as out:
        write = ndjson_writer(out)
        for portion in _shown("salvaging", salvage.portions(), None, quiet=output is None):
            for row in portion:
                write(row.body)
    lost = Ranges.of(salvage.lost())
    _say(f"{salvage.saved:,} events saved")
    if lost:
        _say(f"not delivered, and beyond saving: {words(lost)} of {salvage.epoch}")
    return 1 if lost or not salvage.saved else 0


def _shown(doing: str, work: Iterable[T], total: int | None, *, quiet: bool = False) -> Iterable[T]:
    """`work` with a bar on the screen while it lasts; none where nobody looks."""
    console = Console(stderr=True)
    return track(work, doing, total, console=console, disable=quiet or not console.is_terminal)


def _say(text: str) -> None:
    print(text, file=sys.stderr)
