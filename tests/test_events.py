"""The envelope is CloudEvents as the contract writes it, and no content of a code gets into it."""

import hmac
import json
from base64 import b32encode
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import (
    CodeScanned,
    DeviceObserved,
    DeviceState,
    DoorObserved,
    Lock,
    Position,
    Quality,
    Reading,
    Role,
    Surface,
    TemperatureMeasured,
)
from gateway.clock import Stamp, TimeQuality
from gateway.events import (
    AlarmData,
    AlarmState,
    Check,
    Class,
    CommandData,
    Data,
    Decision,
    DeviceData,
    Direction,
    DocumentData,
    DocumentState,
    DoorData,
    Draft,
    DutyAct,
    DutyData,
    Fever,
    GapData,
    GapReason,
    InspectionData,
    Kind,
    Observation,
    Origin,
    PassageData,
    Period,
    Pseudonyms,
    ReportData,
    ScanData,
    SlotState,
    TemperatureData,
    Unjudged,
    Verdict,
    alarm,
    decode,
    draft,
    encode,
    new_correlation,
)
from gateway.statements import BirthState, EndState, encode_state

SOURCE = "/gateways/410102011003007"
STAMP = Stamp(1_773_785_523_412, TimeQuality.SYNC, "boot", 7)
PSEUDONYMS = Pseudonyms(b"k" * 32)


def encoded(reading: Reading, *, lane: str | None = "in-1", seq: int = 18345) -> bytes:
    observation = Observation(Origin("dev-1", "camera", lane), STAMP, reading)
    return encode(
        draft(observation, Unjudged(PSEUDONYMS)),
        source=SOURCE,
        epoch="k3f9x2m7",
        seq=seq,
        recorded_ms=1_773_785_523_450,
    )


def test_a_temperature_in_full() -> None:
    reading = TemperatureMeasured(36.4, 36.4, Surface.SURFACE, ambient_celsius=24.1, samples=7)
    assert json.loads(encoded(reading)) == {
        "specversion": "1.0",
        "id": "k3f9x2m7-18345",
        "source": SOURCE,
        "type": "checkpoint.temperature.v1",
        "subject": "lane/in-1",
        "time": "2026-03-17T22:12:03.412Z",
        "recordedtime": "2026-03-17T22:12:03.450Z",
        "sequence": "000000018345",
        "clock": "sync",
        "data": {
            "device": "dev-1",
            "lane": "in-1",
            "celsius": 36.4,
            "raw_celsius": 36.4,
            "kind": "surface",
            "quality": "ok",
            "ambient_celsius": 24.1,
            "samples": 7,
        },
    }


def test_a_door_in_full() -> None:
    reading = DoorObserved(
        "gate-1",
        Role.GATE,
        Position.CLOSED,
        Lock.LOCKED,
        tamper=False,
        commanded=Lock.UNLOCKED,
        battery_percent=17.5,
    )
    assert json.loads(encoded(reading))["data"] == {
        "device": "dev-1",
        "door": "gate-1",
        "role": "gate",
        "position": "closed",
        "lock": "locked",
        "commanded": "unlocked",
        "tamper": False,
        "battery": 17.5,
    }


def test_an_alarm_and_its_end_share_their_correlation() -> None:
    trouble = new_correlation()
    for seq, state in enumerate((AlarmState.RAISED, AlarmState.CLEARED), 1):
        event = alarm("disk-full", state, None, "journal", STAMP, trouble)
        content = json.loads(encode(event, source=SOURCE, epoch="k", seq=seq, recorded_ms=0))
        assert content["correlationid"] == trouble
        assert content["data"] == {"alarm": "disk-full", "state": state}
    assert new_correlation() != trouble


@pytest.mark.parametrize(
    ("reading", "kind", "subject"),
    [
        (CodeScanned(b"x", "QR", "camera", 2.0), "scan", "lane/in-1"),
        (TemperatureMeasured(36.4, 36.4, Surface.SURFACE), "temperature", "lane/in-1"),
        (DoorObserved("gate-1", Role.GATE, Position.UNKNOWN), "door", "door/gate-1"),
        (DeviceObserved(DeviceState.LOST, "gone"), "device", "device/dev-1"),
    ],
)
def test_kind_and_subject_name_the_place(reading: Reading, kind: str, subject: str) -> None:
    event = json.loads(encoded(reading))
    assert event["type"] == f"checkpoint.{kind}.v1"
    assert event["subject"] == subject


def test_a_device_without_a_lane_is_its_own_place() -> None:
    event = json.loads(encoded(CodeScanned(b"x", "QR", "camera", 2.0), lane=None))
    assert event["subject"] == "device/dev-1"
    assert "lane" not in event["data"]


@given(st.binary(min_size=4, max_size=300))
def test_no_content_of_a_code_is_in_its_event_or_in_any_repr(payload: bytes) -> None:
    reading = CodeScanned(payload, "QR", "camera", 2.0)
    spellings: list[Callable[[bytes], str]] = [
        lambda raw: raw.decode("latin-1"),
        lambda raw: raw.decode("utf-8", "replace"),
        lambda raw: raw.hex(),
        lambda raw: repr(raw)[2:-1],
    ]
    said = encoded(reading).decode() + repr(reading)
    assert len(json.loads(encoded(reading))["data"]["token"]) == 26
    innocent = encoded(CodeScanned(b"", "QR", "camera", 2.0)).decode() + repr(reading)
    token = PSEUDONYMS.token(payload)
    for spell in spellings:
        spelt = spell(payload)
        assert spelt not in said or spelt in innocent or spelt in token


