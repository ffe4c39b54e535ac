"""TOML file → `Config`, or every mistake in it at once, with its line and what was expected."""

from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from gateway.config import Config
from gateway.configfile import lines, syntax, words
from gateway.configfile.mistakes import Mistake
from gateway.configfile.validate import validate
from gateway.errors import ConfigError

LARGEST_FILE = 128 << 10
"""Bytes. A gate with a hundred devices needs a quarter of this."""

MOST_TOLD = 100
"""Mistakes, the first in the file; nobody corrects more at once."""

_VERSION_DIGITS = 12

T = TypeVar("T")
Validate = Callable[[dict[str, Any]], tuple[T | None, list[Mistake]]]
"""Makes of plain data what it describes, or finds everything that is wrong with it."""


class Source(NamedTuple):
    """What was found in a file, be it a configuration or not."""

    path: Path
    content: bytes

    @property
    def version(self) -> str:
        """See `Config.version`."""
        return sha256(self.content).hexdigest()[:_VERSION_DIGITS]


_Told = tuple[int, object]
"""A mistake's line, and what ``str`` makes words of."""


def load(path: Path) -> Config:
    """Read the configuration in ``path``. Nothing but this file is opened, least of all a device.

    Raises:
        ConfigError: one line ``file:line: [table] key: what is wrong`` for each mistake.
    """
    return understand(read(path))


def understand(source: Source) -> Config:
    """The configuration in ``source``.

    Raises:
        ConfigError: as :func:`load` does.
    """
    return checked(source, validate).of_version(source.version)


def checked(source: Source, validate: Validate[T]) -> T:
    """What ``source`` describes, as far as ``validate`` finds nothing wrong with it.

    Raises:
        ConfigError: as :func:`load` does.
    """
    path = source.path
    parsed = syntax.parse(_text(source))
    report: list[_Told] = [(mistake.line, mistake.words) for mistake in parsed.mistakes]
    if not parsed.whole:
        report.append((report[-1][0], "what follows can be checked once this is corrected"))
        raise _refusal(path, report)
    made, mistakes = validate(parsed.data)
    where = lines.first_lines(parsed.text)
    unread = {mistake.name for mistake in parsed.mistakes}
    report += [
        (_line(mistake.path, where), mistake)
        for mistake in mistakes
        if not (mistake.missing and mistake.path[-1] in unread)
    ]
    if made is None or report:
        raise _refusal(path, report)
    return made


def refusal(source: Source, mistakes: Iterable[Mistake]) -> ConfigError:
    """The error that tells of ``mistakes`` in a ``source`` that can be understood."""
    where = lines.first_lines(syntax.parse(_text(source)).text)
    return _refusal(source.path, [(_line(each.path, where), each) for each in mistakes])


def _refusal(path: Path, report: list[_Told]) -> ConfigError:
    told = sorted(report, key=lambda each: each[0])
    lines_told = [f"{path}:{line}: {mistake}" for line, mistake in told[:MOST_TOLD]]
    if more := told[MOST_TOLD:]:
        lines_told.append(f"{path}:{more[0][0]}: from here on {len(more)} more mistakes")
    return ConfigError("\n".join(map(words.printable, lines_told)))


def read(path: Path, what: str = "configuration") -> Source:
    """What is in the file ``path``, which is to be a ``what``.

    Raises:
        ConfigError: it cannot be read, or is no file of a configuration's size.
    """
    try:
        if not path.is_file():
            path.stat()
            found = "a directory" if path.is_dir() else "not a regular file"
            raise ConfigError(f"{path}: this is {found}; expected a {what} file")
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: there is no such file") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) > LARGEST_FILE:
        size = f"larger than {LARGEST_FILE >> 10} KiB"
        raise ConfigError(f"{path}: {size}; this is no {what}")
    return Source(path, content)


def _text(source: Source) -> str:
    path, content = source
    try:
        return content.decode("utf-8-sig")  # Notepad writes a byte order mark; it does no harm
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = f"the byte 0x{content[error.start]:02x} is not UTF-8"
        raise ConfigError(f"{path}:{line}: {byte}; save the file as UTF-8") from error


def _line(path: lines.Path, where: dict[lines.Path, int]) -> int:
    """The line of ``path``, or of the innermost table around it that the file has."""
    parents = (path[:length] for length in range(len(path), 0, -1))
    return next((where[parent] for parent in parents if parent in where), 1)
