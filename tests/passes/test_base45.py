"""Base45 as RFC 9285 has it, and nothing that it has not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.passes import base45
from gateway.passes.form import FormError


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"AB", b"BB8"),
        (b"Hello!!", b"%69 VD92EX0"),
        (b"base-45", b"UJCLQE7W581"),
        (b"ietf!", b"QED8WEX0"),
        (b"", b""),
    ],
)
def test_the_standard_s_examples(data: bytes, text: bytes) -> None:
    assert base45.encode(data) == text
    assert base45.decode(text) == data


@given(st.binary(max_size=300))
def test_whatever_is_written_is_read(data: bytes) -> None:
    text = base45.encode(data)
    assert base45.decode(text) == data
    assert set(text) <= set(base45.ALPHABET)


@pytest.mark.parametrize(
    "text", [b"GGW", b":::", b"A", b"BB8A", b"::", b"ab", b"BB8\n", b"\xff\xff"]
)
def test_anything_else_is_refused(text: bytes) -> None:
    with pytest.raises(FormError):
        base45.decode(text)
