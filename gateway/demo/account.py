"""What the demo can swear to: which recorded events arrived at the centre, and how often."""

from collections import Counter, deque
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from gateway.events import event_id


@dataclass(frozen=True, slots=True)
class Arrival:
    """One event as the centre saw it first, in words for the screen."""

    time: str
    kind: str
    place: str
    value: str
    delay_s: float


@dataclass(frozen=True, slots=True)
class Summary:
    """The result of a demo; `missing` are recorded events that the centre never received."""

    seconds: float
    recorded: int
    received: int
    missing: int
    duplicates: int
    outage_s: float
    most_waiting: int
    by_kind: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


class Account:
    """Counts every event that arrives, by its id."""

    LATEST = 200

    def __init__(self) -> None:
        self.latest: deque[Arrival] = deque(maxlen=self.LATEST)
        self.by_kind: Counter[str] = Counter()
        self.most_waiting = 0
        self._times: Counter[str] = Counter()

    @property
    def received(self) -> int:
        """Distinct events."""
        return len(self._times)

    @property
    def duplicates(self) -> int:
        """Arrivals of an event that had arrived before."""
        return self._times.total() - len(self._times)

    def arrive(self, event: dict[str, Any], at: datetime) -> Arrival | None:
        """Book `event`, received `at`; None if it had arrived before."""
        self._times[event["id"]] += 1
        if self._times[event["id"]] > 1:
            return None
        kind = event["type"].split(".")[1]
        self.by_kind[kind] += 1
        arrival = Arrival(
            time=datetime.fromisoformat(event["time"]).astimezone().strftime("%H:%M:%S"),
            kind=kind,
            place=event["subject"],
            value=describe(kind, event["data"]),
            delay_s=(at - datetime.fromisoformat(event["time"])).total_seconds(),
        )
        self.latest.append(arrival)
        return arrival

    def waiting(self, count: int) -> None:
        """Remember the longest queue seen."""
        self.most_waiting = max(self.most_waiting, count)

    def settle(self, *, epoch: str, recorded: int, seconds: float, outage_s: float) -> Summary:
        """Compare what arrived with the journal, which holds 1…`recorded` of `epoch`."""
        arrived = sum(event_id(epoch, seq) in self._times for seq in range(1, recorded + 1))
        return Summary(
            seconds=round(seconds, 1),
            recorded=recorded,
            received=arrived,
            missing=recorded - arrived,
            duplicates=self.duplicates,
            outage_s=round(outage_s, 1),
            most_waiting=self.most_waiting,
            by_kind=dict(sorted(self.by_kind.items())),
        )


def describe(kind: str, data: dict[str, Any]) -> str:
    """The gist of an event's data in a few words."""
    match kind:
        case "scan":
            return f"{data['class']} {data['verdict']}, token {data['token'][:8]}…"
        case "temperature":
            reason = f" ({data['reason']})" if data.get("reason") else ""
            return f"{data['celsius']:.1f} °C {data['kind']}, {data['quality']}{reason}"
        case "door":
            return str(data["position"])
        case "passage":
            return _passage(data)
        case "device":
            return f"{data['state']}: {data['reason']}" if data.get("reason") else data["state"]
        case "document":
            return f"{data['name']} {data['version']} {data['state']}"
        case _:
            return ""


def _passage(data: dict[str, Any]) -> str:
    """Who may pass, and who has gone through."""
    who = f"{data['decision']} {data.get('class', 'nobody known')}"
    if "taken" in data:
        return f"{who}: {'went through' if data['taken'] else 'did not go through'}"
    reason = f", {data['reason']}" if data.get("reason") else ""
    return f"{who}{reason}, after {data['took_ms']} ms"
