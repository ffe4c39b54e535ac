"""The documents are held to the program: what they name is there, and both READMEs say the same."""

import argparse
import ast
import re
import shlex
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
from msgspec.structs import fields

from gateway.checkpoint.reasons import Reason
from gateway.cli import command_line
from gateway.events import DATA_OF, Kind
from tests.test_architecture import MODULES, imported, short

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
READMES = [README, ROOT / "README.zh-CN.md"]
PAGES = [*READMES, *sorted((ROOT / "docs").glob("*.md"))]
SAMPLES = sorted((ROOT / "config").glob("*.toml"))

FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^ {4,}(\S.*)$", re.MULTILINE)
LABELS = {
    "checkpoint-gateway seal 1",
    "checkpoint-gateway command 1",
    "checkpoint-gateway document 1",
}
"""What looks like a command and is none."""


def running(path: Path) -> str:
    """The text without fenced blocks; of a sample its remarks."""
    text = path.read_text()
    if path.suffix == ".toml":
        return "\n".join(re.findall(r"^#(.*)$", text, re.MULTILINE))
    return FENCED.sub("", text)


def block(path: Path) -> list[str]:
    """The lines that are to be typed as they are, without the remark behind them."""
    return [re.sub(r"\s+#.*", "", line) for line in BLOCK.findall(running(path))]


def commands(lines: list[str]) -> Iterator[str]:
    for line in lines:
        words = line.removeprefix("sudo ")
        if words.startswith("checkpoint-gateway ") and words not in LABELS:
            yield words


def mentioned(path: Path) -> list[str]:
    """The commands in running text, where arguments may be left out."""
    spans = re.findall(r"`([^`]+)`", running(path))
    if path.suffix == ".toml":
        spans += re.findall(r"[ (](checkpoint-gateway [\w./ -]+)", running(path))
    return list(commands([" ".join(each.split()) for each in spans]))


def inner(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    choices = [each.choices for each in parser._actions if each.nargs == argparse.PARSER]
    return dict(choices[0] or {}) if choices else {}


def unknown(mention: str) -> list[str]:
    """What the program does not know of a command: its name, or an option."""
    parser, words = command_line(), mention.split()[1:]
    while words and (choices := inner(parser)) and re.match(r"[a-z]", words[0]):
        if words[0] not in choices:
            return [words[0]]
        parser = choices[words.pop(0)]
    return [
        each
        for each in words
        if re.match(r"--?[a-z]", each) and each not in parser._option_string_actions
    ]


@pytest.mark.parametrize("path", [*PAGES, *SAMPLES], ids=short)
def test_every_command_that_is_mentioned_exists(path: Path) -> None:
    assert {each: unknown(each) for each in mentioned(path) if unknown(each)} == {}


@pytest.mark.parametrize("line", sorted({each for page in PAGES for each in commands(block(page))}))
def test_every_command_in_a_block_can_be_typed(line: str) -> None:
    words = [each for each in shlex.split(line)[1:] if each != "--help"]  # which would end it here
    assert not words or command_line().parse_args(words)


def test_a_wrong_command_would_be_found() -> None:
    assert unknown("checkpoint-gateway setup backup --to DIR") == []
    assert unknown("checkpoint-gateway setup bakcup") == ["bakcup"]
    assert unknown("checkpoint-gateway doctor --bundel FILE") == ["--bundel"]


@pytest.mark.parametrize("path", PAGES, ids=short)
def test_every_link_leads_to_a_file(path: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", running(path))
    beside = [link for link in links if "://" not in link]
    assert [link for link in beside if not (path.parent / link).is_file()] == []


def test_both_readmes_have_the_same_blocks_and_lead_to_each_other() -> None:
    own, other = READMES
    assert block(own) == block(other)
    shown = [[body for kind, body in FENCED.findall(each.read_text()) if kind] for each in READMES]
    assert shown[0] == shown[1]
    assert f"]({other.name})" in own.read_text()[:200]
    assert f"]({own.name})" in other.read_text()[:200]


def rows(readme: Path) -> list[list[Path]]:
    """The rooms in each row of the table of the design; a name without its directory is in that of
    the one before."""
    table = []
    for first in re.findall(r"^\| (`(?:gateway|drivers)/.*?) \|", readme.read_text(), re.MULTILINE):
        names = re.findall(r"`([^`]+)`", first)
        home = Path(names[0]).parent
        table.append([Path(names[0]), *(home / each for each in names[1:])])
    return table


def row_of(module: str, table: list[list[Path]]) -> int:
    """Exactly one, be it that of a whole room."""
    found = [
        at
        for at, rooms in enumerate(table)
        for each in rooms
        if f"{module}.".startswith(".".join(each.with_suffix("").parts) + ".")
    ]
    assert len(found) == 1, f"{module} is in {len(found)} rows"
    return found[0]


@pytest.mark.parametrize("readme", READMES, ids=short)
def test_the_table_of_the_design_is_whole_and_in_the_order_of_imports(readme: Path) -> None:
    table = rows(readme)
    assert [each for rooms in table for each in rooms if not (ROOT / each).exists()] == []
    at = {name: row_of(name, table) for name in MODULES if name not in ("gateway", "drivers")}
    below = {(name, target) for name in at for target in imported(MODULES[name]) if target in at}
    assert sorted(pair for pair in below if at[pair[0]] > at[pair[1]]) == []


@pytest.mark.parametrize("readme", READMES, ids=short)
def test_every_dependency_is_told(readme: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {*project["dependencies"], *chain(*project["optional-dependencies"].values())}
    _, _, told = readme.read_text().rpartition("\n## ")
    names = {re.split(r"[^\w-]", each)[0] for each in needed}
    assert [name for name in sorted(names) if not re.search(rf"(?<![\w-]){name}\b", told)] == []


RULE = re.compile(r"^\| (\d+) \|.*$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py::\w+)`")
TABLE = (ROOT / "docs" / "rules.md").read_text()
RULES = {int(row[1]): set(TEST.findall(row[0])) for row in RULE.finditer(TABLE)}


def every_test() -> set[str]:
    """Every test there is, as `file::test`."""
    return {
        f"{path.relative_to(ROOT)}::{each.name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for each in ast.parse(path.read_text()).body
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_rule_has_a_test_and_every_test_that_is_named_exists() -> None:
    assert list(RULES) == [*range(1, 18)]
    assert [rule for rule, named in RULES.items() if not named] == []
    assert set(TEST.findall(TABLE)) - every_test() == set()


def test_every_test_named_after_a_rule_stands_beside_it() -> None:
    after = {each: re.search(r"::test_rule_(\d+)_", each) for each in every_test()}
    astray = [each for each, rule in after.items() if rule and each not in RULES[int(rule[1])]]
    assert astray == []


@pytest.mark.parametrize("kind", Kind)
def test_the_contract_names_everything_that_an_event_says(kind: Kind) -> None:
    contract = (ROOT / "docs" / "mqtt.md").read_text()
    [row] = re.findall(rf"^\| `{kind}` \|.*$", contract, re.MULTILINE)
    names = [each.encode_name for each in fields(DATA_OF[kind])]
    assert [each for each in names if f"`{each}`" not in row] == []


def test_the_contract_names_every_reason_of_a_refusal() -> None:
    contract = (ROOT / "docs" / "mqtt.md").read_text()
    _, _, passages = contract.partition("### Passages")
    told = passages.partition("\n## ")[0]
    assert [each for each in Reason if f"`{each}`" not in told] == []
