"""Which of the gate's own events is which, whenever and however often it is decided."""

from gateway.events import (
    AlarmData,
    Data,
    DutyData,
    InspectionData,
    Kind,
    PassageData,
    ReportData,
)

Identity = tuple[Kind, str, str | None, str]
"""Kind, subject, correlation, and what tells events apart that share these."""


def identity(kind: Kind, subject: str, correlation: str | None, data: Data) -> Identity:
    """Two events with the same identity say the same thing: only the first counts."""
    match data:
        case PassageData(taken=None):
            which = "decided"
        case PassageData():
            which = "ended"
        case AlarmData():
            which = f"{data.alarm} {data.state} {data.reminder}"
        case DutyData():
            which = f"{data.post} {data.act} {data.shift}"
        case InspectionData():
            which = f"{data.day} {data.slot} {data.post}"
        case ReportData():
            which = f"{data.period} {data.name}"
        case _:
            which = ""
    return kind, subject, correlation, which
