"""The codes of simulated people: real ones, of which a gate makes what it has to."""

import pytest

from gateway.clock import Stamp, TimeQuality
from gateway.events import Verdict
from gateway.holders.holder import Holder, Sort
from gateway.holders.wallet import Wallet
from gateway.passes.document import understand
from gateway.passes.judging import judge

MIDNIGHT_S = 1_768_406_400
PLACE = "410102/011/003"


@pytest.mark.parametrize("sort", Sort)
def test_a_gate_makes_of_each_code_what_the_day_says(sort: Sort) -> None:
    wallet, holder = Wallet(1, MIDNIGHT_S, PLACE), Holder(sort, 70_123)
    document = understand(wallet.trust([Holder(Sort.REVOKED, 70_123)]))
    noon = Stamp((MIDNIGHT_S + 43_200) * 1000, TimeQuality.SYNC, "b", 1)
    code = wallet.code(holder)
    assert code == Wallet(1, MIDNIGHT_S, PLACE).code(holder), "as a seed makes it"
    found = judge(code, noon, document.trust(f"{PLACE}/410102011003007"))
    due = holder.judged()
    assert found.verdict is due.verdict
    assert found.class_ is due.class_
    if found.verdict is Verdict.VALID:
        assert (found.role, found.registered) == (due.role, due.registered)


def test_two_people_have_two_codes() -> None:
    wallet = Wallet(1, MIDNIGHT_S, PLACE)
    codes = {wallet.code(Holder(sort, number)) for sort in Sort for number in range(20)}
    assert len(codes) == 20 * len(Sort)
    assert not [code for code in codes if b"\r" in code or b"\n" in code]
