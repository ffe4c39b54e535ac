"""Puts the parts of the decisions together as this gate is wired and configured."""

from collections.abc import Mapping
from datetime import tzinfo

from msgspec import Raw

from gateway.checkpoint.alarms import Alarms, AlarmsState
from gateway.checkpoint.announcements import Announcements
from gateway.checkpoint.calendar import minute_of
from gateway.checkpoint.checkpoint import restored
from gateway.checkpoint.door import DoorFacts, DoorSettings
from gateway.checkpoint.doors import Doors, DoorsState
from gateway.checkpoint.duty import Duty, DutySettings, DutyState
from gateway.checkpoint.inspections import Inspections, InspectionSettings, InspectionsState
from gateway.checkpoint.judging import Subject
from gateway.checkpoint.lanes import Lanes, LanesState
from gateway.checkpoint.machine import Machine
from gateway.checkpoint.passages import LaneSettings
from gateway.checkpoint.policy import Policy
from gateway.checkpoint.reports import Reports, ReportSettings, ReportsState
from gateway.checkpoint.rota import Rota
from gateway.config import Config
from gateway.events import Direction


def machines(
    config: Config, policy: Policy, rota: Rota, zone: tzinfo, saved: Mapping[str, Raw]
) -> dict[str, Machine]:
    """All parts of the decisions by name, with what they remembered, in the order in which they
    hear of an event."""
    remind_s = config.alarms.remind_every_s
    alarms = Alarms(remind_s, restored(AlarmsState, saved, "alarms") or AlarmsState())
    ways = Lanes(policy, lanes(config), zone, restored(LanesState, saved, "lanes"))
    return {
        "lanes": ways,
        "doors": Doors(
            doors(config),
            door_settings(config),
            alarms,
            restored(DoorsState, saved, "doors") or DoorsState(),
        ),
        "duty": Duty(
            duty(config),
            rota,
            zone,
            alarms,
            restored(DutyState, saved, "duty") or DutyState(),
            ways.overrides,
        ),
        "inspections": Inspections(
            inspections(config),
            zone,
            restored(InspectionsState, saved, "inspections") or InspectionsState(),
        ),
        "announcements": Announcements(),
        "reports": Reports(
            ReportSettings(minute_of(config.reports.at), config.reports.shifts),
            rota,
            zone,
            restored(ReportsState, saved, "reports") or ReportsState(),
        ),
        "alarms": alarms,
    }


def lanes(config: Config) -> dict[str, LaneSettings]:
    """How each lane is wired."""
    releasable = {name for device in config.devices.values() for name in device.releasable}
    return {
        name: LaneSettings(
            direction=Direction(lane.direction),
            subject=Subject(lane.subject),
            door=lane.door,
            strike=lane.door in releasable,
            asks=config.passes.resolver is not None,
            window_s=lane.window_s,
            passage_s=lane.passage_s,
        )
        for name, lane in config.lanes.items()
    }


def doors(config: Config) -> dict[str, DoorFacts]:
    """What is known of each door beforehand."""
    return {
        name: DoorFacts(
            role=role,
            lanes={
                lane: each.passage_s for lane, each in config.lanes.items() if each.door == name
            },
            strike=name in device.releasable,
            contact=name in device.contacts,
            egress=name in config.doors.egress,
        )
        for device in config.devices.values()
        for name, role in device.door_roles.items()
    }


def door_settings(config: Config) -> DoorSettings:
    """How long what may last at a door."""
    wanted = config.doors
    return DoorSettings(
        open_within_s=wanted.open_within_s,
        held_open_s=wanted.held_open_s,
        unknown_after_s=wanted.unknown_after_s,
        battery_low_percent=wanted.battery_low_percent,
        until_acknowledged=wanted.until_acknowledged,
    )


def duty(config: Config) -> DutySettings:
    """Where somebody has to be."""
    wanted = config.duty
    return DutySettings(
        posts={name: post.at for name, post in wanted.posts.items()},
        unattended_after_s=wanted.unattended_after_s,
        late_after_s=wanted.late_after_s,
        same_scan_s=wanted.same_scan_s,
        roles=frozenset(wanted.roles),
        other_roles=frozenset(config.inspections.roles),
    )


def inspections(config: Config) -> InspectionSettings:
    """When somebody has to come round."""
    wanted = config.inspections
    return InspectionSettings(
        minutes=tuple(map(minute_of, wanted.slots)),
        early_min=wanted.early_min,
        late_min=wanted.late_min,
        roles=frozenset(wanted.roles),
        places=frozenset(wanted.places),
    )
