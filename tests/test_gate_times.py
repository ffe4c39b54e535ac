"""What happens at a gate because of the time of day."""

from datetime import datetime
from pathlib import Path

from tests.signers import document, public_file
from tests.test_gate_orders import publish
from tests.wholegate import CONFIG, whole_gate

JUST_BEFORE_NINE = datetime.fromisoformat("2026-11-18T08:59:57+08:00")

CENTRE = '\n[centre]\nkey_files = ["centre.pem"]\n'
DUTY = '\n[duty]\nlate_after_s = 1.0\nunattended_after_s = 1.0\nposts.gate.at = "in-1"\n'
ROTA = {
    "shifts": [
        {"name": "morning", "from": "09:00", "to": "17:00", "post": "gate", "badges": ["x/g-1"]}
    ]
}


async def test_by_the_rota_of_the_centre_somebody_is_late_and_nobody_is_there(
    tmp_path: Path,
) -> None:
    public_file(tmp_path / "centre.pem")
    async with whole_gate(tmp_path, CONFIG + CENTRE + DUTY, begin=JUST_BEFORE_NINE) as gate:
        await publish(gate.broker.port, document("rota", "2026-11-18", ROTA))
        await gate.until_recorded("duty", 1)
        await gate.until_recorded("alarm", 1)
        [late], [alone] = gate.data("duty"), gate.data("alarm")
        assert (late["act"], late["post"], late["shift"]) == ("late", "gate", "morning")
        assert (alone["alarm"], alone["state"]) == ("post-unattended", "raised")


async def test_the_report_of_the_day_comes_when_it_is_time(tmp_path: Path) -> None:
    reports = '\n[reports]\nat = "09:00"\n'
    async with whole_gate(tmp_path, CONFIG + reports, begin=JUST_BEFORE_NINE) as gate:
        gate.scanner.hold_up(b"https://example.org/a-stranger-s-code")
        await gate.until_recorded("report", 1)
        [report] = gate.events("report")
        said = report["data"]
        assert (said["period"], said["zero"], said["clock"]) == ("day", False, "sync")
        assert said["counts"]["passage.denied"] == 1
        before = [each for each in gate.received.contents if int(each["sequence"]) <= said["last"]]
        assert len(before) == said["last"] - said["first"] + 1
        for kind in ("scan", "passage", "device", "door"):
            of_kind = [each for each in before if each["type"] == f"checkpoint.{kind}.v1"]
            assert said["counts"].get(kind, 0) == len(of_kind)
        assert report["time"].startswith("2026-11-18T01:00:00")
