"""The line of every key that tomllib finds, in any TOML it accepts."""

import json
import tomllib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.configfile.lines import Path, first_lines, key_lines

bare = st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True)
anything = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=6)
short_text = anything.map(lambda text: json.dumps(text).replace("\x7f", "\\u007f"))
plain = st.text("ab [],{}=.#\"'\\\t", max_size=8)
literal = plain.map(lambda text: "'" + text.replace("'", "") + "'")
lines_of_text = st.text("ab [],{}=.#'\t\n", max_size=12)
long_text = lines_of_text.map(lambda text: f'"""{text}"""')
long_with_quotes = lines_of_text.map(lambda text: f'"""{text}\\n""x"""""')
long_literal = lines_of_text.map(lambda text: "'''" + text.replace("'", "") + "''x'''")
atoms = st.one_of(
    short_text,
    literal,
    long_text,
    long_with_quotes,
    long_literal,
    st.sampled_from(
        ["0", "-1_000", "0x1F", "1.5e3", "inf", "true", "1979-05-27 07:32:00", "07:32:00"]
    ),
)
keys = st.one_of(bare, short_text, literal)


def lists(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    gaps = st.sampled_from(["", " ", "\n", "\n  # a = [remark]\n"])
    return st.builds(
        lambda entries, gap, comma: f"[{gap}{f'{gap},{gap}'.join(entries)}{comma and gap}]",
        st.lists(inner, max_size=3),
        gaps,
        st.booleans().map(lambda yes: "," if yes else ""),
    )


def inline_tables(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.lists(st.tuples(keys, inner), max_size=3, unique_by=lambda pair: pair[0])
    return pairs.map(lambda pairs: "{ " + ", ".join(f"{k} = {v}" for k, v in pairs) + " }")


values = st.recursive(
    atoms, lambda inner: st.one_of(lists(inner), inline_tables(inner)), max_leaves=5
)
dotted = st.lists(keys, min_size=1, max_size=3).map(" . ".join)
statements = st.one_of(
    st.builds("{} = {}".format, dotted, values),
    st.builds("{} = {} # x = [1".format, dotted, values),
    dotted.map("[{}]".format),
    dotted.map("[[{}]]".format),
    st.sampled_from(["", "# [remark]", "  "]),
)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Statements that tomllib accepts together; those that contradict earlier ones are left out."""
    text = ""
    for statement in draw(st.lists(statements, max_size=8)):
        longer = f"{text}{statement}\n"
        try:
            tomllib.loads(longer)
        except tomllib.TOMLDecodeError:
            continue
        text = longer
    return text


def paths(value: object, at: Path = ()) -> Iterator[Path]:
    if at:
        yield at
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*at, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from paths(inner, (*at, position))


def written_in(line: str, key: str) -> bool:
    """Whether ``key`` stands in ``line``, be it in quotation marks and with escapes."""
    return key in line or json.dumps(key)[1:-1].replace("\x7f", "\\u007f") in line


@given(documents())
def test_every_path_has_the_line_it_stands_in(text: str) -> None:
    lines = first_lines(text)
    assert set(lines) == set(paths(tomllib.loads(text)))
    written = text.split("\n")
    for path, line in lines.items():
        if isinstance(path[-1], str):
            assert written_in(written[line - 1], path[-1])


@given(documents())
def test_windows_line_ends_change_nothing(text: str) -> None:
    assert first_lines(text.replace("\n", "\r\n")) == first_lines(text)


@given(st.text(st.sampled_from("ab=.[]{},\"'#\n\\ \t"), max_size=60))
def test_no_text_at_all_stops_it(text: str) -> None:
    lines = text.count("\n") + 1
    assert all(1 <= line <= lines for _, line in key_lines(text))


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("a = 1\nb = 2", ("b",), 2),
        ("[t]\n\nk.l = 1", ("t", "k", "l"), 3),
        ("[a.b]\n[a]\nc = 1", ("a", "c"), 3),
        ("[a.b]\n[a]\nc = 1", ("a",), 1),
        ('["x y".\'z\']\n"\\u0061" = 1', ("x y", "z", "a"), 2),
        ('t = """\nk = 1\n"""\nk = 2', ("k",), 4),
        ("l = [\n 1,\n # 2,\n { k = 3 },\n]", ("l", 1, "k"), 4),
        ("[[d]]\na = 1\n[[d]]\na = 2\n[d.e]\nf = 3", ("d", 1, "a"), 4),
        ("[[d]]\na = 1\n[[d]]\na = 2\n[d.e]\nf = 3", ("d", 1, "e", "f"), 6),
        ("d = 1979-05-27 07:32:00\nk = 1.5", ("k",), 2),
        ("3.14 = 1", ("3", "14"), 1),
        ('k = \'\'\'a\'\'\'\'\nl = """b"""""\nm = 1', ("m",), 3),
    ],
)
def test_line_of(text: str, path: Path, line: int) -> None:
    assert first_lines(text)[path] == line


def test_a_repeated_key_is_listed_each_time() -> None:
    assert [line for path, line in key_lines("a = 1\na = 2") if path == ("a",)] == [1, 2]


def test_a_date_is_one_entry_of_a_list() -> None:
    assert set(first_lines("a = [1979-05-27 07:32:00, 07:32:00]")) == {("a",), ("a", 0), ("a", 1)}
