"""What the fuzzer begins from is what the codecs read."""

import pytest

from drivers.counters import Counters
from tests.faults.subjects import SUBJECTS, Subject


@pytest.mark.parametrize("subject", SUBJECTS.values(), ids=str)
def test_every_seed_is_read(subject: Subject) -> None:
    for seed in subject.seeds:
        assert any(each is not None for each in subject.codec(Counters()).feed(seed))
