"""The demo's screen: what the centre receives, what the journal holds, how the link is."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from gateway.demo.account import Account, Arrival, Summary
from gateway.health import Health, JournalHealth

_KIND_STYLES = {
    "passage": "bold green",
    "scan": "cyan",
    "temperature": "magenta",
    "door": "yellow",
    "device": "blue",
}
_CHROME_ROWS = 14  # everything on the screen that is not a row of the arrivals' table


@dataclass(frozen=True, slots=True)
class View:
    """One moment of the demo."""

    elapsed_s: float
    chapter: str
    health: Health | None
    account: Account
    said: str = ""
    """What was said last at the gate."""


def render(view: View, *, height: int) -> RenderableType:
    """The whole screen, fitted into `height` rows."""
    rows = max(4, height - _CHROME_ROWS)
    return Group(
        Text.assemble((f" {view.elapsed_s:5.1f} s ", "bold reverse"), "  ", (view.chapter, "bold")),
        _arrivals(list(view.account.latest)[-rows:]),
        _gauges(view),
        Text.assemble(" said at the gate: ", (view.said, "bold")),
        Text(" Ctrl-C ends the demo and shows the summary", style="dim"),
    )


def _arrivals(arrivals: Sequence[Arrival]) -> Panel:
    table = Table(expand=True, box=None, pad_edge=False)
    for heading in ("time", "kind", "lane, door or device"):
        table.add_column(heading, no_wrap=True)
    table.add_column("value", no_wrap=True, ratio=1, overflow="ellipsis")
    table.add_column("delay", justify="right", no_wrap=True)
    for arrival in arrivals:
        table.add_row(
            arrival.time,
            Text(arrival.kind, style=_KIND_STYLES.get(arrival.kind, "")),
            arrival.place,
            Text(arrival.value),
            Text(delay(arrival.delay_s), style="red" if arrival.delay_s > 1 else "green"),
        )
    return Panel(table, title="what the centre receives", border_style="green")


def _gauges(view: View) -> Table:
    grid = Table.grid(expand=True)
    for _ in range(3):
        grid.add_column(ratio=1)
    grid.add_row(_journal(view), _link(view), _devices(view))
    return grid


def _journal(view: View) -> Panel:
    if view.health is None:
        return Panel("the gateway is starting\n\n\n", title="journal")
    journal = view.health.journal
    lines = Text()
    for name, count in _counts(journal):
        style = "bold red" if name == "waiting" and count > journal.in_flight else ""
        lines.append(f"{name:<10}{count:>7}\n", style=style)
    lines.rstrip()
    return Panel(lines, title="journal", border_style="blue")


def _counts(journal: JournalHealth) -> list[tuple[str, int]]:
    return [
        ("recorded", journal.recorded),
        ("in flight", journal.in_flight),
        ("confirmed", journal.confirmed),
        ("waiting", journal.waiting),
    ]


def _link(view: View) -> Panel:
    online = view.health is not None and view.health.link.online
    state = Text("online" if online else "offline", style="bold green" if online else "bold red")
    reason = (view.health.link.reason if view.health else None) or ""
    counts = f"received {view.account.received}\nduplicates {view.account.duplicates}"
    body = Group(state, Text(reason, no_wrap=True, overflow="ellipsis", style="dim"), counts)
    return Panel(body, title="link and centre", border_style="green" if online else "red")


def _devices(view: View) -> Panel:
    devices = view.health.devices if view.health else {}
    lines = Text("\n").join(
        Text.assemble(f"{name:<14}", (state, "green" if state == "online" else "red"))
        for name, device in devices.items()
        for state in [device.state.value if device.state else "…"]
    )
    return Panel(Group(lines, *[""] * max(0, 4 - len(devices))), title="devices")


def delay(seconds: float) -> str:
    """A delay in the unit that suits it."""
    return f"{seconds * 1000:.0f} ms" if abs(seconds) < 1 else f"{seconds:.1f} s"


def line(elapsed_s: float, arrival: Arrival) -> str:
    """One arrival for a terminal that is none (a pipe, a log)."""
    return (
        f"{elapsed_s:6.1f} s  {arrival.kind:<12}{arrival.place:<22}"
        f"{arrival.value:<44}{delay(arrival.delay_s):>9}"
    )


def gauges_line(view: View) -> str:
    """Journal and link in one line, for the same kind of terminal."""
    if view.health is None:
        return f"{view.elapsed_s:6.1f} s  the gateway is starting"
    counts = ", ".join(f"{count} {name}" for name, count in _counts(view.health.journal))
    link = "online" if view.health.link.online else f"offline ({view.health.link.reason})"
    said = f"; said at the gate: {view.said}" if view.said else ""
    return f"{view.elapsed_s:6.1f} s  journal: {counts}; link {link}{said}"


def show_summary(console: Console, summary: Summary) -> None:
    """The result, large and plain."""
    good = summary.missing == 0
    table = Table.grid(padding=(0, 3))
    table.add_row("recorded at the gate", str(summary.recorded))
    table.add_row("received at the centre", str(summary.received))
    table.add_row("missing", Text(str(summary.missing), style="green" if good else "bold red"))
    table.add_row("duplicates", str(summary.duplicates))
    table.add_row("without a broker for", f"{summary.outage_s:.1f} s")
    table.add_row("most events waiting", str(summary.most_waiting))
    table.add_row("kinds", ", ".join(f"{n} {kind}" for kind, n in summary.by_kind.items()))
    title = "nothing is missing" if good else "EVENTS ARE MISSING"
    console.print(Panel(table, title=title, border_style="green" if good else "red", expand=False))
