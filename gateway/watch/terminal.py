"""A picture of the gateway for the terminal, in English."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from gateway.health import DeviceHealth, Health, JournalHealth, LinkHealth, Moment
from gateway.output import plain
from gateway.watch.findings import Finding, findings, healthy
from gateway.web import asset

_STYLES: Final = {
    "fault": "bold red",
    "warning": "yellow",
    "online": "green",
    "degraded": "yellow",
    "lost": "bold red",
}
_SPANS: Final = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def shown(seen: Health) -> Iterator[RenderableType]:
    """One part after the other: the verdict, what is wrong, the devices, the rest."""
    found = findings(seen)
    fine = healthy(found)
    verdict = _word("unhealthy" if not fine else "with-warnings" if found else "all-well")
    style = "bold red" if not fine else "yellow" if found else "bold green"
    yield Text.assemble((verdict, style), f"  {plain(seen.gateway)}, {seen.clock.time}")
    for each in found:
        yield _finding(each)
    yield ""
    yield _devices(seen.devices)
    yield ""
    yield _figures(seen)


def _finding(found: Finding) -> Text:
    sentence, advice = _words()["findings"].get(found.code, (plain(found.code), ""))
    subject = f"{plain(found.subject)} " if found.subject else ""
    detail = f": {plain(found.detail)}" if found.detail else ""
    return Text.assemble(
        (f"  {found.level:<8}", _STYLES[found.level]),
        f"{subject}{sentence}{detail}",
        (f"\n          {advice}" if advice else "", "dim"),
    )


def _devices(devices: dict[str, DeviceHealth]) -> RenderableType:
    if not devices:
        return Text(_word("no-devices"))
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("device", "driver", "state", "for", "last reading", "met"):
        table.add_column(heading, overflow="fold")
    for name, device in devices.items():
        state = device.state or "unheard"
        table.add_row(
            Text(plain(name)),
            Text(plain(device.driver)),
            Text(_word(state), style=_STYLES.get(state, "")),
            _span(device.since),
            Text(_reading(device)),
            Text(", ".join(f"{_word(what)} {times}" for what, times in device.counted.items())),
        )
    return table


def _reading(device: DeviceHealth) -> str:
    last = device.last
    if last is None:
        return _word("nothing-read")
    what = [_word(last.kind), last.door, last.position]
    if last.ambient_celsius is not None:
        what.append(f"({_word('surroundings')} {last.ambient_celsius:.1f} °C)")
    return f"{plain(' '.join(filter(None, what)))}, {_span(last.at)} ago"


def _figures(seen: Health) -> Table:
    """What has a value, a line each."""
    box, process = seen.box, seen.process
    lines = {
        "journal": _journal(seen.journal),
        "centre": _link(seen.link),
        "clock": _word(seen.clock.quality),
        "box": _joined(
            box.celsius is not None and f"{box.celsius:.0f} °C",
            box.memory_available_bytes is not None
            and f"{_size(box.memory_available_bytes)} of memory free",
            box.load is not None and f"load {box.load:.2f}",
            box.disk_worn_percent is not None and f"disk worn {box.disk_worn_percent} %",
            seen.clock.booted is not None and f"on for {_span(seen.clock.booted)}",
        ),
        "program": _joined(
            seen.versions.software,
            seen.configuration.version and f"configuration {seen.configuration.version}",
            process.started is not None and f"running for {_span(process.started)}",
            process.memory_bytes is not None and _size(process.memory_bytes),
        ),
    }
    table = Table.grid(padding=(0, 2))
    for name, text in lines.items():
        table.add_row(Text(name, style="dim"), Text(plain(text)))
    return table


def _journal(journal: JournalHealth) -> str:
    oldest = journal.oldest_waiting
    return _joined(
        f"{journal.recorded:,} recorded",
        f"{journal.confirmed:,} delivered",
        f"{journal.waiting:,} waiting",
        oldest is not None and f"the oldest for {_span(oldest)}",
        journal.taken_bytes is not None
        and journal.most_bytes is not None
        and f"{_size(journal.taken_bytes)} of {_size(journal.most_bytes)}",
        journal.left_bytes is not None and f"{_size(journal.left_bytes)} free on the disk",
    )


def _link(link: LinkHealth) -> str:
    return _joined(
        f"{'online' if link.online else 'offline'} for {_span(link.since)}",
        link.reason,
        link.last_confirmed is not None and f"last delivery {_span(link.last_confirmed)} ago",
        link.set_aside and f"{link.set_aside} set aside",
    )


def _joined(*parts: object) -> str:
    return ", ".join(str(part) for part in parts if part)


def _span(moment: Moment | None) -> str:
    if moment is None:
        return "–"
    unit, size = next((each for each in _SPANS if moment.age_s >= 2 * each[1]), _SPANS[-1])
    return f"{moment.age_s // size:.0f} {unit}"


def _size(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def _word(name: str) -> str:
    return str(_words().get(name, name))


@cache
def _words() -> dict[str, Any]:
    """The same as on the page."""
    body = asset("gateway.watch", "words.json").body
    assert isinstance(body, bytes)
    words: dict[str, Any] = json.loads(body)["en"]
    return words
