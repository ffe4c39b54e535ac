"""Any Modbus thermometer by its map; the built-in profiles against pymodbus's server on a pty."""

import math
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers import modbus_io
from drivers.base import (
    DeviceError,
    DeviceObserved,
    DeviceState,
    DoorObserved,
    Position,
    Quality,
    TemperatureMeasured,
)
from drivers.emulators.modbus_board import ModbusBoard
from drivers.emulators.modbus_thermometer import CALEX, OMEGA, ModbusThermometer
from drivers.emulators.party import PartyLine
from drivers.modbus_thermometer import PROFILES, Config, Driver, Number, StatusMap, ValueMap
from drivers.wire.modbus import Finder, Function, Request, registers
from tests.collecting import Collector
from tests.drivers.rigs import ASKED
from tests.drivers.running import running

EVERY = {"measuring": {"report": "every", "every_s": 0.0}}
FLOAT = {"object": 4, "ambient": 8, "status": 10}


def config(link: Path, **options: object) -> Config:
    return Config.model_validate({"driver": "modbus_thermometer", "port": link} | ASKED | options)


def driver(link: Path, **options: object) -> Driver:
    return Driver("thermo", config(link, **options))


class TestMaps:
    @pytest.mark.parametrize(
        ("number", "words", "celsius"),
        [
            ("int16", [0x014B], 33.1),
            ("int16", [0xFFCE], -5.0),
            ("uint16", [0xFFCE], 6548.6),
            ("int32", [0x0000, 0x014B], 33.1),
            ("int32", [0xFFFF, 0xFFCE], -5.0),
            ("uint32", [0x0001, 0x0000], 6553.6),
            ("float32", list(struct.unpack(">HH", struct.pack(">f", 366.0))), 36.6),
        ],
    )
    def test_every_kind_of_number_in_both_orders(
        self, number: Number, words: list[int], celsius: float
    ) -> None:
        high = ValueMap(at_register=0, number=number)
        low = ValueMap(at_register=0, number=number, first_word="low")

        assert high.celsius(words) == celsius
        assert low.celsius(words[::-1]) == celsius
        assert high.count == len(words)

    @pytest.mark.parametrize(
        ("step", "word", "celsius"), [(0.01, 3660, 36.6), (0.02, 1830, 36.6), (1, 37, 37.0)]
    )
    def test_steps_leave_no_binary_dust(self, step: float, word: int, celsius: float) -> None:
        assert ValueMap(at_register=0, step_celsius=step).celsius([word]) == celsius

    @given(st.sampled_from(["int32", "uint32", "float32"]), *[st.integers(0, 0xFFFF)] * 2)
    @settings(deadline=None)
    def test_any_words_are_a_number_or_none(self, number: Number, one: int, other: int) -> None:
        celsius = ValueMap(at_register=0, number=number).celsius([one, other])

        assert isinstance(celsius, float)
        assert number == "float32" or math.isfinite(celsius)

    def test_the_lowest_bit_within_the_mask_is_the_reason(self) -> None:
        status = StatusMap(at_register=0, mask=0x0E, names=("a", "b", "c"))

        assert [status.fault(word) for word in (0, 1, 2, 4, 6, 8, 0xF1)] == [
            None,
            None,
            "b",
            "c",
            "b",
            "status-bit-3",
            None,
        ]

    @pytest.mark.parametrize(
        ("register", "request_"),
        [(0x12, "01 04 00 12 00 01 91 CF"), (0x0E, "01 04 00 0E 00 01 50 09")],
    )
    def test_documented_frames(self, register: int, request_: str) -> None:
        request = Request(1, Function.READ_INPUT_REGISTERS, register, 1)
        answer = Finder(request).feed(bytes.fromhex("01 04 02 01 4B F8 97"))

        assert request.to_bytes() == bytes.fromhex(request_)
        assert answer is not None
        assert ValueMap(at_register=register).celsius(registers(answer)) == 33.1

    def test_the_profiles_are_those_of_the_manuals(self) -> None:
        where = {
            name: (profile.hold, profile.object.at_register, profile.status.at_register)
            for name, profile in PROFILES.items()
        }

        assert where == {"calex": (0x0C, 0x13, 0x15), "omega": (0x08, 0x0F, 0x11)}

    @pytest.mark.parametrize(
        ("options", "complaint"),
        [
            ({}, "profile is missing"),
            ({"profile": "calex", "object": {"at_register": 1}}, "leave out object, ambient and"),
            ({"profile": "calex", "valid_celsius": (9, 1)}, "9.0 is not below 1.0"),
            ({"profile": "calex", "period_ms": 2000}, "silence_s: 2 is too short"),
            ({"profile": "calex", "period_ms": 1000}, "window: 5 samples take 4 seconds"),
        ],
    )
    def test_mistakes_are_named(
        self, link: Path, options: dict[str, object], complaint: str
    ) -> None:
        with pytest.raises(ValidationError, match=complaint):
            config(link, **options)


