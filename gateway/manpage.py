"""The man page, made of the same parser as `--help`, so that both say the same.

`python -m gateway.manpage | man -l -`
"""

import argparse
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import version

from gateway import cli

_FILES = {
    "/etc/checkpoint-gateway/gateway.toml": "The configuration of this gate.",
    "/etc/checkpoint-gateway/secrets/": "Keys and passwords, readable by root alone; systemd hands"
    " the service those that its unit names.",
    "/var/lib/checkpoint-gateway/": "The journal with every reading, and the key for pseudonyms.",
    "/run/checkpoint-gateway/control.sock": "Where the running gateway is asked: status, reload.",
    "/usr/share/checkpoint-gateway/gateway.toml": "Every option with its default, to copy from.",
    "/opt/checkpoint-gateway/": "The program, and the Python packages that it needs.",
}
_ENVIRONMENT = {
    "RUNTIME_DIRECTORY": "Where the control socket is made; systemd sets it.",
    "XDG_RUNTIME_DIR": "The same, where a user runs the gateway by hand.",
}


_PARTS = re.compile(
    r"(?P<before>.*?)(^examples:\n(?P<examples>.*?))?(^exit codes: (?P<codes>.*))?",
    re.MULTILINE | re.DOTALL,
)


def page() -> str:
    """The whole page, in the language of man(7)."""
    parser = cli.command_line()
    more = _parts(parser.epilog)
    lines = [
        f'.TH {_plain(parser.prog).upper()} 1 {_day()} "{parser.prog} {version(parser.prog)}"',
        ".nh",
        ".SH NAME",
        f"{_plain(parser.prog)} \\- the box at a community gate",
        ".SH SYNOPSIS",
        f"\\fB{_plain(parser.prog)}\\fR COMMAND [argument ...]",
        ".SH DESCRIPTION",
        _plain(parser.description),
        *_options(parser),
        ".SH COMMANDS",
        *(line for each in _inner(parser) for line in _command(each)),
        ".SH FILES",
        *_table(_FILES),
        ".SH ENVIRONMENT",
        *_table(_ENVIRONMENT),
        '.SH "EXIT STATUS"',
        *_table(dict(re.findall(r"(\d+) ([^,]+)", more["codes"]))),
        ".SH EXAMPLES",
        *_verbatim(more["examples"]),
    ]
    return "\n".join(lines) + "\n"


def _command(parser: argparse.ArgumentParser) -> Iterator[str]:
    """A command and, after it, those that it has itself."""
    more = _parts(parser.epilog)
    inner = _inner(parser)
    usage = " ".join(parser.format_usage().split()).removeprefix(f"usage: {parser.prog} ")
    yield f'.SS "{_plain(parser.prog)}"'
    if not inner:
        yield f"\\fB{_plain(parser.prog)}\\fR {_plain(usage)}"
        yield ".PP"
    yield _plain(parser.description)
    yield from _options(parser)
    if more["before"]:
        yield from (".PP", _plain(more["before"]))
    if more["codes"]:
        yield from (".PP", f"Exit codes: {_plain(more['codes'])}.")
    if more["examples"]:
        yield from (".PP", *_verbatim(more["examples"]))
    for each in inner:
        yield from _command(each)


def _inner(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    return [
        inner
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for inner in action.choices.values()
    ]


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """What may follow the command, as the help has it; but for --help itself."""
    formatter = parser._get_formatter()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction | argparse._HelpAction):
            continue
        text = formatter._expand_help(action) if action.help else ""
        yield from _entry(formatter._format_action_invocation(action), text)


def _table(entries: Mapping[str, str]) -> Iterator[str]:
    for term, text in entries.items():
        yield from _entry(term, text)


def _entry(term: str, text: str) -> Iterator[str]:
    yield from (".TP", f"\\fB{_plain(term)}\\fR", _plain(text) or "\\&")


def _parts(epilog: str | None) -> dict[str, str]:
    """What stands below the options: text before, examples, exit codes; empty if there is none."""
    found = _PARTS.fullmatch(epilog or "")
    assert found  # every part is optional
    return {name: (text or "").strip("\n") for name, text in found.groupdict().items()}


def _verbatim(text: str) -> Iterator[str]:
    yield from (".nf", *(_escaped(line) for line in text.splitlines()), ".fi")


def _plain(text: str | None) -> str:
    """Running text: one line, whatever its line breaks were."""
    return _escaped(" ".join((text or "").split()))


def _escaped(line: str) -> str:
    """A line of which no character means anything to troff."""
    line = line.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{line}" if line.startswith((".", "'")) else line


def _day() -> str:
    made = os.environ.get("SOURCE_DATE_EPOCH")
    return time.strftime("%Y-%m-%d", time.gmtime(int(made) if made else None))


if __name__ == "__main__":
    sys.stdout.write(page())
