"""Who somebody is in the records: a person by all their passes, a slip by itself."""

from pathlib import Path

import pytest

from drivers.base import CodeScanned
from gateway.conduct.assessor import Assessor, Grounds
from gateway.events import Class, Judged, Verdict
from gateway.pseudonyms import Keyring
from tests.journal.journals import CLOCK
from tests.passes.issuing import trust
from tests.wholegate import a_pass


@pytest.fixture
def assessor(tmp_path: Path) -> Assessor:
    return Assessor(Keyring.open(tmp_path / "pseudonym.key"), CLOCK, Grounds(trust=trust()))


def judged(assessor: Assessor, payload: bytes) -> Judged:
    return assessor.code(CodeScanned(payload, "qr", "scanner"), CLOCK.now())


FIRST, SECOND = bytes.fromhex("0102030405"), bytes.fromhex("0504030201")


def test_whoever_gets_another_pass_stays_the_same_person(assessor: Assessor) -> None:
    one, other = (judged(assessor, a_pass(number=each)) for each in (FIRST, SECOND))
    assert one.verdict is other.verdict is Verdict.VALID
    assert one.token == other.token
    assert judged(assessor, a_pass(subject="r-1")).token != one.token


def test_somebody_s_next_admission_slip_is_another_slip(assessor: Assessor) -> None:
    slips = [a_pass(kind=Class.ADMISSION, number=each) for each in (FIRST, SECOND)]
    one, again, other = (judged(assessor, each) for each in (slips[0], slips[0], slips[1]))
    assert one.class_ is Class.ADMISSION
    assert one.token == again.token != other.token


def test_the_content_of_a_code_is_in_nothing_unless_that_is_asked_for(assessor: Assessor) -> None:
    payload = a_pass()
    assert payload.decode() not in repr(judged(assessor, payload))
    assessor.grounds = Grounds(trust=trust(), clear=True)
    assert judged(assessor, payload).content == payload.decode()
