"""JSON from strangers: what is read, and the one form in which everybody signs it."""

import json
import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.canonical import LARGEST_INTEGER, canonical, read

MOST = 100_000


def taken(text: str | bytes) -> dict[str, Any]:
    return read(text if isinstance(text, bytes) else text.encode(), most_bytes=MOST)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no JSON"),
        ("7", "no JSON object"),
        ("[]", "no JSON object"),
        ("null", "no JSON object"),
        ('{"a":1', "no JSON"),
        ('{"a":1}}', "no JSON"),
        ("\ufeff{}", "no JSON"),
        (b"\xff\xfe{}", "no UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', "no UTF-8"),
        ('{"a":1,"a":1}', "twice"),
        ('{"b":{"a":1,"a":2}}', "twice"),
        ('{"a":1,"\\u0061":1}', "twice"),
        ('{"a":NaN}', "no numbers"),
        ('{"a":Infinity}', "no numbers"),
        ('{"a":[-Infinity]}', "no numbers"),
        ('{"a":1e400}', "a number"),
        ('{"a":1e-400}', "a number"),
        ('{"a":1e20}', "a number"),
        ('{"a":0.00000001}', "a number"),
        ('{"a":9007199254740992}', "too large"),
        ('{"a":-9007199254740992}', "too large"),
        ('{"a":' + "9" * 50_000 + "}", "too large"),
        ('{"a":0.' + "3" * 50_000 + "}", "a number"),
        ('{"a":"\\ud800"}', "half a character"),
        ('{"\\udc00":1}', "half a character"),
        ('{"a":"' + "x" * MOST + '"}', "longer"),
        ('{"a":' + "[" * 33 + "]" * 33 + "}", "too deeply"),
        ('{"a":' + "[" * 50_000, "too deeply"),
        ('{"a":' * 10_000, "too deeply"),
        ('{"a":"\x01"}', "no JSON"),
        ("{'a':1}", "no JSON"),
        ('{"a":01}', "no JSON"),
    ],
    ids=lambda text: str(text)[:16],
)
def test_what_not_everybody_understands_alike_is_refused(text: str | bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        taken(text)


@pytest.mark.parametrize(
    "text",
    ['{"secret":secret}', '{"secret":NaN,', '{"a":"secret\\ud800"}', "secret" * 99_999],
    ids=range(4),
)
def test_a_refusal_shows_nothing_of_the_content(text: str) -> None:
    with pytest.raises(ValueError, match=r"^it is|^NaN|^a text") as refusal:
        taken(text)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ('{ "b" : 1 , "a" : [ true , false , null ] }', '{"a":[true,false,null],"b":1}'),
        ('{"a":37.30,"b":37.0,"c":-0.0,"d":1e3,"e":0}', '{"a":37.3,"b":37,"c":0,"d":1000,"e":0}'),
        ('{"a":0.000001,"b":-5,"c":1.5e-3}', '{"a":0.000001,"b":-5,"c":0.0015}'),
        ('{"a":9007199254740991}', '{"a":9007199254740991}'),
        ('{"a":"\\u20ac$\\u000f\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/"}',
         '{"a":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'),
        # Sorted by UTF-16 units, as RFC 8785, 3.2.3, has it: U+1F600 before U+FB33.
        ('{"\\u20ac":1,"\\r":2,"\\ufb33":3,"1":4,"\\ud83d\\ude00":5,"\\u0080":6,"\\u00f6":7}',
         '{"\\r":2,"1":4,"\x80":6,"ö":7,"€":1,"😀":5,"\ufb33":3}'),
    ],
)  # fmt: skip
def test_the_canonical_form_is_that_of_rfc_8785(text: str, form: str) -> None:
    assert canonical(taken(text)).decode() == form


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=20,
)


@given(values | st.dictionaries(st.text(), values))
def test_the_canonical_form_reads_as_the_same_and_is_its_own(value: Any) -> None:
    try:
        found = read(json.dumps(value).encode(), most_bytes=MOST)
    except ValueError:
        return
    form = canonical(found)
    assert read(form, most_bytes=MOST) == found == value
    assert canonical(read(form, most_bytes=MOST)) == form


@given(st.floats(1e-6, LARGEST_INTEGER), st.booleans())
def test_fractions_keep_their_value(value: float, negative: bool) -> None:
    value = -value if negative else value
    form = canonical({"a": value}).decode()
    assert "e" not in form
    assert math.isclose(json.loads(form)["a"], value, rel_tol=0, abs_tol=0)


@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_nothing_but_a_value_error_is_raised(text: bytes) -> None:
    with suppress(ValueError):
        assert isinstance(read(text, most_bytes=150), dict)
