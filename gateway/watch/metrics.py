"""The picture as Prometheus reads it, named as prometheus.io/docs/practices/naming wants.

What is a label is bounded by the configuration or by a protocol: devices, states, reason codes. How
long ago something was is told as such and not as a time: the clock of a gate may be wrong.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from drivers.base import DeviceState
from gateway.clock import TimeQuality
from gateway.health import Health, Moment
from gateway.watch.findings import Level, findings, healthy
from gateway.web import Response

_PREFIX: Final = "checkpoint_gateway_"
_UNHEARD: Final = "unheard"

Value = Callable[[Health], float | None]

_GAUGES: Final[tuple[tuple[str, str, Value], ...]] = (
    ("events_waiting", "Events not confirmed yet.", lambda s: s.journal.waiting),
    ("events_in_flight", "Events sent and not answered yet.", lambda s: s.journal.in_flight),
    ("events_held", "Events kept in memory while the disk fails.", lambda s: s.journal.held),
    (
        "events_carried",
        "Events saved from damaged journals and not delivered yet.",
        lambda s: s.journal.carried,
    ),
    ("events_set_aside", "Events that no broker would take.", lambda s: s.link.set_aside),
    (
        "oldest_waiting_age_seconds",
        "How long the oldest waiting event has been waiting.",
        lambda s: _age(s.journal.oldest_waiting),
    ),
    ("journal_failing", "1 while nothing can be recorded.", lambda s: bool(s.journal.failing)),
    ("journal_size_bytes", "What the journal takes.", lambda s: s.journal.taken_bytes),
    ("journal_limit_bytes", "What the journal may take.", lambda s: s.journal.most_bytes),
    ("disk_free_bytes", "What its disk has left.", lambda s: s.journal.left_bytes),
    ("link_up", "1 while connected to the broker.", lambda s: s.link.online),
    (
        "link_age_seconds",
        "For how long the link has been up or down.",
        lambda s: _age(s.link.since),
    ),
    (
        "last_confirmed_age_seconds",
        "How long ago an event was last confirmed.",
        lambda s: _age(s.link.last_confirmed),
    ),
    ("box_uptime_seconds", "How long the box has been on.", lambda s: _age(s.clock.booted)),
    ("box_temperature_celsius", "Of its hottest sensor.", lambda s: s.box.celsius),
    (
        "box_undervoltage",
        "1 while the power supply is too weak.",
        lambda s: s.box.undervoltage,
    ),
    ("box_throttled", "1 while the processor is held back.", lambda s: s.box.throttled),
    ("box_memory_size_bytes", "Memory of the box.", lambda s: s.box.memory_bytes),
    (
        "box_memory_available_bytes",
        "Memory that is left.",
        lambda s: s.box.memory_available_bytes,
    ),
    ("box_load1", "Tasks that want to run, mean of a minute.", lambda s: s.box.load),
    (
        "box_disk_worn_ratio",
        "Share of its life that the disk has behind it.",
        lambda s: None if s.box.disk_worn_percent is None else s.box.disk_worn_percent / 100,
    ),
)
_COUNTERS: Final[tuple[tuple[str, str, Value], ...]] = (
    ("events_recorded", "Events of this life of the journal.", lambda s: s.journal.recorded),
    ("events_confirmed", "Events of it that are delivered.", lambda s: s.journal.confirmed),
    ("events_lost", "Events that memory had no room for.", lambda s: s.journal.lost),
    ("events_damaged", "Events that can no longer be read.", lambda s: s.journal.damaged),
    (
        "box_disk_written_bytes",
        "Written to the disk since the box was switched on.",
        lambda s: s.box.disk_written_bytes,
    ),
)


class _Exposition(Collector):
    def __init__(self, seen: Health) -> None:
        self._seen = seen

    def collect(self) -> Iterable[Metric]:
        yield from _plain(self._seen)
        yield from _verdict(self._seen)
        yield from _devices(self._seen)
        yield from _link(self._seen)
        yield from _process(self._seen)


def exposed(seen: Health, accept: str) -> Response:
    """All metrics, in the form that whoever scrapes them wants most."""
    encode, content_type = choose_encoder(accept)
    return Response(encode(_Exposition(seen)), content_type)


def _plain(seen: Health) -> Iterator[Metric]:
    for family, table in ((GaugeMetricFamily, _GAUGES), (CounterMetricFamily, _COUNTERS)):
        for name, meaning, value in table:
            if (figure := value(seen)) is not None:
                yield family(_PREFIX + name, meaning, value=float(figure))


def _verdict(seen: Health) -> Iterator[Metric]:
    yield InfoMetricFamily(
        _PREFIX.rstrip("_"),
        "What is running.",
        {
            "gateway": seen.gateway,
            "software": seen.versions.software,
            "contract": seen.versions.contract,
            "configuration": seen.configuration.version or "",
        },
    )
    found = findings(seen)
    yield GaugeMetricFamily(
        f"{_PREFIX}healthy", "1 while nobody needs to see to this gate.", value=healthy(found)
    )
    yield _labelled(
        "findings",
        "What is wrong, by how bad it is.",
        ("level",),
        (((level,), sum(each.level is level for each in found)) for level in Level),
    )
    yield _labelled(
        "clock_quality",
        "1 for how far the time can be trusted.",
        ("quality",),
        (((each,), each is seen.clock.quality) for each in TimeQuality),
    )


def _devices(seen: Health) -> Iterator[Metric]:
    devices = seen.devices.items()
    yield _labelled(
        "device_state",
        "1 for the state that the device is in.",
        ("device", "driver", "state"),
        (
            ((name, device.driver, state), state == (device.state or _UNHEARD))
            for name, device in devices
            for state in (*DeviceState, _UNHEARD)
        ),
    )
    yield _labelled(
        "device_last_reading_age_seconds",
        "How long ago the device said something about somebody or something else than itself.",
        ("device",),
        (((name,), device.last.at.age_s) for name, device in devices if device.last),
    )
    troubles = CounterMetricFamily(
        f"{_PREFIX}device_troubles",
        "What the driver met besides good frames, and how often it came back.",
        labels=("device", "trouble"),
    )
    for name, device in devices:
        for trouble, number in device.counted.items():
            troubles.add_metric((name, trouble), number)
    yield troubles


def _link(seen: Health) -> Iterator[Metric]:
    refused = CounterMetricFamily(
        f"{_PREFIX}messages_refused",
        "Messages that the broker did not accept, by MQTT reason code.",
        labels=("reason",),
    )
    for code, number in seen.link.refused.items():
        refused.add_metric((code,), number)
    yield refused
    yield _labelled(
        "alarm_raised",
        "1 for each alarm of the gateway itself that stands.",
        ("alarm",),
        (((name,), 1.0) for name in seen.link.alarms),
    )


def _process(seen: Health) -> Iterator[Metric]:
    """Under the names that every Prometheus client gives them."""
    process = seen.process
    yield CounterMetricFamily(
        "process_cpu_seconds", "User and system CPU time spent.", value=process.cpu_s
    )
    for name, meaning, figure in (
        ("process_resident_memory_bytes", "Resident memory size.", process.memory_bytes),
        ("process_open_fds", "Number of open file descriptors.", process.descriptors),
    ):
        if figure is not None:
            yield GaugeMetricFamily(name, meaning, value=figure)


def _labelled(
    name: str,
    meaning: str,
    labels: tuple[str, ...],
    values: Iterable[tuple[tuple[str, ...], float]],
) -> Metric:
    family = GaugeMetricFamily(_PREFIX + name, meaning, labels=labels)
    for named, value in values:
        family.add_metric(named, float(value))
    return family


def _age(moment: Moment | None) -> float | None:
    return moment.age_s if moment else None
