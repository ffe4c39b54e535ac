"""The man page: it has all that the parser has, and troff has nothing to say against it."""

import argparse
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import cli, manpage


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("man") / "checkpoint-gateway.1"
    file.write_text(manpage.page())
    return file


@pytest.fixture(scope="module")
def shown(page: Path) -> str:
    """The page as a technician reads it, in lines too long to be broken."""
    done = subprocess.run(
        ["mandoc", "-T", "utf8", "-O", "width=1000", page],
        capture_output=True,
        text=True,
        check=True,
    )
    return subprocess.run(
        ["col", "-bx"], input=done.stdout, capture_output=True, text=True, check=True
    ).stdout


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from parsers(inner)


def section(shown: str, title: str) -> str:
    _, _, rest = shown.partition(f"\n{title}\n")
    return rest.split("\n\n", 1)[0] if rest.startswith(" ") else ""


@pytest.mark.parametrize("parser", list(parsers(cli.command_line())), ids=lambda each: each.prog)
def test_every_command_is_in_it_with_its_options(
    parser: argparse.ArgumentParser, shown: str
) -> None:
    commands = shown.partition("\nCOMMANDS\n")[2] if " " in parser.prog else shown
    mine = commands.partition(f"   {parser.prog}\n")[2] if " " in parser.prog else commands
    mine = mine.partition("\n   checkpoint-gateway ")[0]
    assert parser.description, "a command without a description"
    assert " ".join(parser.description.split()) in mine
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction | argparse._HelpAction):
            continue
        for option in action.option_strings or [str(action.metavar)]:
            assert f"\n       {option}" in mine or f", {option}" in mine


def test_it_says_how_commands_end(shown: str) -> None:
    status = shown.partition("\nEXIT STATUS\n")[2].partition("\nEXAMPLES\n")[0]
    for code in (0, 1, 2, cli.EXIT_CONFIG):
        assert f"\n       {code}" in f"\n{status}"


@pytest.mark.parametrize("title", ["NAME", "SYNOPSIS", "FILES", "ENVIRONMENT", "EXAMPLES"])
def test_no_section_is_empty(title: str, shown: str) -> None:
    assert section(shown, title).strip()


@pytest.mark.parametrize(
    "command",
    [
        ["mandoc", "-T", "lint", "-W", "warning"],
        ["groff", "-ww", "-z", "-man", "-K", "utf8", "-T", "utf8"],
        ["man", "--warnings=w", "--local-file"],
    ],
    ids=lambda command: command[0],
)
def test_troff_takes_it_without_a_warning(command: list[str], page: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANPAGER": "cat"}
    done = subprocess.run(
        [*command, page], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
