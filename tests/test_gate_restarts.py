"""Whatever was decided before kill -9 is so after it: nobody twice, nobody lost."""

from pathlib import Path

from gateway.events import Class
from tests.brokers import until
from tests.wholegate import CONFIG, WholeGate, a_pass, well, whole_gate

AT_ONCE = CONFIG + '\n[policy]\nfile = "policy.toml"\n'
POLICY = """\
repeat_s = 0.0
[entry.resident]
needs = ["pass"]
[entry.admission]
needs = ["pass"]
"""


async def killed_and_started(gate: WholeGate) -> None:
    """kill -9, and everything is well again."""
    await gate.daemon.kill()
    await gate.daemon.start()
    await gate.daemon.until(well)


async def test_a_slip_that_was_used_before_a_crash_is_used(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(POLICY)
    async with whole_gate(tmp_path, AT_ONCE) as gate:
        slip = a_pass(kind=Class.ADMISSION, subject="slip-1")
        gate.scanner.hold_up(slip)
        await gate.until_recorded("passage", 1)
        await gate.walk_through()
        await gate.until_recorded("passage", 2)
        await killed_and_started(gate)
        gate.scanner.hold_up(slip)
        await gate.until_recorded("passage", 3)
        granted, ended, refused = gate.data("passage")
        assert (granted["decision"], granted["class"]) == ("granted", "admission")
        assert ended["taken"] is True
        assert (refused["decision"], refused["reason"]) == ("denied", "used")
        assert refused["token"] == granted["token"]


async def test_killed_between_decision_and_door_every_passage_is_there_once(
    tmp_path: Path,
) -> None:
    (tmp_path / "policy.toml").write_text(POLICY)
    async with whole_gate(tmp_path, AT_ONCE) as gate:
        for number in (1, 2):
            gate.board.written.clear()
            gate.scanner.hold_up(a_pass(subject=f"r-{number}"))
            if number == 1:
                await until(lambda: gate.board.written)  # the centre may not have it yet
            else:
                await gate.until_recorded("passage", 3)
            await killed_and_started(gate)
            await gate.walk_through()
            await gate.until_recorded("passage", 2 * number)
        passages = gate.events("passage")
        decided = [each for each in passages if "taken" not in each["data"]]
        ended = [each for each in passages if "taken" in each["data"]]
        assert [each["data"]["decision"] for each in decided] == ["granted"] * 2
        assert len({each["data"]["token"] for each in decided}) == 2
        assert [each["correlationid"] for each in ended] == [
            each["correlationid"] for each in decided
        ]
        assert [each["id"] for each in gate.events("scan")] == [
            each["correlationid"] for each in decided
        ]
        assert not gate.received.altered
