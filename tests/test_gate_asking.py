"""Somebody is asked over the network about the health codes that people show at a whole gate."""

from pathlib import Path

import pytest

from tests.journal.journals import query
from tests.test_resolving import CODE, Authority, listening
from tests.wholegate import CONFIG, a_pass, whole_gate

POLICY = '[entry.resident]\nneeds = ["pass", "code"]\n'


def asking(url: str) -> str:
    """The configuration of a gate that asks there."""
    trusting = 'trust_file = "passes.json"\n'
    codes = 'health_codes = ["https://code.example.cn/"]\n'
    more = f'\n[passes.resolver]\nurl = "{url}"\n[policy]\nfile = "policy.toml"\n'
    return CONFIG.replace(trusting, trusting + codes) + more


@pytest.mark.parametrize(
    ("answer", "verdict", "decision"),
    [("pass", "valid", "granted"), ("refuse", "revoked", "denied")],
)
async def test_the_answer_decides(tmp_path: Path, answer: str, verdict: str, decision: str) -> None:
    (tmp_path / "policy.toml").write_text(POLICY)
    authority = Authority(f'{{"answer": "{answer}"}}'.encode())
    async with listening(authority) as url, whole_gate(tmp_path, asking(url)) as gate:
        gate.scanner.hold_up(a_pass())
        await gate.until_recorded("scan", 1)
        gate.scanner.hold_up(CODE)
        await gate.until_recorded("passage", 1)
        _, shown, answered = gate.events("scan")
        assert [each["data"]["verdict"] for each in (shown, answered)] == ["opaque", verdict]
        assert answered["correlationid"] == shown["id"]
        assert answered["data"]["token"] == shown["data"]["token"]
        [passage] = gate.data("passage")
        assert passage["decision"] == decision
        assert len(authority.asked) == 1
        assert CODE.decode() not in gate.daemon.log
        bodies = query(gate.daemon.state_dir / "journal.db", "SELECT body FROM event")
        assert not any(CODE in body for (body,) in bodies)
