"""Every option there is, set wrongly in every way: always its line, always a technician's words."""

import re
from pathlib import Path

import pytest

from gateway.configfile import lines, load
from gateway.errors import ConfigError
from tests.test_sample_config import SAMPLE, switched_on

TEXT = switched_on(SAMPLE.read_text())
LINES = lines.first_lines(TEXT)
OPTIONS = sorted(
    (line, str(path[-1]))
    for path, line in LINES.items()
    if isinstance(path[-1], str) and re.match(r"\w+ = ", TEXT.split("\n")[line - 1])
)
"""Line and name of every option in the sample."""

WRONG = [
    "-1", "0", "7", "-1e9", "1e9", "9999999999999999999999", "1.5", "nan", "inf", "true", '""',
    '"!"', '"1"', f'"{"x" * 300}"', "2026-01-01", "07:32:00", "[]", "[true]", "[1, 2, 3]", "{}",
    '{ x = 1 }',
]  # fmt: skip

PLAIN = re.compile(r"found .+; expected .+|missing; expected .+|unknown; expected one of .+")
OWN_WORDS = re.compile(
    r"\w+: \d+\.\d+ is not below .*|(doors|outputs)\.\S+ is \d+, .*|plausible_celsius: .*|"
    r"address is \d+; expected .*|.* has the port .* already; (as .*; )?expected .*|"
    r"(window|agree|silence_s|rate_hz|valid_celsius|profile): .*|profile is missing; .*|"
    r"[\w.-]+( or [\w.-]+| = .*)? (is|are) missing; .*|"
    r"the topic .*; expected a shorter id, district, street or community"
)
PYDANTIC = re.compile(r"Input should|Value error|validation|pydantic|string_|Field required")


def told(file: Path, text: str) -> list[str]:
    file.write_text(text)
    try:
        load(file)
    except ConfigError as error:
        return str(error).replace(f"{file}:", "").split("\n")
    return []


def with_line(number: int, line: str) -> str:
    written = TEXT.split("\n")
    return "\n".join([*written[: number - 1], line, *written[number:]])


@pytest.mark.parametrize(("line", "name"), OPTIONS)
def test_wrong_values(tmp_path: Path, line: int, name: str) -> None:
    refused = 0
    for value in WRONG:
        mistakes = told(tmp_path / "gate.toml", with_line(line, f"{name} = {value}"))
        refused += bool(mistakes)
        for mistake in mistakes:
            where, _, words = mistake.partition("]")
            assert not PYDANTIC.search(mistake)
            assert re.match(r"\d+: \[", where)
            _, _, words = words.partition(": ")
            assert PLAIN.fullmatch(words) or OWN_WORDS.fullmatch(words), mistake
        if mistakes and name != "driver":
            assert any(each.startswith(f"{line}: ") or name in each for each in mistakes)
    assert refused >= len(WRONG) / 2


@pytest.mark.parametrize(("line", "name"), [each for each in OPTIONS if each[1] != "driver"])
def test_misspelt(tmp_path: Path, line: int, name: str) -> None:
    written = TEXT.split("\n")[line - 1]
    mistakes = told(tmp_path / "gate.toml", with_line(line, f"x{written}"))
    [mistake] = [each for each in mistakes if each.startswith(f"{line}: ")]
    assert re.search(rf'\] x{name}: unknown; .*; did you mean "{name}"\?$', mistake)


@pytest.mark.parametrize(("line", "name"), OPTIONS)
def test_left_out(tmp_path: Path, line: int, name: str) -> None:
    """Either it may be left out, or its table's line says that it is missing."""
    path = next(path for path, at in LINES.items() if at == line and path[-1] == name)
    mistakes = told(tmp_path / "gate.toml", with_line(line, ""))
    table = LINES[path[:-1]]
    other = [each for each in mistakes if "is missing; " not in each]
    assert all(each.startswith(f"{table}: ") and f"{name}: missing" in each for each in other)
