"""The codecs of doors, locks and relays keep up with the worst that can be fed to them."""

from collections.abc import Callable

import pytest

from tests.bench.codecs_doors import CODECS, Codec, megabytes_per_s


@pytest.mark.parametrize(("make", "flood"), [each[1:] for each in CODECS], ids=lambda _: "")
def test_a_megabyte_a_second_at_least(make: Callable[[], Codec], flood: bytes) -> None:
    assert megabytes_per_s(make, flood, chunks=20) >= 1.0


@pytest.mark.parametrize(("make", "flood"), [each[1:] for each in CODECS], ids=lambda _: "")
def test_a_flood_makes_no_answer(make: Callable[[], Codec], flood: bytes) -> None:
    codec = make()
    for _ in range(20):
        assert not codec.feed(flood * 100) or flood == b"ON "