@given(st.binary())
def test_a_token_is_base32_of_the_first_half_of_the_hmac(payload: bytes) -> None:
    digest = hmac.digest(b"k" * 32, payload, "sha256")
    assert PSEUDONYMS.token(payload) == b32encode(digest[:16]).decode().rstrip("=").lower()


def test_tokens_are_stable_per_key_and_differ_between_keys() -> None:
    other = Pseudonyms(Pseudonyms.new_key())
    assert PSEUDONYMS.token(b"code") == Pseudonyms(b"k" * 32).token(b"code")
    assert PSEUDONYMS.token(b"code") != other.token(b"code")
    assert PSEUDONYMS.token(b"code") != PSEUDONYMS.token(b"code2")
    assert PSEUDONYMS.token(b"code").isalnum()


def test_state_messages_share_a_session_and_differ_in_id() -> None:
    birth = BirthState(
        session=3,
        epoch="k3f9x2m7",
        first_seq=1,
        last_seq=9,
        confirmed_seq=7,
        software="1.0",
        clock=TimeQuality.UNSYNC,
        devices={"gate-camera": DeviceState.ONLINE},
        lanes=["in-1"],
    )
    lost = EndState(state="lost", session=3, epoch="k3f9x2m7")
    born, ended = (json.loads(encode_state(each, source=SOURCE, at_ms=0)) for each in (birth, lost))
    assert born["data"]["session"] == ended["data"]["session"] == 3
    assert (born["data"]["state"], ended["data"]["state"]) == ("birth", "lost")
    assert born["data"]["devices"] == {"gate-camera": "online"}
    assert born["id"] != ended["id"]
    assert born["type"] == ended["type"] == "checkpoint.state.v1"


@pytest.mark.parametrize("kind", Kind)
def test_what_has_been_encoded_is_decoded_as_it_was(kind: Kind) -> None:
    event = Draft(kind, "lane/in-1", STAMP, EXAMPLES[kind], correlation="k3f9x2m7-1")
    body = encode(event, source=SOURCE, epoch="k3f9x2m7", seq=7, recorded_ms=STAMP.wall_ms)
    assert decode(body) == (
        *("k3f9x2m7-7", kind, "lane/in-1", TimeQuality.SYNC),
        *(EXAMPLES[kind], "k3f9x2m7-1"),
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"id":"a-1","type":"checkpoint.scan.v2","subject":"","clock":"sync","data":{}}',
        b'{"id":"a-1","type":"checkpoint.scan.v1","subject":"","clock":"sync","data":[]}',
        b'{"id":"a-\xff","type":"checkpoint.scan.v1","subject":"","clock":"sync","data":{}}',
    ],
)
def test_what_this_version_does_not_know_is_not_decoded(body: bytes) -> None:
    assert decode(body) is None


EXAMPLES: dict[Kind, Data] = {
    Kind.SCAN: ScanData(
        device="camera",
        medium="qr",
        symbology="qr",
        class_=Class.RESIDENT,
        verdict=Verdict.VALID,
        token="a" * 26,
        decode_ms=None,
    ),
    Kind.TEMPERATURE: TemperatureData(
        device="thermometer",
        lane="in-1",
        celsius=36.5,
        raw_celsius=36.5,
        kind=Surface.BODY,
        quality=Quality.OK,
        samples=3,
        threshold=37.3,
        verdict=Fever.NORMAL,
    ),
    Kind.DOOR: DoorData(
        device="doors", door="d", role=Role.HOME, position=Position.OPEN, lock=Lock.UNKNOWN
    ),
    Kind.PASSAGE: PassageData(
        lane="in-1",
        direction=Direction.ENTRY,
        decision=Decision.DENIED,
        reason="expired",
        checks={"pass": Check.FAILED},
        parts=["k3f9x2m7-1"],
        policy="7",
        took_ms=12,
    ),
    Kind.ALARM: AlarmData(alarm="door-forced", state=AlarmState.RAISED),
    Kind.DUTY: DutyData(post="gate", act=DutyAct.CHECK_IN, token="a" * 26),
    Kind.INSPECTION: InspectionData(slot="09:00", day="2026-03-18", state=SlotState.MISSED),
    Kind.REPORT: ReportData(
        period=Period.DAY,
        name="2026-03-18",
        zero=True,
        counts={},
        missing={"temperature": 1},
        since="2026-03-17T16:00:00.000Z",
        uptime_s=86400,
        chain="0" * 64,
        clock="sync",
    ),
    Kind.DEVICE: DeviceData(device="camera", driver="camera", state=DeviceState.ONLINE),
    Kind.DOCUMENT: DocumentData(name="policy", version="7", state=DocumentState.APPLIED),
    Kind.COMMAND: CommandData(id="1", command="release", status=403),
    Kind.GAP: GapData(why=GapReason.CORRUPT, first=1, last=2),
}
