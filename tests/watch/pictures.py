"""Pictures of gates: one at which all is well, and what can be wrong with it."""

from drivers.base import DeviceState, Position
from gateway.clock import TimeQuality
from gateway.health import (
    BoxHealth,
    ClockHealth,
    ConfigurationHealth,
    DeviceHealth,
    Health,
    JournalHealth,
    LastReading,
    LinkHealth,
    Moment,
    ProcessHealth,
    Versions,
)


def ago(age_s: float) -> Moment:
    """So long before the time of these pictures."""
    return Moment(time="2026-03-18T06:12:03.412Z", age_s=age_s)


CAMERA = DeviceHealth(
    driver="camera",
    lane="in-1",
    state=DeviceState.ONLINE,
    reason=None,
    since=ago(90_000),
    last=LastReading(kind="code", at=ago(12)),
)
THERMOMETER = DeviceHealth(
    driver="gy_mcu906",
    lane="in-1",
    state=DeviceState.ONLINE,
    reason=None,
    since=ago(90_000),
    last=LastReading(kind="temperature", at=ago(11), ambient_celsius=21.4),
    counted={"bad_checksum": 3, "reconnect": 1},
)
DOORS = DeviceHealth(
    driver="modbus_io",
    state=DeviceState.ONLINE,
    reason=None,
    since=ago(90_000),
    last=LastReading(kind="door", at=ago(190), door="gate-1", position=Position.CLOSED),
)

WELL = Health(
    gateway="410102011003007",
    epoch="k3f9x2m7",
    clock=ClockHealth(
        quality=TimeQuality.SYNC,
        time="2026-03-18T06:12:03.412Z",
        floor="2026-03-18T06:00:00.000Z",
        booted=ago(1_000_000),
    ),
    devices={"camera-in": CAMERA, "thermometer-in": THERMOMETER, "doors": DOORS},
    journal=JournalHealth(
        recorded=1_204_331,
        in_flight=0,
        confirmed=1_204_331,
        waiting=0,
        check="sound",
        taken_bytes=612_000_000,
        most_bytes=2_000_000_000,
        left_bytes=21_400_000_000,
    ),
    link=LinkHealth(online=True, reason=None, since=ago(40_000), last_confirmed=ago(11)),
    box=BoxHealth(
        celsius=52.1,
        undervoltage=False,
        undervoltage_since_boot=False,
        throttled=False,
        memory_bytes=1_939_234_816,
        memory_available_bytes=1_242_275_840,
        load=0.31,
        disk_written_bytes=4_210_000_000,
        disk_worn_percent=10,
    ),
    process=ProcessHealth(
        started=ago(90_010), memory_bytes=57_100_000, cpu_s=812.5, descriptors=23
    ),
    versions=Versions(software="0.1.0", contract="cg1"),
    configuration=ConfigurationHealth(version="9f2c61d0a4be"),
)

_LOST = CAMERA.model_copy(
    update={
        "state": DeviceState.LOST,
        "reason": "http://192.168.1.20/stream.mjpg cannot be reached: no route to host",
        "since": ago(300),
        "last": LastReading(kind="code", at=ago(310)),
    }
)
TROUBLED = WELL.model_copy(
    update={
        "devices": {"camera-in": _LOST, "thermometer-in": THERMOMETER, "doors": DOORS},
        "link": WELL.link.model_copy(
            update={"online": False, "reason": "the connection was lost", "since": ago(400)}
        ),
        "journal": WELL.journal.model_copy(
            update={"waiting": 812, "confirmed": 1_203_519, "oldest_waiting": ago(401)}
        ),
        "clock": WELL.clock.model_copy(update={"quality": TimeQuality.UNSYNC}),
    }
)
"""A camera is gone, the link is down, the clock is not set."""
