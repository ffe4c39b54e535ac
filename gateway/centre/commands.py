"""Carries out `checkpoint-gateway centre …`: receives and keeps, shows and exports what it has."""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gateway import log, signing
from gateway.centre import sending
from gateway.centre.book import lost_of
from gateway.centre.connecting import options_of
from gateway.centre.listener import Listener
from gateway.centre.rules import Centre, Event, Known, Life
from gateway.centre.store import Received, Store, bodies, known
from gateway.clock import Clock, rfc3339
from gateway.output import csv_writer, ndjson_writer, plain, words, writing
from gateway.ranges import Ranges, total
from gateway.seal import make_keys
from gateway.uplink.client import LinkOptions


def run(chosen: argparse.Namespace) -> int:
    """Do what was `chosen`; the exit code.

    Raises:
        GatewayError: it cannot be done, in one sentence.
    """
    try:
        return _carry_out(chosen)
    except BrokenPipeError:  # the reader, `head` for one, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _carry_out(chosen: argparse.Namespace) -> int:
    match chosen.asked:
        case "show":
            return _show(known(chosen.file), as_json=chosen.json)
        case "export":
            with writing(chosen.output) as out:
                write = csv_writer(out) if chosen.format == "csv" else ndjson_writer(out)
                for body in bodies(chosen.file):
                    write(body)
            return 0
        case "sign" | "publish" | "order":
            code, text = sending.run(chosen)
            print(text)
            return code
        case "keygen":
            return _make_keys(chosen.private, chosen.public, to_sign=chosen.sign)
        case _:
            log.set_up()
            asyncio.run(_receive(options_of(chosen), chosen.database))
            return 0


def _make_keys(private: Path, public: Path, *, to_sign: bool) -> int:
    if to_sign:
        signing.make_keys(private, public)
        print(f"{private}  keep it: whoever has it can give orders to every gate that has")
        print(f"{public}  which [centre] key_files names there")
        return 0
    name = make_keys(private, public)
    print(f"key {name}")
    print(f"  {private}  keep it, and a copy, where sticks are imported; nothing else opens them")
    print(f"  {public}  goes to every gate: [export] seal_to_file names it there")
    return 0


class Intake:
    """Between what came and what is kept; an event is shown when it is durable."""

    def __init__(
        self, centre: Centre, store: Store, clock: Clock, show: Callable[[Received], None]
    ) -> None:
        self._centre = centre
        self._store = store
        self._clock = clock
        self._show = show
        self._new: list[Received] = []

    def take(self, event: Event) -> None:
        """Remember `event` for the next commit, unless it has come before."""
        if not event.duplicate:
            self._new.append(Received(event, self._clock.now().wall_ms))

    async def keep(self) -> None:
        """Commit all that was taken before this was called.

        Raises:
            GatewayError: it is not durable; there must be no answer.
        """
        new, self._new = self._new, []
        await self._store.commit(new, self._centre.gateways)
        for each in new:
            self._show(each)


async def _receive(options: LinkOptions, database: Path) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    store = await Store.open(database)
    try:
        centre = Centre(await store.known())
        intake = Intake(centre, store, Clock(), lambda new: print(_line(new), flush=True))
        listener = Listener(options, centre, intake.take, acknowledge=True, keep=intake.keep)
        try:
            await listener.run(stop)
        except ExceptionGroup as failures:
            raise _reason(failures) from failures
        await intake.keep()
    finally:
        await store.close()


def _reason(failure: Exception) -> Exception:
    """The one thing that went wrong inside the groups of tasks."""
    while isinstance(failure, ExceptionGroup) and len(failure.exceptions) == 1:
        failure = failure.exceptions[0]
    return failure


def _line(new: Received) -> str:
    event = new.event.content
    data = event.get("data")
    said = data.items() if isinstance(data, dict) else ()
    values = [f"{plain(name)}={plain(value)}" for name, value in said]
    kind, subject = (plain(event.get(name, "")) for name in ("type", "subject"))
    gateway = plain(new.event.source.rpartition("/")[2])
    head = f"{rfc3339(new.at_ms)}  {gateway}  {new.event.seq:>10}"
    return "  ".join([head, kind, subject, " ".join(values)])


def _show(found: Known, *, as_json: bool) -> int:
    lives = {**found.table, **found.declared}
    sources = sorted({*found.gateways, *(source for source, _ in lives)})
    gateways = {source: _gateway(found, source) for source in sources}
    if as_json:
        print(json.dumps(gateways))
        return 0
    if not gateways:
        print("nothing has come yet")
    for source, gateway in gateways.items():
        _print_gateway(source, gateway)
    return 0


def _gateway(found: Known, source: str) -> dict[str, Any]:
    said = found.gateways.get(source)
    lives = {
        epoch: _life(found, (owner, epoch))
        for owner, epoch in {**found.table, **found.declared}
        if owner == source
    }
    return {"state": said.state if said else None, "epochs": lives}


def _life(found: Known, life: Life) -> dict[str, Any]:
    have, declared = (Ranges.of(each.get(life, ())) for each in (found.table, found.declared))
    settled = Ranges.of([*have, *declared])
    return {
        "events": total(have),
        "last": have.last,
        "missing": list(settled.gaps(0, have.last)),
        "lost": lost_of(have, declared),
    }


def _print_gateway(source: str, gateway: Mapping[str, Any]) -> None:
    state = (gateway["state"] or {}).get("state")
    print(f"{plain(source)}  {plain(state) if state else 'has said nothing of itself'}")
    for epoch, life in gateway["epochs"].items():
        missing, lost = (words(Ranges.of(life[name])) for name in ("missing", "lost"))
        print(
            f"  {plain(epoch)}  {life['events']:,} events up to {life['last']},"
            f" missing: {missing or 'nothing'}" + (f", declared lost: {lost}" if lost else "")
        )
