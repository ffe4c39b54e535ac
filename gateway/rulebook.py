"""The rules in force, as the decisions need them: what the configuration and documents come to."""

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from msgspec import Raw

from gateway.assessor import Grounds
from gateway.checkpoint.alarms import Alarms, AlarmsState
from gateway.checkpoint.checkpoint import Checkpoint, restored
from gateway.checkpoint.door import DoorFacts, DoorSettings
from gateway.checkpoint.doors import Doors, DoorsState
from gateway.checkpoint.judging import Subject
from gateway.checkpoint.lanes import Lanes, LanesState
from gateway.checkpoint.passages import LaneSettings
from gateway.checkpoint.policy import Policy
from gateway.config import Config
from gateway.events import Direction


@dataclass(frozen=True, slots=True)
class Rulebook:
    """One edition of the rules; another one takes its place as a whole."""

    config: Config
    policy: Policy

    def grounds(self) -> Grounds:
        """What is judged by them when it is recorded."""
        return Grounds(self.policy)

    def build(self, saved: Mapping[str, Raw]) -> Checkpoint:
        """The decisions by these rules, with what their parts remembered."""
        config, zone = self.config, ZoneInfo(self.config.gateway.timezone)
        alarms = Alarms(
            config.alarms.remind_every_s, restored(AlarmsState, saved, "alarms") or AlarmsState()
        )
        settings = DoorSettings(
            open_within_s=config.doors.open_within_s,
            held_open_s=config.doors.held_open_s,
            unknown_after_s=config.doors.unknown_after_s,
            battery_low_percent=config.doors.battery_low_percent,
            until_acknowledged=config.doors.until_acknowledged,
        )
        doors = restored(DoorsState, saved, "doors") or DoorsState()
        lanes = restored(LanesState, saved, "lanes")
        return Checkpoint(
            {
                "lanes": Lanes(self.policy, lane_settings(config), zone, lanes),
                "doors": Doors(door_facts(config), settings, alarms, doors),
                "alarms": alarms,
            }
        )


def lane_settings(config: Config) -> dict[str, LaneSettings]:
    """How each lane is wired."""
    releasable = {name for device in config.devices.values() for name in device.releasable}
    return {
        name: LaneSettings(
            direction=Direction(lane.direction),
            subject=Subject(lane.subject),
            door=lane.door,
            strike=lane.door in releasable,
            window_s=lane.window_s,
            passage_s=lane.passage_s,
        )
        for name, lane in config.lanes.items()
    }


def door_facts(config: Config) -> dict[str, DoorFacts]:
    """What is known of each door beforehand."""
    return {
        name: DoorFacts(
            role=role,
            lanes=tuple(lane for lane, each in config.lanes.items() if each.door == name),
            strike=name in device.releasable,
            contact=name in device.contacts,
            egress=name in config.doors.egress,
        )
        for device in config.devices.values()
        for name, role in device.door_roles.items()
    }