@pytest.mark.usefixtures("no_descriptor_leaks")
class TestDriver:
    @pytest.mark.parametrize(
        ("profile", "layout", "kind"), [("calex", CALEX, 22), ("omega", OMEGA, 16)]
    )
    async def test_the_profiles(
        self, link: Path, profile: str, layout: dict[str, int], kind: int
    ) -> None:
        readings = Collector()
        async with ModbusThermometer(link, layout, kind=kind) as sensor:
            await sensor.show(object=36.6, ambient=-3.0)
            async with running(driver(link, profile=profile, **EVERY), readings):
                reading = await readings.wait_for(TemperatureMeasured)

        assert isinstance(reading, TemperatureMeasured)
        assert (reading.celsius, reading.ambient_celsius) == (36.6, -3.0)
        assert reading.quality is Quality.OK

    async def test_any_other_sensor_by_its_map(self, link: Path) -> None:
        readings = Collector()
        tables = {
            "object": {
                "at_register": 4,
                "number": "float32",
                "first_word": "low",
                "step_celsius": 1,
            },
            "ambient": {"at_register": 8, "step_celsius": 0.5},
            "status": {"at_register": 10, "mask": 1, "names": ["lens-dirty"]},
        }
        async with ModbusThermometer(link, FLOAT, address=9) as sensor:
            await sensor.put("object", *reversed(struct.unpack(">HH", struct.pack(">f", 36.75))))
            await sensor.put("ambient", 44)
            async with running(driver(link, address=9, **tables, **EVERY), readings):
                good = await readings.wait_for(TemperatureMeasured)
                await sensor.put("status", 3)
                bad = await readings.wait_for(
                    lambda each: isinstance(each, TemperatureMeasured) and each.reason is not None
                )

        assert isinstance(good, TemperatureMeasured)
        assert (good.celsius, good.ambient_celsius, good.quality) == (36.75, 22.0, Quality.OK)
        assert isinstance(bad, TemperatureMeasured)
        assert (bad.celsius, bad.quality, bad.reason) == (36.75, Quality.INVALID, "lens-dirty")

    async def test_a_lasting_status_is_told_of_the_device(self, link: Path) -> None:
        readings = Collector()
        degraded = DeviceObserved(DeviceState.DEGRADED, "sensor-hot", measured=22.6)
        async with (
            ModbusThermometer(link) as sensor,
            running(driver(link, profile="calex"), readings),
        ):
            await readings.wait_for(DeviceObserved(DeviceState.ONLINE).__eq__)
            await sensor.put("status", 0b100)
            seen = readings.readings.index(await readings.wait_for(degraded.__eq__))
            await sensor.put("status", 0)
            await readings.wait_for(DeviceObserved(DeviceState.ONLINE).__eq__, after=seen)

    async def test_a_value_that_the_sensor_cannot_measure_is_invalid(self, link: Path) -> None:
        readings = Collector()
        async with ModbusThermometer(link) as sensor:
            await sensor.show(object=36.6)
            thermometer = driver(link, profile="calex", valid_celsius=(-20.0, 30.0), **EVERY)
            async with running(thermometer, readings):
                reading = await readings.wait_for(TemperatureMeasured)

        assert isinstance(reading, TemperatureMeasured)
        assert (reading.celsius, reading.quality, reading.reason) == (
            36.6,
            Quality.INVALID,
            "out-of-range",
        )

    async def test_another_sensor_than_the_profiles_is_refused(self, link: Path) -> None:
        async with ModbusThermometer(link, kind=16):
            with pytest.raises(DeviceError, match="is no Calex PyroUSB: its sensor type is 16"):
                await driver(link, profile="calex").run(Collector())

    async def test_a_sensor_that_holds_peaks_is_refused(self, link: Path) -> None:
        async with ModbusThermometer(link, hold=1):
            with pytest.raises(DeviceError, match=r"holds a former temperature \(register 0x0C is"):
                await driver(link, profile="calex").run(Collector())

    async def test_no_number_at_all_is_said(self, link: Path) -> None:
        table = {"at_register": 4, "number": "float32"}
        async with ModbusThermometer(link, FLOAT) as sensor:
            await sensor.put("object", 0x7FC0, 0)
            with pytest.raises(DeviceError, match="has no number in register 0x0004"):
                await driver(link, object=table).run(Collector())

    async def test_it_shares_its_line_with_a_board(self, link: Path) -> None:
        readings, doors = Collector(), Collector()
        stanza = {
            "driver": "modbus_io",
            "port": link,
            "doors": {"gate-1": {"input": 0, "role": "gate"}},
        }
        board_driver = modbus_io.Driver("doors", modbus_io.Config.model_validate(stanza))
        with PartyLine(link) as line:
            async with (
                ModbusBoard(line) as board,
                ModbusThermometer(line, address=2) as sensor,
                running(board_driver, doors),
                running(driver(link, profile="calex", address=2, **EVERY), readings),
            ):
                await doors.wait_for(DoorObserved)
                await sensor.show(object=36.6)
                await readings.wait_for(lambda each: getattr(each, "celsius", 0) == 36.6)
                await board.set_input(0, active=True)
                await doors.wait_for(
                    lambda each: getattr(each, "position", None) is Position.CLOSED
                )
