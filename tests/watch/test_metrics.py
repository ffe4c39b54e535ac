"""The metrics: understood by Prometheus's own parser, named as its conventions want, bounded."""

import json
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parsed_open
from prometheus_client.parser import text_string_to_metric_families as parsed_plain

from drivers.base import DeviceState
from gateway.health import Health
from gateway.watch.metrics import exposed
from tests.watch.pictures import TROUBLED, WELL

DASHBOARD = Path(__file__).parents[2] / "config" / "grafana-dashboard.json"
BASE_UNITS = ("seconds", "bytes", "celsius", "ratio")
NO_BASE_UNIT = re.compile(
    r"_(ms|milliseconds|minutes|hours|days|kb|mb|gb|kilobytes|megabytes|percent|fahrenheit)(_|$)"
)


def families(seen: Health) -> list[Metric]:
    body = exposed(seen, "").body
    assert isinstance(body, bytes)
    return list(parsed_plain(body.decode()))


def samples(seen: Health) -> dict[tuple[str, ...], float]:
    """By name and the values of the labels, in the order of the labels' names."""
    return {
        (each.name, *(value for _, value in sorted(each.labels.items()))): each.value
        for family in families(seen)
        for each in family.samples
    }


@pytest.mark.parametrize("seen", [WELL, TROUBLED])
def test_names_units_and_meanings_follow_the_conventions(seen: Health) -> None:
    """The rules of `promtool check metrics`."""
    for family in families(seen):
        name = family.name
        assert re.fullmatch(r"(checkpoint_gateway|process)(_[a-z0-9]+)*", name), name
        assert family.documentation.endswith("."), name
        assert not NO_BASE_UNIT.search(name), name
        assert family.type in ("gauge", "counter"), name
        assert not name.endswith("_total"), "the parser takes it from a counter's name"
        for unit in BASE_UNITS:
            assert unit not in name or name.endswith(unit), f"{name}: the unit comes last"
        for sample in family.samples:
            assert sample.name.endswith("_total") is (family.type == "counter"), sample.name
            assert all(re.fullmatch("[a-z]+", label) for label in sample.labels), sample


def test_as_openmetrics() -> None:
    answer = exposed(WELL, "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert answer.content_type.startswith("application/openmetrics-text")
    assert isinstance(answer.body, bytes)
    assert list(parsed_open(answer.body.decode()))  # type: ignore[no-untyped-call]


def test_what_they_say() -> None:
    found = samples(TROUBLED)
    assert found["checkpoint_gateway_healthy",] == 0
    assert found["checkpoint_gateway_findings", "fault"] == 1
    assert found["checkpoint_gateway_findings", "warning"] == 2
    assert found["checkpoint_gateway_events_recorded_total",] == 1_204_331
    assert found["checkpoint_gateway_events_waiting",] == 812
    assert found["checkpoint_gateway_oldest_waiting_age_seconds",] == 401
    assert found["checkpoint_gateway_link_up",] == 0
    assert found["checkpoint_gateway_clock_quality", "unsync"] == 1
    assert found["checkpoint_gateway_device_state", "camera-in", "camera", "lost"] == 1
    assert found["checkpoint_gateway_device_state", "camera-in", "camera", "online"] == 0
    assert found["checkpoint_gateway_device_troubles_total", "thermometer-in", "bad_checksum"] == 3
    assert found["checkpoint_gateway_box_temperature_celsius",] == 52.1
    assert found["checkpoint_gateway_box_disk_worn_ratio",] == 0.1
    assert found["process_open_fds",] == 23
    info = ("checkpoint_gateway_info", "9f2c61d0a4be", "cg1", WELL.gateway, "0.1.0")
    assert found[info] == 1


def test_what_is_not_known_is_left_out() -> None:
    untold = WELL.model_copy(update={"box": type(WELL.box)()})
    names = {name for name, *_ in samples(untold)}
    assert not {name for name in names if name.startswith("checkpoint_gateway_box_")} - {
        "checkpoint_gateway_box_uptime_seconds"
    }


def test_no_label_holds_a_free_text() -> None:
    """A reason differs each time, and each would be a series that stays for ever."""
    reasons = [device.reason for device in TROUBLED.devices.values()] + [TROUBLED.link.reason]
    body = exposed(TROUBLED, "").body
    assert isinstance(body, bytes)
    assert [each for each in reasons if each and each in body.decode()] == []


def test_every_state_of_a_device_has_its_series() -> None:
    states = {key[3] for key in samples(WELL) if key[0] == "checkpoint_gateway_device_state"}
    assert states == {*DeviceState, "unheard"}


def expressions(panel: dict[str, object]) -> Iterable[str]:
    for target in panel.get("targets", []):  # type: ignore[attr-defined]
        yield target["expr"]


def test_the_dashboard_asks_for_nothing_that_is_not_there() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    loud = TROUBLED.model_copy(
        update={
            "link": TROUBLED.link.model_copy(
                update={"refused": {"0x10": 1}, "alarms": {"uplink-denied": "why"}}
            )
        }
    )
    there = {name for name, *_ in samples(loud)}
    asked = {
        name
        for panel in dashboard["panels"]
        for expression in expressions(panel)
        for name in re.findall(r"\b(?:checkpoint_gateway|process)_[a-z0-9_]+", expression)
    }
    assert len(asked) > 10
    assert asked - there == set()
    assert all(panel["targets"] for panel in dashboard["panels"] if panel["type"] != "row")
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
