"""What is not TOML: the line, plain words, and the rest of the file read nevertheless."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.configfile import syntax

SPOILS_ONE_LINE = [
    ("port =", 1, "missing or has no valid form"),
    ("port = yes", 1, "missing or has no valid form"),
    ("host = broker.example", 1, "missing or has no valid form"),
    ("port = 1883 tcp", 1, "something follows the end of the value"),
    ("port = 1,5", 1, "something follows the end of the value"),
    ("port 1883", 1, "= is missing"),
    ('host = "broker', 1, "not closed with its quotation mark"),
    ("host = 'broker", 1, "not closed with its quotation mark"),
    ('path = "C:\\dir"', 1, "backslash"),
    ('name = "\\uZZZZ"', 1, "hexadecimal digits"),
    ('name = "\\uD800"', 1, "character that exists"),
    ("at = 2026-02-30", 1, "no such date"),
    ("t = { a = 1, a = 2 }", 1, "set twice between { and }"),
    ("t = { a = 1 b = 2 }", 1, "with commas between them"),
    ("t = { a = 1, }", 1, "none after the last"),
    ("a = 1\na = 2", 2, "used twice; first in line 1"),
    ("[t]\na = 1\n[t]", 3, "declared twice; first in line 1"),
    ("[t", 1, "not closed with ]"),
    ("[gate one]", 1, "not closed with ]"),
    ("[[t]", 1, "not closed with ]"),
    ("[]", 1, "the name is missing"),
    ("a = 1\n[a]", 2, "used twice; first in line 1"),
    ("t = {}\n[t.u]", 2, "declared twice"),
    ("t = {}\nt.u = 1", 2, "complete and cannot be added to"),
    ("[a.b]\n[a]\nb.c = 1", 3, "complete and cannot be added to"),
    ("l = []\n[[l]]", 2, "complete and cannot be added to"),
]
HIDES_THE_REST = [
    ("?", 1, "neither a [table] nor a key = value"),
    ("l = [1, 2\nport = 1883", 2, "lacks a comma or its closing ]"),
    ("t = { a = 1\n}", 1, "between { and }"),
    ("t = {\n  a = 1,\n}", 1, "all of them in one line"),
    ("t = { a = 1,\n  b = 2 }", 1, "all of them in one line"),
    ("[t]\r[u]\ra = 1\r", 1, "ends in CR alone"),
    ("[t]\n[u]\ra = 1\n", 2, "ends in CR alone"),
    ('a = ""\nlong = """never closed\n\na = 1', 2, "not closed with its quotation marks"),
    ("long = '''never closed\n[t]\n", 1, "not closed with its quotation marks"),
    ("a = 1 # \x01", 1, "control character"),
    ('a = "\x01"', 1, "control character"),
    ("l = " + "[" * 3000, 1, "nested too deeply"),
    (".".join("a" * 3000) + " = 1", 1, "nested too deeply"),
    ("\n\nl = [\n" + "[" * 3000, 4, "nested too deeply"),
    ("[t]\n" + ".".join("a" * 3000) + " = 1", 2, "nested too deeply"),
    ("[t]\n[" + ".".join("a" * 40) + "]\n" + ".".join("b" * 40) + " = 1", 3, "too deeply"),
    ("b = 2\na = " + "1" * 5000, 2, "too many digits"),
    ("b = 2\na = 0x" + "f" * 5000, 2, "too many digits"),
    ("b = 2\na = [1, -" + "1" * 5000 + "]", 2, "too many digits"),
]


@pytest.mark.parametrize(("text", "line", "words"), SPOILS_ONE_LINE)
def test_the_rest_is_read_after(text: str, line: int, words: str) -> None:
    parsed = syntax.parse(f"{text}\n[rest]\nread = true\n")
    [mistake] = parsed.mistakes
    assert (mistake.line, parsed.whole) == (line, True)
    assert words in mistake.words
    assert parsed.data["rest"] == {"read": True}


@pytest.mark.parametrize(("text", "line", "words"), HIDES_THE_REST)
def test_the_rest_cannot_be_read_after(text: str, line: int, words: str) -> None:
    parsed = syntax.parse(text)
    [mistake] = parsed.mistakes
    assert (mistake.line, parsed.whole) == (line, False)
    assert words in mistake.words


def test_every_mistake_is_listed_and_names_what_could_not_be_read() -> None:
    parsed = syntax.parse('[t\nhost = "a\nport = 1\nport = 2\n[u]\nq = no\n')
    assert [(each.line, each.name) for each in parsed.mistakes] == [
        (1, "t"),
        (2, "host"),
        (4, "port"),
        (6, "q"),
    ]
    assert parsed.data == {"u": {}}


def test_nothing_is_taken_for_a_key_or_a_table_inside_a_list() -> None:
    parsed = syntax.parse("l = [1,\nport = 1\n[t]\nport = 2\n")
    assert [each.line for each in parsed.mistakes] == [2]
    assert not parsed.whole


def test_a_list_over_several_lines_is_not_taken_apart() -> None:
    parsed = syntax.parse("l = [yes,\n no]\n[t]\n")
    assert len(parsed.mistakes) == 1
    assert not parsed.whole


def test_some_other_kind_of_file_does_not_end_in_a_flood() -> None:
    parsed = syntax.parse("\n".join(f"key{n} = no" for n in range(1000)))
    assert len(parsed.mistakes) == syntax.MOST_MISTAKES


def test_the_lines_stay_where_they_were() -> None:
    text = 'a = "x\n\n[t\nb = 1\n'
    assert syntax.parse(text).text.count("\n") == text.count("\n") + 1


def test_windows_line_ends_are_line_ends() -> None:
    assert syntax.parse("a = 1\r\n[t]\r\nb = 2\r\n").data == {"a": 1, "t": {"b": 2}}


@given(st.text(st.sampled_from("ab1=.[]{},\"'#\n\\ \t\r:-é\x00"), max_size=80))
def test_any_text_is_either_read_or_explained(text: str) -> None:
    parsed = syntax.parse(text)
    assert parsed.mistakes or parsed.data == tomllib.loads(text + "\n")
    lines = text.count("\n") + 1
    assert all(1 <= mistake.line <= lines for mistake in parsed.mistakes)
