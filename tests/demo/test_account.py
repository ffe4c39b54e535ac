"""The demo's account finds what is missing and what came twice."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from gateway.clock import TimeQuality
from gateway.demo.account import Account, describe
from gateway.demo.screen import View, gauges_line, render, show_summary
from gateway.health import ClockHealth, DeviceHealth, Health, JournalHealth, LinkHealth

AT = datetime(2026, 3, 17, 22, 12, 3, tzinfo=UTC)


def event(seq: int, *, epoch: str = "k3f9x2m7") -> dict[str, Any]:
    return {
        "id": f"{epoch}-{seq}",
        "type": "checkpoint.door.v1",
        "subject": "door/gate-1",
        "time": "2026-03-17T22:12:02.500Z",
        "data": {"position": "open"},
    }


def test_everything_arrived_once() -> None:
    account = Account()
    for seq in (1, 3, 2):
        assert account.arrive(event(seq), AT)
    summary = account.settle(epoch="k3f9x2m7", recorded=3, seconds=1, outage_s=0)
    assert (summary.recorded, summary.received, summary.missing, summary.duplicates) == (3, 3, 0, 0)
    assert summary.by_kind == {"door": 3}


def test_what_is_missing_is_counted_even_when_other_events_came_twice() -> None:
    account = Account()
    account.arrive(event(1), AT)
    assert account.arrive(event(1), AT) is None
    account.arrive(event(7, epoch="other"), AT)
    summary = account.settle(epoch="k3f9x2m7", recorded=2, seconds=1, outage_s=0)
    assert (summary.received, summary.missing, summary.duplicates) == (1, 1, 1)


def test_the_delay_is_from_the_event_to_its_arrival() -> None:
    arrival = Account().arrive(event(1), AT + timedelta(seconds=1))
    assert arrival is not None
    assert arrival.delay_s == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        (
            "scan",
            {"class": "resident", "verdict": "valid", "token": "abcdefghijk"},
            "resident valid, token abcdefgh…",
        ),
        (
            "temperature",
            {"celsius": 36.44, "kind": "surface", "quality": "ok"},
            "36.4 °C surface, ok",
        ),
        ("door", {"position": "unknown"}, "unknown"),
        ("device", {"state": "lost", "reason": "unplugged"}, "lost: unplugged"),
        (
            "passage",
            {"decision": "denied", "class": "resident", "reason": "expired", "took_ms": 31},
            "denied resident, expired, after 31 ms",
        ),
        (
            "passage",
            {"decision": "granted", "class": "staff", "taken": True, "took_ms": 31},
            "granted staff: went through",
        ),
        ("later", {}, ""),
    ],
)
def test_each_kind_is_put_into_words(kind: str, data: dict[str, Any], words: str) -> None:
    assert words in describe(kind, data)


def test_the_screen_shows_arrivals_counts_and_link() -> None:
    account = Account()
    account.arrive(event(1), AT)
    picture = Health(
        gateway="g",
        epoch="k3f9x2m7",
        clock=ClockHealth(quality=TimeQuality.SYNC),
        devices={"gate-camera": DeviceHealth(state=None, reason=None)},
        journal=JournalHealth(recorded=12, in_flight=1, confirmed=7, waiting=5),
        link=LinkHealth(online=False, reason="connection refused"),
    )
    view = View(12.0, "the broker is away", picture, account)
    console = Console(width=100, height=30, record=True, file=None, force_terminal=False)
    with console.capture():
        console.print(render(view, height=30))
    with console.capture() as captured:
        console.print(render(view, height=30))
    screen = captured.get()
    for words in ("door/gate-1", "waiting", "offline", "connection refused", "gate-camera"):
        assert words in screen
    assert "12 recorded" in gauges_line(view)


def test_the_summary_says_when_something_is_missing() -> None:
    account = Account()
    console = Console(width=80, force_terminal=False)
    with console.capture() as captured:
        show_summary(console, account.settle(epoch="e", recorded=2, seconds=3, outage_s=10))
    assert "EVENTS ARE MISSING" in captured.get()
