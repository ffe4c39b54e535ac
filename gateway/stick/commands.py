"""Carries out `checkpoint-gateway export` and `import`: progress, an account, the exit code."""

import argparse
import asyncio
import os
import pwd
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gateway import configfile, control, seal
from gateway.centre.connecting import options_of
from gateway.clock import Clock, rfc3339
from gateway.config import Config
from gateway.control import NoAnswerError
from gateway.errors import GatewayError, LinkError
from gateway.journal.exports import Exports, Mark
from gateway.output import plain
from gateway.ranges import total
from gateway.stick import bring_in, take_out
from gateway.stick.bring_in import BringIn
from gateway.stick.folder import Folder, folder_for, folders_on
from gateway.stick.part import Part
from gateway.stick.source import Lives, Source
from gateway.stick.take_out import SPARE_BYTES, Sender, TakeOut
from gateway.topics import Topics
from gateway.uplink.link import open_link

_PATIENCE_S = 30.0
_NICENESS = 10
"""The gateway beside us records meanwhile, and comes first."""


def run(chosen: argparse.Namespace) -> int:
    """Do what was `chosen`; the exit code.

    Raises:
        GatewayError: it cannot be done, in one sentence.
    """
    if chosen.command == "export":
        return _export(configfile.load(chosen.file), chosen)
    return asyncio.run(_import(chosen))


def _export(config: Config, chosen: argparse.Namespace) -> int:
    os.nice(_NICENESS)
    place = config.gateway
    key = config.export.seal_to_file
    sender = Sender(place.id, Topics(place).batch, seal.read_public(key) if key else None)
    if not key:
        _say("not sealed: whoever finds the stick can read it; [export] seal_to_file prevents that")
    journal = place.state_dir / config.journal.file
    _require_stick(chosen.to, journal, same_disk=chosen.same_disk)
    exports = Exports(journal)
    source = Source(journal, place.id)
    with exports.held(), _on_stick(chosen.to), _progress() as progress:
        folder = folder_for(chosen.to, place.id)
        work = TakeOut(source, sender, folder, exports, lambda part: _mark(part, folder))
        names = folder.parts()
        task = progress.add_task("on the stick", total=len(names) or None, unit="parts")
        work.look_over(names, partial(progress.advance, task))
        planned = work.plan(skip_exported=chosen.skip_exported)
        asyncio.run(_hold_times(config, planned))
        _announce(source.bytes_of(planned), folder)
        count = sum(total(numbers) for numbers in planned.values())
        task = progress.add_task("exporting", total=count, unit="events")
        work.write(planned, partial(progress.advance, task))
    return _account_of_export(work.result, source.unusable, chosen.to)


async def _hold_times(config: Config, planned: Lives) -> None:
    """Where a gateway runs it leaves the times of these records as they are from now on: the same
    id must not go by the network with a time that was put right meanwhile."""
    socket = control.found(config.gateway.state_dir)
    for epoch, numbers in planned.items():
        with suppress(NoAnswerError):  # none runs: nobody changes anything
            await control.ask(
                socket, "hold-times", timeout_s=_PATIENCE_S, epoch=epoch, upto=list(numbers)[-1][1]
            )


def _require_stick(to: Path, journal: Path, *, same_disk: bool) -> None:
    if not to.is_dir():
        raise GatewayError(f"there is no directory {to}; is the stick mounted?")
    if not journal.is_file():
        raise GatewayError(f"there is no journal {journal}")
    if not same_disk and to.stat().st_dev == journal.stat().st_dev:
        raise GatewayError(
            f"{to} is on the disk of the journal: is the stick mounted there?"
            " (with --same-disk it may be)"
        )


def _mark(part: Part, folder: Folder) -> Mark:
    user = os.environ.get("SUDO_USER") or _user()
    head = part.header
    return Mark(_now(), user, str(folder.path.absolute()), part.digest, head.epoch, head.ranges)


def _now() -> str:
    return rfc3339(Clock().now().wall_ms)


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # not every system user has a name
        return str(os.getuid())


def _announce(needed: int, folder: Folder) -> None:
    free = max(0, folder.free_bytes() - SPARE_BYTES)
    if needed > free:
        _say(f"about {_size(needed)} to take out, {_size(free)} free: not all of it will fit")


def _account_of_export(result: take_out.Result, unusable: int, to: Path) -> int:
    print(
        f"{result.events:,} events in {result.parts} parts ({_size(result.bytes)}) exported to"
        f" {to}; {result.found} parts were there before"
    )
    for name in result.broken:
        _say(f"{name} on the stick was cut short or damaged; it has been made again")
    if unusable:
        _say(f"{unusable:,} records are left out: they are damaged, or another gateway's")
    if result.left:
        _say(f"the stick is full; {result.left:,} events are left. Take another, --skip-exported")
    if result.unmarked:
        _say(str(result.unmarked))
    return 1 if result.left or unusable or result.unmarked else 0


async def _import(chosen: argparse.Namespace) -> int:
    key = seal.read_private(chosen.key) if chosen.key else None
    code = 0
    with _on_stick(chosen.directory), _progress() as progress:
        folders = folders_on(chosen.directory)
        async with open_link(options_of(chosen)) as link:
            for folder in folders:
                name = plain(folder.path.name)
                task = progress.add_task(f"importing {name}", total=None, unit="events")
                work = BringIn(folder, key, _now)
                try:
                    await work.run(link, partial(progress.advance, task), again=chosen.again)
                except LinkError as error:
                    raise GatewayError(f"{error}. The same command goes on from here") from error
                code |= _account_of_import(work.result, name)
            await link.disconnect()
    return code


def _account_of_import(result: bring_in.Result, name: str) -> int:
    print(
        f"{name}: {result.events:,} events in {result.parts} parts published;"
        f" {result.before} parts had been imported before"
    )
    for note in result.notes:
        _say(f"{name}: {note}")
    for part, why in result.refused.items():
        _say(f"{name}/{plain(part)} refused: {plain(why)}")
    return 1 if result.refused else 0


@contextmanager
def _on_stick(path: Path) -> Iterator[None]:
    """Puts into a sentence what the system says of the stick."""
    try:
        yield
    except OSError as error:
        raise GatewayError(
            f"the stick at {path} fails: {error.strerror}. Put it in again, and the same command"
            " goes on from there"
        ) from error


@contextmanager
def _progress() -> Iterator[Progress]:
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield progress


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _say(text: str) -> None:
    print(text, file=sys.stderr)
